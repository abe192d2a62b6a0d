"""Accepts connections of one listening socket.

It replaces ``create_server`` of the event loop. uvloop's drops clients without a word when the process has no file
descriptor left, and neither loop can accept the clients that the kernel has accepted when the socket is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import math
from typing import TYPE_CHECKING

from app.server.listener import BACKLOG

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

logger = logging.getLogger(__name__)

_MAX_ACCEPTED = 64
"""Connections that are accepted before the event loop goes on."""

_PAUSE_SECONDS = 0.25
_LOG_SECONDS = 60.0
"""The least time between two log lines about the same trouble."""

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Acceptor:
    """Listens and accepts connections, until it is closed.

    Args:
        listener: a bound socket that does not block; closed by ``close``.
        make_protocol: makes the protocol of a connection.
    """

    def __init__(self, listener: socket.socket, make_protocol: Callable[[], asyncio.Protocol]) -> None:
        self._listener = listener
        self._make_protocol = make_protocol
        self._loop = asyncio.get_running_loop()
        self._connecting: set[asyncio.Task[object]] = set()
        self._resume: asyncio.TimerHandle | None = None
        self._logged_at = -math.inf
        listener.listen(BACKLOG)
        self._start()

    async def close(self) -> None:
        """Accept the clients that the kernel has accepted, then stop listening.

        A reset would leave a request in doubt that is on its way.
        """
        if self._resume is not None:
            self._resume.cancel()
        self._loop.remove_reader(self._listener)
        with contextlib.suppress(OSError):  # none is left, or no file descriptor
            for _ in range(BACKLOG):
                self._accept()
        self._listener.close()
        if self._connecting:
            await asyncio.wait(self._connecting)

    def _start(self) -> None:
        self._loop.add_reader(self._listener, self._accept_many)

    def _accept_many(self) -> None:
        try:
            for _ in range(_MAX_ACCEPTED):
                self._accept()
        except OSError as problem:
            # Otherwise no client is left, or one has left already.
            if problem.errno in _EXHAUSTED:
                self._pause(problem)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        client.settimeout(0)
        task = self._loop.create_task(self._loop.connect_accepted_socket(self._make_protocol, client))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def _pause(self, problem: OSError) -> None:
        """Let clients wait in the kernel's queue instead of looking for a file descriptor without end."""
        now = self._loop.time()
        if now >= self._logged_at + _LOG_SECONDS:
            self._logged_at = now
            logger.error("no connection can be accepted, clients wait: %s", problem.strerror)
        self._loop.remove_reader(self._listener)
        self._resume = self._loop.call_later(_PAUSE_SECONDS, self._start)
