"""The gateway with every operation on graphql-core, which no setting asks for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from app.cli import server_config
from app.main import WorkerContext, create_app
from app.observability.telemetry import make_board
from app.server.run import run
from app.settings import load

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from app.server.lifecycle import Lifecycle


def make_core_app(context: WorkerContext, lifecycle: Lifecycle) -> ASGIApp:
    """The application of a worker, uncompiled."""
    return create_app(context, lifecycle, compiled=False)


if __name__ == "__main__":
    settings = load()
    context = WorkerContext(settings=settings, audit_key=b"a benchmark's key", counters=make_board(1))
    sys.exit(run(make_core_app, context, server_config(settings)))
