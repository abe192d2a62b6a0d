"""The gateway with every operation on graphql-core, which no setting asks for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from app.main import create_app
from app.observability.telemetry import make_board
from app.server.context import WorkerContext
from app.server.workers import run
from app.settings import load

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def make_core_app(context: WorkerContext) -> ASGIApp:
    """The application of a worker, on graphql-core alone."""
    return create_app(context, projected=False)


if __name__ == "__main__":
    settings = load()
    context = WorkerContext(settings=settings, audit_key=b"a benchmark's key", board=make_board(1))
    sys.exit(run(make_core_app, context))
