"""A transport over our own connections: HTTP/1.1 (RFC 9112) directly on the event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from app.http_client.addresses import connect
from app.http_client.connection import Connection
from app.http_client.permits import Permits
from app.http_client.request_encoder import encode_request
from app.http_client.transport import LISTEN_SECONDS, ClosedEarly, NotSent

if TYPE_CHECKING:
    from app.http_client.transport import ConnectionOptions, Request, Response


class Http1Transport:
    """A ``Transport`` to one origin, with a pool of connections. It serves one event loop.

    A request acquires a permit, then a connection; the permit is released when the connection is idle or ends. Before a
    connection is opened, idle ones beyond the free permits are closed, so there are never more connections than
    permits. The connection that was used last is acquired first, so that the others stay idle and close.

    Args:
        options: the options of its connections.
    """

    def __init__(self, options: ConnectionOptions) -> None:
        self._host = options.origin.authority
        self._origin = options.origin
        self._where = f"{options.origin.host}:{options.origin.port}"
        self._ssl_context = options.ssl_context
        self._connect_timeout_seconds = options.connect_timeout_seconds
        self._idle_seconds = options.idle_seconds
        self._idle: dict[Connection, None] = {}
        self._open: set[Connection] = set()
        self._connects: set[asyncio.Timeout] = set()
        self._empty = asyncio.Event()
        self._permits = Permits(options.max_connections)
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def open_connections(self) -> int:
        """Number of connections that are open."""
        return len(self._open)

    @property
    def idle_connections(self) -> int:
        """Number of them that are idle."""
        return len(self._idle)

    @property
    def waiting(self) -> int:
        """Number of requests that wait for a connection."""
        return self._permits.waiting

    @property
    def waits(self) -> int:
        """Number of requests that had to wait for a connection, since the start."""
        return self._permits.waits

    async def send(self, request: Request) -> Response:
        """Write the request at most once, and return the response: see ``Transport``."""
        data = encode_request(request, self._host)
        # Kept, because get_running_loop is a system call before Python 3.12.
        loop = self._loop = self._loop or asyncio.get_running_loop()
        now = loop.time()
        if now >= request.send_by:
            raise NotSent("there is no time left to send")
        connection = self._acquire_nowait(request, now) or await self._acquire(request)
        # No await from there to here, so the connection is still usable.
        response = connection.exchange(request, data)
        try:
            return await response
        except asyncio.CancelledError:
            connection.abandon(response)
            if not response.cancelled() and response.exception() is None:
                request.cut_response = response.result()  # it arrived in the same turn of the event loop
            raise

    async def connect(self, request: Request) -> str | None:
        """Do what ``send`` does up to the first byte, listen for ``LISTEN_SECONDS``, then close the connection.

        Returns:
            The version of TLS; None without TLS.

        Raises:
            NotSent: as ``send``.
            ClosedEarly: the server closed the connection, or sent bytes.
        """
        connection = await self._acquire(request)
        version = connection.tls_version
        await asyncio.sleep(LISTEN_SECONDS)
        self._check_usable(connection)
        connection.end("nothing was to be sent")
        return version

    async def aclose(self) -> None:
        """Close every connection and wait until that is done. Requests still in flight are interrupted."""
        self._permits.close()
        for timeout in self._connects:
            if not timeout.expired():
                timeout.reschedule(0)
        for connection in tuple(self._open):
            connection.end("the gateway stops")
        self._note_if_empty()
        await self._empty.wait()

    # Called by a connection

    def on_open(self, connection: Connection) -> None:
        """Count it as open."""
        self._open.add(connection)

    def on_idle(self, connection: Connection) -> None:
        """Keep it for the next exchange."""
        self._idle[connection] = None
        self._release(connection)

    def on_end(self, connection: Connection) -> None:
        """Forget it, so that another may take its place."""
        self._idle.pop(connection, None)
        self._release(connection)

    def on_closed(self, connection: Connection) -> None:
        """Count it as closed."""
        self._open.discard(connection)
        self._note_if_empty()

    # Internal

    def _acquire_nowait(self, request: Request, now: float) -> Connection | None:
        """Acquire an idle connection, which is usable until the next await; None if none is idle or permitted now."""
        if self._idle and not request.fresh and self._permits.acquire_nowait(request.fairness_key):
            connection = self._take_idle(now)
            if connection is not None:
                connection.fairness_key = request.fairness_key
                return connection
            self._permits.release(request.fairness_key)
        return None

    async def _acquire(self, request: Request) -> Connection:
        """Acquire a connection, which is usable until the next await.

        Raises:
            NotSent: there is none by ``request.send_by``, or it cannot be opened.
        """
        await self._permits.acquire(request.fairness_key, request.send_by)
        loop = asyncio.get_running_loop()
        try:
            connection = None if request.fresh else self._take_idle(loop.time())
            if connection is None:
                connection = await self._connect(loop, request.send_by)
        except BaseException:
            self._permits.release(request.fairness_key)
            raise
        connection.fairness_key = request.fairness_key
        if loop.time() >= request.send_by:
            connection.make_idle()
            raise NotSent("a connection was there too late", reason="connection")
        return connection

    def _release(self, connection: Connection) -> None:
        if connection.fairness_key is not None:
            key, connection.fairness_key = connection.fairness_key, None
            self._permits.release(key)

    def _take_idle(self, now: float) -> Connection | None:
        while self._idle:
            connection, _ = self._idle.popitem()
            if connection.is_usable(now):
                return connection
            connection.end("was closed, or sent bytes, while it was idle")
        return None

    async def _connect(self, loop: asyncio.AbstractEventLoop, send_by: float) -> Connection:
        """Open a connection. Its permit is held.

        Raises:
            NotSent: it is not open in time, or it is not usable.
        """
        while len(self._idle) > self._permits.free:
            next(iter(self._idle)).end("makes room for a new connection")
        timeout = asyncio.timeout_at(min(loop.time() + self._connect_timeout_seconds, send_by))
        connection = Connection(self, loop, self._idle_seconds)
        self._connects.add(timeout)
        try:
            async with timeout:
                await connect(connection, self._origin, self._ssl_context)
        except (OSError, ValueError) as error:
            self._discard(connection)
            self._permits.check_open()
            # A certificate that fails, or a name that is not valid, is not fixed within seconds.
            raise NotSent(
                f"no connection to {self._where}: {type(error).__name__}: {error}",
                transient=not isinstance(error, ValueError),
            ) from error
        except BaseException:
            self._discard(connection)
            raise
        finally:
            self._connects.discard(timeout)
            self._note_if_empty()
        self._check_usable(connection)
        return connection

    def _check_usable(self, connection: Connection) -> None:
        """End a new connection that is not usable, and raise ``ClosedEarly``."""
        # Over TLS a session ticket may have arrived, which is legitimate.
        if not connection.is_usable(asyncio.get_running_loop().time(), peek=self._ssl_context is None):
            connection.end("not usable")
            self._permits.check_open()
            raise ClosedEarly(f"{self._where} closed the connection, or sent bytes, before a request was written")

    def _discard(self, connection: Connection) -> None:
        """End a connection that could not be opened, in any state."""
        connection.end("was not opened")
        # uvloop does not call connection_lost if a connect is cancelled after connection_made.
        self.on_closed(connection)

    def _note_if_empty(self) -> None:
        if self._permits.closed and not self._open and not self._connects:
            self._empty.set()
