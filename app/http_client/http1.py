"""A transport of our own: HTTP/1.1 (RFC 9112) straight on the event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from app.http_client.pool import Pool
from app.http_client.request_head import count_breaks, render_fields
from app.http_client.transport import NotSent

if TYPE_CHECKING:
    import ssl

    from app.http_client.transport import Origin, Reply, Request


class Http1Transport:
    """Implements ``app.http_client.transport.Transport`` for one origin.

    Args:
        origin: where Wethod is.
        ssl_context: for https; None for http.
        connect_timeout_seconds: for a name's resolution, the connect and the TLS handshake together.
        max_connections: how many connections at most, those being opened included.
        idle_seconds: how long one may rest.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        ssl_context: ssl.SSLContext | None,
        connect_timeout_seconds: float,
        max_connections: int,
        idle_seconds: float,
    ) -> None:
        self._after_target = b" HTTP/1.1\r\nHost: " + origin.authority + b"\r\n"
        # A transport serves one loop, and to ask which it is for each request is a system call before Python 3.12.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pool = Pool(
            origin,
            ssl_context=ssl_context,
            connect_timeout_seconds=connect_timeout_seconds,
            limit=max_connections,
            idle_seconds=idle_seconds,
        )

    @property
    def open_connections(self) -> int:
        """How many connections are open."""
        return self._pool.open

    @property
    def idle_connections(self) -> int:
        """How many of them rest."""
        return self._pool.idle

    @property
    def waiting(self) -> int:
        """How many requests wait for a connection."""
        return self._pool.waiting

    @property
    def waits(self) -> int:
        """How many requests had to wait for a connection, since the start."""
        return self._pool.waits

    async def send(self, request: Request) -> Reply:
        """Write the request at most once and wait for the head, then for as much body as ``body_need`` says.

        Raises:
            NotSent: nothing was written.
            Interrupted: something may have been, and no complete head came.
            ValueError: the request holds a control character that would end a line; nothing was written.
        """
        head = self._head(request)
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        now = loop.time()
        if now >= request.send_by:
            raise NotSent("there is no time left to send")
        connection = None if request.fresh else self._pool.at_hand(now)
        if connection is None:
            connection = await self._pool.lend(request.send_by, fresh=request.fresh)
        # Nothing awaited from there to here: the connection is still usable.
        reply = connection.exchange(head, request.deadline)
        try:
            return await reply
        except asyncio.CancelledError:
            connection.abandon(reply)
            raise

    async def aclose(self) -> None:
        """Close every connection, and return when that is done. Requests still under way are interrupted."""
        await self._pool.aclose()

    def _head(self, request: Request) -> bytes:
        start = request.method + b" " + request.target
        if count_breaks(start):
            raise ValueError("the method or the target holds CR, LF or NUL")
        return b"".join((start, self._after_target, request.shared.lines, render_fields(request.headers), b"\r\n"))
