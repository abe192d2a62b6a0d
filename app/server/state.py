"""What the connections of one worker share."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING

from uvicorn.server import ServerState

if TYPE_CHECKING:
    from app.server.lifecycle import Lifecycle

IDLE_SECONDS = 125.0
"""Longer than any router's pool keeps a connection (Apollo 15 s, Hive 50 s, Cosmo 90 s): who closes first, must not
be the side that may find a request on the wire."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a connection may ask of the worker.

    Attributes:
        max_header_bytes: longest request line and headers together; the same again for chunk extensions and trailers.
        read_seconds: from a request's first byte (or the connection's begin) to its last.
        idle_seconds: between an answer and the next request; also how long an unread answer waits for its reader.
    """

    max_header_bytes: int
    read_seconds: float
    idle_seconds: float


class WorkerState(ServerState):
    """One for each worker; uvicorn's, and the few words more that our connections read.

    Attributes:
        limits: the limits of every connection.
        lifecycle: the worker's; refusals are counted there.
        draining: answers carry `Connection: close`.
        date: the `Date` line of an answer, line end included; renewed once a second by ``tick``.
    """

    def __init__(self, limits: Limits, lifecycle: Lifecycle) -> None:
        super().__init__()
        self.limits = limits
        self.lifecycle = lifecycle
        self.draining = False
        self.date = b""
        self._second = 0
        self.tick(0.0)

    def tick(self, now: float) -> None:
        """Renew the date and end what has taken too long.

        One pass over the open connections: a timer for each request cost 1.4 µs of its 13 µs.

        Args:
            now: event loop time in seconds.
        """
        second = int(time.time())
        if second != self._second:
            self._second = second
            self.date = b"date: %b\r\n" % formatdate(second, usegmt=True).encode()
        for connection in list(self.connections):
            connection.expire(now)  # type: ignore[union-attr]  # they are all ours
