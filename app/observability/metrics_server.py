"""`/metrics` on a port of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import http
import logging
import threading
from typing import TYPE_CHECKING

from app.start_error import StartError

if TYPE_CHECKING:
    from collections.abc import Callable

_READ_SECONDS = 5.0
_MOST_HEAD_BYTES = 8 * 1024

logger = logging.getLogger(__name__)


class MetricsServer:
    """Answers ``GET /metrics``, once a connection, and nothing else.

    Args:
        render: takes the ``Accept`` header, gives the text and its media type.
        host: the address to listen on.
        port: the port; 0 takes a free one.
    """

    def __init__(self, render: Callable[[str], tuple[bytes, str]], *, host: str, port: int) -> None:
        self._render = render
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._server is None:
            return self._port
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Listen.

        Raises:
            StartError: the port is taken, or not ours to take.
        """
        try:
            self._server = await asyncio.start_server(self._serve, self._host, self._port, limit=_MOST_HEAD_BYTES)
        except OSError as problem:
            raise StartError(f"GATEWAY_METRICS_PORT={self._port}: {problem.strerror or problem}") from None

    async def aclose(self) -> None:
        """Stop listening. An answer under way is a few milliseconds from its end."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_READ_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer(head.decode("latin-1")))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            # A port scan, a scraper that gave up: nobody is left to be told.
            writer.transport.abort()
        except Exception:
            logger.exception("metrics could not be served")
            writer.transport.abort()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _answer(self, head: str) -> bytes:
        request, *fields = head.split("\r\n")
        method, _, rest = request.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if path != "/metrics":
            return _render(404, "text/plain; charset=utf-8", b"Metrics are at /metrics.\n")
        if method not in {"GET", "HEAD"}:
            return _render(405, "text/plain; charset=utf-8", b"Metrics are read by GET.\n", "Allow: GET, HEAD\r\n")
        accept = ", ".join(value.strip() for name, _, value in map(_split, fields) if name.lower() == "accept")
        body, media_type = self._render(accept)
        answer = _render(200, media_type, body)
        return answer.removesuffix(body) if method == "HEAD" else answer


class MetricsThread:
    """The same beside a program that has no event loop: ``with MetricsThread(…):``; takes what ``MetricsServer`` takes.

    Entering raises what ``MetricsServer.start`` raises.
    """

    def __init__(self, render: Callable[[str], tuple[bytes, str]], *, host: str, port: int) -> None:
        self._server = MetricsServer(render, host=host, port=port)
        self._started: concurrent.futures.Future[asyncio.AbstractEventLoop] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)

    def __enter__(self) -> MetricsServer:
        self._thread.start()
        self._loop = self._started.result()
        return self._server

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._stopped = asyncio.Event()
        try:
            await self._server.start()
        except StartError as error:
            self._started.set_exception(error)
            return
        self._started.set_result(asyncio.get_running_loop())
        await self._stopped.wait()
        await self._server.aclose()


def _split(field: str) -> tuple[str, str, str]:
    return field.partition(":")


def _render(status: int, media_type: str, body: bytes, more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\nContent-Type: {media_type}\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n{more}\r\n"
    )
    return head.encode("latin-1") + body
