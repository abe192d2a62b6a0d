"""The sockets that the gateway listens on, and the acceptance of connections."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import logging
import math
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

from app.start_error import StartError

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.server.config import ServerConfig

logger = logging.getLogger(__name__)

BACKLOG = 2048
"""Connections that the kernel keeps until they are accepted."""

_MAX_ACCEPTED = 64
"""Connections that are accepted before the event loop goes on."""

_PAUSE_SECONDS = 0.25
"""Time without a new connection after one could not be accepted."""

_LOG_SECONDS = 60.0
"""The minimum time between two log lines about the same problem."""

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def listen(config: ServerConfig) -> socket.socket:
    """Listen on an address, before anything else is made, so that a taken port is reported at once.

    The socket listens from now on, not only once the application is ready: two gateways that start at once may both
    bind an address, but only one of them can listen on it.

    Raises:
        StartError: the address cannot be used. The message names it and its setting.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = _bind(family, address)
        try:
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as problem:
        # getaddrinfo has error numbers of its own.
        number = None if isinstance(problem, socket.gaierror) else problem.errno
        reason = os.strerror(number).lower() if number else problem.strerror or str(problem)
        setting = f" ({config.port_setting})" if config.port_setting else ""
        raise StartError(f"cannot listen on {_authority(config.host, config.port)}{setting}: {reason}") from None
    return listener


def _bind(family: int, address: Any, *options: int) -> socket.socket:
    # The protocol has to be named: asyncio sets TCP_NODELAY only if it is.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        for option in (socket.SO_REUSEADDR, *options):
            listener.setsockopt(socket.SOL_SOCKET, option, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    listener.settimeout(0)
    return listener


class WorkerListeners:
    """The sockets of several workers on one address.

    On Linux every worker has a socket of its own, and the kernel spreads connections over those that listen. On one
    shared socket the first process that wakes accepts a whole burst. Of 64 connections opened at once, one of two
    workers accepted all 64. With one socket each, the busier one accepted 33 on average. Other systems do not spread
    connections; there, all workers share one socket.

    The sockets stay open here: connections in the queue of a worker that dies wait for its replacement.

    Args:
        first: a listening socket, closed by ``close_all``. It was bound alone, so that a second gateway finds the port
            taken.
    """

    def __init__(self, first: socket.socket) -> None:
        self._shared = sys.platform != "linux"
        self._family, self._address = first.family, first.getsockname()
        self._by_worker = {0: first}
        if not self._shared:
            first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)

    def get(self, index: int) -> socket.socket:
        """Return the socket of a worker; the worker listens on it.

        Raises:
            OSError: no other socket can be made.
        """
        if self._shared:
            return self._by_worker[0]
        if index not in self._by_worker:
            self._by_worker[index] = _bind(self._family, self._address, socket.SO_REUSEPORT)
        return self._by_worker[index]

    def close(self, index: int) -> None:
        """Close the socket of a worker that does not run, so that the others get its share of the connections."""
        if not self._shared and index in self._by_worker:
            self._by_worker.pop(index).close()

    def close_all(self) -> None:
        """Refuse further connections."""
        for listener in self._by_worker.values():
            listener.close()
        self._by_worker.clear()


class Acceptor:
    """A listener that accepts connections until it is closed.

    It replaces ``create_server`` of the event loop. uvloop's closes clients without a log line when the process has no
    file descriptor left. uvloop's and asyncio's both close the socket while clients are in the kernel's queue.

    Args:
        listener: a bound socket that does not block; closed by ``close``.
        make_protocol: makes the protocol of a connection from its client: address and port, or None.
    """

    def __init__(
        self, listener: socket.socket, make_protocol: Callable[[tuple[str, int] | None], asyncio.Protocol]
    ) -> None:
        self._listener = listener
        self._make_protocol = make_protocol
        self._loop = asyncio.get_running_loop()
        self._connecting: set[asyncio.Task[object]] = set()
        self._resume: asyncio.TimerHandle | None = None
        self._logged_at = -math.inf
        listener.listen(BACKLOG)
        self._start()

    async def close(self) -> None:
        """Accept the clients in the kernel's queue, then stop listening.

        Without this they would be reset, and those that have sent a request would not know its outcome.
        """
        if self._resume is not None:
            self._resume.cancel()
        self._loop.remove_reader(self._listener)
        with contextlib.suppress(OSError):  # no client waits, or no file descriptor is free
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
            # After any other error, no client waits, or the client has disconnected.
            if problem.errno in _EXHAUSTED:
                self._pause(problem)

    def _accept(self) -> None:
        client, address = self._listener.accept()
        client.settimeout(0)
        # An IPv6 address has four parts. On some systems a connection that is already reset has no address.
        make_protocol = functools.partial(self._make_protocol, address and address[:2])
        task = self._loop.create_task(self._loop.connect_accepted_socket(make_protocol, client))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def _pause(self, problem: OSError) -> None:
        """Let clients wait in the kernel's queue, instead of trying to accept them without a pause."""
        now = self._loop.time()
        if now >= self._logged_at + _LOG_SECONDS:
            self._logged_at = now
            logger.error("no connection can be accepted, clients wait: %s", problem.strerror)
        self._loop.remove_reader(self._listener)
        self._resume = self._loop.call_later(_PAUSE_SECONDS, self._start)


def url_of(listener: socket.socket) -> str:
    """Return the base URL of a bound socket."""
    host, port, *_ = listener.getsockname()
    return f"http://{_authority(host, port)}"


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
