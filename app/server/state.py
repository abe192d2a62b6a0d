"""The state that the connections of one worker share."""

from __future__ import annotations

import math
from email.utils import formatdate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from app.server.config import ServerConfig
    from app.server.lifecycle import Lifecycle


class WorkerState:
    """The state that the connections of one worker share.

    Args:
        config: the limits.
        lifecycle: the life of the worker.

    Attributes:
        tasks: the running calls of the application.
        draining: responses carry ``Connection: close``.
        last_start: event loop time before which a request must be complete; infinite unless a stop was requested.
        date: the ``Date`` line of a response with its line end.
    """

    def __init__(self, config: ServerConfig, lifecycle: Lifecycle) -> None:
        self.config = config
        self.lifecycle = lifecycle
        self.tasks: set[asyncio.Task[None]] = set()
        self.draining = False
        self.last_start = math.inf
        self.renew_date()

    def renew_date(self) -> None:
        """Write the current second into the ``Date`` line."""
        self.date = b"date: %b\r\n" % formatdate(usegmt=True).encode()
