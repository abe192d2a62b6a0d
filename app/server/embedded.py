"""A second application on another port: in a running event loop, or on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from app.server.config import ServerConfig
from app.server.lifecycle import Lifecycle
from app.server.listener import listen, url_of
from app.server.server import GatewayServer, loop_factory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp


@contextlib.asynccontextmanager
async def serve_app(app: ASGIApp, host: str, port: int, *, setting: str = "") -> AsyncIterator[str]:
    """Serve an application beside another one, in the running event loop.

    ``async with serve_app(app, host, port) as url: ...``

    On exit, requests in progress have one second.

    Args:
        app: an ASGI application with a lifespan, such as a Starlette application.
        host: the name or address to listen on; the families are those of the gateway for the same value.
        port: the port to listen on; 0 takes a free one.
        setting: the name of the setting that holds the port, for the error message.

    Yields:
        The base URL.

    Raises:
        StartError: the address cannot be used, or the application does not start.
    """
    config = ServerConfig(host=host, port=port, port_setting=setting)
    listener = listen(config)
    started = asyncio.Event()
    server = GatewayServer(app, config, Lifecycle(), started=started.set)
    serving = asyncio.create_task(server.serve([listener]))
    starting = asyncio.create_task(started.wait())
    await asyncio.wait((serving, starting), return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        starting.cancel()
        listener.close()
        await serving
    try:
        yield url_of(listener)
    finally:
        server.finish()
        await serving


class ServerThread:
    """An application on an event loop and a thread of its own: ``with ServerThread(app, host, port) as url``.

    Takes the arguments of ``serve_app``. Entering it raises what ``serve_app`` raises. It is entered once.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, *, setting: str = "") -> None:
        self._serve = serve_app(app, host, port, setting=setting)
        self._stop: asyncio.Event | None = None
        self._started: Future[tuple[str, asyncio.AbstractEventLoop]] = Future()
        # A daemon, so that a process that ends with an exception does not wait for it.
        self._thread = threading.Thread(target=self._run, name=f"server-{setting or port}", daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        try:
            url, self._loop = self._started.result()
        except BaseException:
            self._thread.join()
            raise
        return url

    def __exit__(self, *_: object) -> None:
        assert self._stop is not None  # noqa: S101 - set before the start is reported
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                runner.run(self._main())
        except BaseException as error:  # raised in the thread that waits for the start
            if self._started.done():
                raise
            self._started.set_exception(error)

    async def _main(self) -> None:
        self._stop = asyncio.Event()
        async with self._serve as url:
            self._started.set_result((url, asyncio.get_running_loop()))
            await self._stop.wait()
