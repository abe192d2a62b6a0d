"""A transport over those of httpx, for proxies and for whoever trusts a library more.

Every request has an httpx transport and a connection of its own, for two reasons that no setting takes away:

* What an upstream sends behind the end of an answer, h11 keeps for the answer to the next request on the connection:
  one caller would be told of another's delete.
* httpcore keeps a slot for ever when a request is cut between its connection and its first byte, or when TLS fails
  inside a proxy's tunnel.

An httpx transport takes 3 µs to make. Kept connections are what ``http1`` is for.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import httpx

from app.http_client.httpx_exchange import Exchange, Stage
from app.http_client.transport import NotSent

if TYPE_CHECKING:
    from app.http_client.transport import Origin, Reply, Request

_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=0)


class HttpxTransport:
    """A ``Transport`` with a bound on the connections that are open at once.

    Attributes:
        waiting: how many requests wait for a connection.
        waits: how many had to, since the start.

    Args:
        origin: where Wethod is.
        ssl_context: how an https origin is verified, and what shows who we are; None trusts what the system trusts.
        connect_timeout_seconds: for name, connection, tunnel and TLS together.
        max_connections: how many requests may be under way; others wait until their ``send_by``.
        idle_seconds: taken so that both transports are made alike; nothing is kept idle here.
        proxy: URL of an http or https proxy, with user info where it wants credentials.
        proxy_ssl_context: how an https proxy is verified; None trusts what the system trusts.

    Raises:
        ValueError: the proxy is of another kind.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        ssl_context: ssl.SSLContext | None,
        connect_timeout_seconds: float,
        max_connections: int,
        idle_seconds: float,  # noqa: ARG002 - see above
        proxy: str | None = None,
        proxy_ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._origin = origin
        self._ssl_context = ssl_context or _default_context(origin.scheme)
        self._connect_timeout_seconds = connect_timeout_seconds
        self._proxy = None if proxy is None else _proxy(proxy, proxy_ssl_context)
        self._slots = asyncio.Semaphore(max_connections)
        self._exchanges: set[asyncio.Task[None]] = set()
        self.waiting = 0
        self.waits = 0
        self._closed = False

    @property
    def open_connections(self) -> int:
        """How many connections are open, or about to be."""
        return len(self._exchanges)

    @property
    def idle_connections(self) -> int:
        """None: each carries one request."""
        return 0

    async def send(self, request: Request) -> Reply:
        """Write the request at most once and wait for the head, then for as much body as ``body_need`` says."""
        await self._take_slot(request)
        loop = asyncio.get_running_loop()
        exchange = Exchange(request)
        task = asyncio.create_task(exchange.run(self._open(), self._origin))
        self._exchanges.add(task)
        task.add_done_callback(self._release_slot)
        try:
            for until in (min(request.send_by, loop.time() + self._connect_timeout_seconds), request.deadline):
                await asyncio.wait({task}, timeout=until - loop.time())
                if task.done() or exchange.stage is not Stage.WRITTEN:
                    break
        finally:
            # The caller has its answer now; the connection is closed by the task, whose slot is free only then.
            exchange.over = True
            task.cancel()
        return exchange.outcome()

    async def aclose(self) -> None:
        """Close every connection. Requests still under way are interrupted."""
        self._closed = True
        for task in self._exchanges:
            # A second cancellation could end the closing that the first began.
            if not task.cancelling():
                task.cancel()
        await asyncio.gather(*self._exchanges, return_exceptions=True)

    def _open(self) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(verify=self._ssl_context, limits=_LIMITS, proxy=self._proxy)

    async def _take_slot(self, request: Request) -> None:
        self.waits += self._slots.locked()
        self.waiting += 1
        try:
            async with asyncio.timeout_at(request.send_by):
                await self._slots.acquire()
        except TimeoutError:
            raise NotSent("no connection became free in time") from None
        finally:
            self.waiting -= 1
        if self._closed:
            self._slots.release()
            raise NotSent("the transport is closed", transient=False)

    def _release_slot(self, task: asyncio.Task[None]) -> None:
        self._exchanges.discard(task)
        self._slots.release()


def _default_context(scheme: str) -> ssl.SSLContext:
    # httpx wants a context for plain HTTP too; one that trusts nobody takes no time to make.
    return ssl.create_default_context() if scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _proxy(url: str, ssl_context: ssl.SSLContext | None) -> httpx.Proxy:
    secure = httpx.URL(url).scheme == "https"
    # Without a context httpcore would read the system's certificates anew for each request.
    proxy = httpx.Proxy(url, ssl_context=(ssl_context or _default_context("https")) if secure else None)
    if proxy.url.scheme not in {"http", "https"}:
        raise ValueError(f"a proxy must be http or https, not {proxy.url.scheme}")
    return proxy
