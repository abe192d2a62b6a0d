"""The ways to serve an application: as a program with one or more workers, in an event loop, or on a thread."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from anyio.from_thread import start_blocking_portal

from app.server.config import ServerConfig
from app.server.lifecycle import Context, Lifecycle
from app.server.listener import listen, url_of
from app.server.server import GatewayServer
from app.server.signals import take_signals
from app.server.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.types import ASGIApp

    from app.server.lifecycle import ApplicationFactory


def run(
    factory: ApplicationFactory[Context],
    context: Context,
    config: ServerConfig,
    *,
    announce: Callable[[str], object] = lambda _: None,
    worker_ended: Callable[[int], object] = lambda _: None,
) -> int:
    """Serve until a stop is requested.

    SIGTERM: readiness fails, requests are still served for the drain delay, with ``Connection: close``; then the
    listener closes, and requests in progress may end within the drain time. SIGINT: the same without the delay. A
    second one cancels what is in progress. SIGHUP calls the reload callbacks of every worker; if the caller
    has blocked it, it is unblocked. At the end, the process ignores all three.

    Args:
        factory: makes the application of a worker; a function at the top level of a module.
        context: the argument of the factory.
        config: address, limits and times.
        announce: called once with the base URL, when requests are answered.
        worker_ended: called with the number of each worker process that has ended; never with a single worker, which is
            this process.

    Returns:
        The exit code of the program: 0 if no request was cut off.

    Raises:
        StartError: the address is taken, or no worker can be started.
    """
    listener = listen(config)
    url = url_of(listener)
    with listener:
        if config.workers == 1:
            lifecycle = Lifecycle()
            app = factory(context, lifecycle)
            server = GatewayServer(app, config, lifecycle, started=lambda: announce(url))
            return server.run_to_end(listener, lambda: take_signals(server.take_command))
        supervisor = Supervisor(
            factory, context, config, listener, announce=lambda: announce(url), worker_ended=worker_ended
        )
        return asyncio.run(supervisor.run())


@contextlib.asynccontextmanager
async def serve_app(
    app: ASGIApp, config: ServerConfig, lifecycle: Lifecycle
) -> AsyncIterator[tuple[str, GatewayServer]]:
    """Serve an application beside another one, in the running event loop.

    On exit, requests in progress have the drain time of ``config``.

    Yields:
        The base URL, and the server.

    Raises:
        StartError: the address cannot be used, or the application does not start.
    """
    with listen(config) as listener:
        started = asyncio.Event()
        server = GatewayServer(app, config, lifecycle, started=started.set)
        serving = asyncio.create_task(server.serve([listener]))
        starting = asyncio.create_task(started.wait())
        await asyncio.wait((serving, starting), return_when=asyncio.FIRST_COMPLETED)
        starting.cancel()
        if serving.done():
            await serving
        try:
            yield url_of(listener), server
        finally:
            server.finish()
            await serving


@contextlib.contextmanager
def serve_on_thread(app: ASGIApp, host: str, port: int, *, setting: str = "") -> Iterator[str]:
    """Serve an application on an event loop and a thread of its own.

    Port 0 takes a free one. ``setting`` is the name of the setting that holds the port, for the error message. On exit,
    requests in progress have one second.

    Yields:
        The base URL.

    Raises:
        StartError: as ``serve_app``.
    """
    config = ServerConfig(host=host, port=port, port_setting=setting)
    with (
        start_blocking_portal(backend_options={"use_uvloop": True}, name=f"server-{setting or port}") as portal,
        portal.wrap_async_context_manager(serve_app(app, config, Lifecycle())) as (url, _),
    ):
        yield url
