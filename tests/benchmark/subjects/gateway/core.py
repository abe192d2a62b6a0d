"""The gateway with every operation on graphql-core, which no setting offers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from app.cli import server_config
from app.main import WorkerContext, create_app
from app.server.run import run
from app.settings import load
from schema.root import OPERATIONS, build_schema

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from app.server.lifecycle import Lifecycle


def make_core_app(context: WorkerContext, lifecycle: Lifecycle) -> ASGIApp:
    """Make the application of a worker, on graphql-core alone."""
    return create_app(context, lifecycle, build_schema(), OPERATIONS, projected=False)


if __name__ == "__main__":
    settings = load()
    sys.exit(run(make_core_app, WorkerContext(settings, b"a benchmark's key"), server_config(settings)))
