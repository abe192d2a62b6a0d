"""A second application on another port: in a running event loop, or on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from anyio.from_thread import start_blocking_portal

from app.server.config import ServerConfig
from app.server.lifecycle import Lifecycle
from app.server.listener import listen, url_of
from app.server.server import GatewayServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

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
    with listen(config) as listener:
        started = asyncio.Event()
        server = GatewayServer(app, config, Lifecycle(), started=started.set)
        serving = asyncio.create_task(server.serve(listener))
        starting = asyncio.create_task(started.wait())
        await asyncio.wait((serving, starting), return_when=asyncio.FIRST_COMPLETED)
        starting.cancel()
        if serving.done():
            await serving
        try:
            yield url_of(listener)
        finally:
            server.finish()
            await serving


@contextlib.contextmanager
def serve_on_thread(app: ASGIApp, host: str, port: int, *, setting: str = "") -> Iterator[str]:
    """Do what ``serve_app`` does, on an event loop and a thread of its own, for code that runs in neither."""
    with (
        start_blocking_portal(backend_options={"use_uvloop": True}, name=f"server-{setting or port}") as portal,
        portal.wrap_async_context_manager(serve_app(app, host, port, setting=setting)) as url,
    ):
        yield url
