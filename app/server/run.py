"""Serve an application in this process, or in several worker processes that share the address."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from app.server.lifecycle import Context, Lifecycle
from app.server.listener import listen, url_of
from app.server.server import GatewayServer
from app.server.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.server.config import ServerConfig
    from app.server.lifecycle import ApplicationFactory


def run(
    factory: ApplicationFactory[Context],
    context: Context,
    config: ServerConfig,
    *,
    announce: Callable[[str], object] = lambda _: None,
) -> int:
    """Serve until a stop is requested.

    SIGTERM: readiness fails, requests are still served for the drain delay, with ``Connection: close``; then the
    listener closes, and requests in progress may end within the drain time. SIGINT: the same without the delay. A
    second one cancels what is in progress. SIGHUP calls the reload callbacks of every worker.

    Args:
        factory: makes the application of a worker; a function at the top level of a module.
        context: the argument of the factory.
        config: the settings of the server.
        announce: called once with the base URL, when requests are answered.

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
            return GatewayServer(app, config, lifecycle, started=lambda: announce(url)).run_to_end(listener)
        return asyncio.run(Supervisor(factory, context, config, listener, announce=lambda: announce(url)).run())
