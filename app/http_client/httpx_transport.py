"""A transport over httpx, for proxies and for operators who prefer a library.

Every request has an httpx transport and a connection of its own, for two reasons that no setting removes:

* h11 keeps bytes that arrive after a response, and reads them as the response to the next request on the connection:
  one caller would get the response to another's request.
* httpcore never frees a connection's slot if a request is cancelled after the connect and before its first byte, or if
  TLS fails inside a proxy's tunnel.

An httpx transport takes 3 µs to make. The transport that keeps connections is ``http1``.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx

from app.http_client.httpx_exchange import Exchange
from app.http_client.permits import Permits

if TYPE_CHECKING:
    from app.http_client.proxies import Proxy
    from app.http_client.transport import ConnectionOptions, Request, Response

_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=0)


class HttpxTransport:
    """A ``Transport`` to one origin, which opens a connection for each request.

    Args:
        options: the options of its connections. Each carries one request.
        proxy: the proxy; None for none.
        proxy_ssl_context: for an https proxy; None for an http one.
    """

    def __init__(
        self,
        options: ConnectionOptions,
        *,
        proxy: Proxy | None = None,
        proxy_ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._origin = options.origin
        self._server_name = options.origin.server_name
        self._proxy: httpx.Proxy | None = None
        if proxy is not None:
            # A proxy resolves the name itself, and httpx would look for the final dot in the certificate.
            self._origin = replace(options.origin, host=options.origin.server_name)
            self._server_name = proxy.host.strip("[]").removesuffix(".")
            self._proxy = httpx.Proxy(proxy.url, auth=proxy.credentials, ssl_context=proxy_ssl_context)
        # httpx wants a context for plain HTTP as well; this one trusts nothing and is quick to make.
        self._ssl_context = options.ssl_context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._connect_timeout_seconds = options.connect_timeout_seconds
        self._permits = Permits(options.max_connections)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def open_connections(self) -> int:
        """Number of connections that are open, or being opened."""
        return len(self._tasks)

    @property
    def idle_connections(self) -> int:
        """Number of idle connections: always 0, because each connection carries one request."""
        return 0

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
        exchange = Exchange(request, self._origin, self._server_name)
        try:
            await self._run(exchange, request)
        except asyncio.CancelledError:
            request.cut_response = exchange.response
            raise
        return exchange.outcome()

    async def connect(self, request: Request) -> str | None:
        """Do what ``send`` does up to the first byte, listen for ``LISTEN_SECONDS``, then close the connection.

        Returns:
            The version of TLS; None without TLS.

        Raises:
            NotSent: as ``send``.
            ClosedEarly: the server closed the connection, or sent bytes.
        """
        exchange = Exchange(request, self._origin, self._server_name, connect_only=True)
        await self._run(exchange, request)
        if not exchange.connected:
            exchange.outcome()
        return exchange.tls_version

    async def aclose(self) -> None:
        """Close every connection. Requests still in flight are interrupted."""
        self._permits.close()
        for task in self._tasks:
            # A second cancellation could interrupt the close that the first one started.
            if not task.cancelling():
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # since Python 3.12, `gather` does not wait for the callbacks of a task that is done

    async def _run(self, exchange: Exchange, request: Request) -> None:
        """Run an exchange until its response is there, or its time is over."""
        await self._permits.acquire(request.fairness_key, request.send_by)
        transport = httpx.AsyncHTTPTransport(verify=self._ssl_context, limits=_LIMITS, proxy=self._proxy)
        task = asyncio.create_task(exchange.run(transport))
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._release(task, request.fairness_key))
        loop = asyncio.get_running_loop()
        try:
            for until in (min(request.send_by, loop.time() + self._connect_timeout_seconds), request.deadline):
                await asyncio.wait({task}, timeout=until - loop.time())
                if task.done() or not exchange.connected:
                    break
        finally:
            # The task closes the connection, and only then its permit is free.
            exchange.hold_back = True
            task.cancel()
        if not request.written:
            self._permits.check_open()

    def _release(self, task: asyncio.Task[None], key: bytes) -> None:
        self._tasks.discard(task)
        self._permits.release(key)
