"""The gateway that tells nothing at all, not even its metrics, which no setting asks for: what telling costs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import app.observability.telemetry
from app.cli import server_config
from app.main import WorkerContext, create_app
from app.observability.metrics import Metrics
from app.observability.telemetry import make_board
from app.server.run import run
from app.settings import load

if TYPE_CHECKING:
    from app.wethod.executor import Deletion


class Silence(Metrics):
    """Counts nothing on the way of a delete."""

    def delete(self, deletion: Deletion) -> None:
        """Do nothing."""

    def answer(self, status: int | None, seconds: float) -> None:
        """Do nothing."""

    def upstream(self, result: str, seconds: float, *, repeat: bool) -> None:
        """Do nothing."""

    def reply(self, status: int) -> None:
        """Do nothing."""


if __name__ == "__main__":
    app.observability.telemetry.Metrics = Silence  # type: ignore[attr-defined]  # there is no other way, and must be none
    settings = load()
    context = WorkerContext(settings=settings, audit_key=b"a benchmark's key", counters=make_board(1))
    sys.exit(run(create_app, context, server_config(settings)))
