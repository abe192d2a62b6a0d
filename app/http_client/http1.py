"""A transport over our own connections: HTTP/1.1 (RFC 9112) directly on the event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from app.http_client.pool import Pool
from app.http_client.request_encoder import encode_request
from app.http_client.transport import NotSent

if TYPE_CHECKING:
    from app.http_client.transport import ConnectionOptions, Request, Response


class Http1Transport:
    """A ``Transport`` to one origin, which keeps connections. It serves one event loop.

    Args:
        options: the options of its connections.
    """

    def __init__(self, options: ConnectionOptions) -> None:
        self._host = options.origin.authority
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pool = Pool(options)

    @property
    def open_connections(self) -> int:
        """Number of connections that are open."""
        return self._pool.open_connections

    @property
    def idle_connections(self) -> int:
        """Number of them that are idle."""
        return self._pool.idle_connections

    @property
    def waiting(self) -> int:
        """Number of requests that wait for a connection."""
        return self._pool.permits.waiting

    @property
    def waits(self) -> int:
        """Number of requests that had to wait for a connection, since the start."""
        return self._pool.permits.waits

    async def send(self, request: Request) -> Response:
        """Write the request at most once; wait for the head, then for as much body as ``body_needed`` asks for.

        Raises:
            NotSent: nothing was written.
            Interrupted: something was written, and no complete head came back.
            ValueError: the request cannot be written as it is given; nothing was written.
        """
        data = encode_request(request, self._host)
        # Kept, because get_running_loop is a system call before Python 3.12.
        loop = self._loop = self._loop or asyncio.get_running_loop()
        now = loop.time()
        if now >= request.send_by:
            raise NotSent("there is no time left to send")
        connection = self._pool.acquire_nowait(request, now) or await self._pool.acquire(request)
        # No await from there to here, so the connection is still usable.
        response = connection.exchange(request, data)
        try:
            return await response
        except asyncio.CancelledError:
            connection.abandon(response)
            if not response.cancelled() and response.exception() is None:
                request.cut_response = response.result()  # it came in the same turn of the event loop
            raise

    async def connect(self, request: Request) -> str | None:
        """Do what ``send`` does up to the first byte, then close the connection.

        Returns:
            The version of TLS; None without TLS.

        Raises:
            NotSent: as ``send``.
        """
        connection = await self._pool.acquire(request)
        version = connection.tls_version
        connection.end("nothing was to be sent")
        return version

    async def aclose(self) -> None:
        """Close every connection, and return when that is done. Requests still in flight are interrupted."""
        await self._pool.aclose()
