"""``/metrics`` on a port of its own."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from app.observability.routes import metrics_route
from app.server.run import serve_app, serve_on_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.settings import Settings

_PORT_SETTING = "GATEWAY_METRICS_PORT"


def serve_metrics(
    settings: Settings, render: Callable[[str], tuple[bytes, str]]
) -> contextlib.AbstractAsyncContextManager[object]:
    """Serve the metrics of the only worker on their own port, in its event loop, if a setting says so.

    Entering raises ``StartError`` if the port cannot be used.
    """
    port = settings.gateway_metrics_port
    if port is None or settings.gateway_workers > 1:
        return contextlib.nullcontext()
    return serve_app(_metrics_app(render), settings.gateway_host, port, setting=_PORT_SETTING)


def serve_metrics_beside_workers(
    settings: Settings, render: Callable[[str], tuple[bytes, str]]
) -> contextlib.AbstractContextManager[object]:
    """Serve the metrics of several workers on their own port, on a thread of the parent, if a setting says so.

    Entering raises ``StartError`` if the port cannot be used.
    """
    port = settings.gateway_metrics_port
    if port is None or settings.gateway_workers == 1:
        return contextlib.nullcontext()
    return serve_on_thread(_metrics_app(render), settings.gateway_host, port, setting=_PORT_SETTING)


def _metrics_app(render: Callable[[str], tuple[bytes, str]]) -> Starlette:
    app = Starlette(routes=[metrics_route(render)])
    # A redirect would repeat a hostile Host header.
    app.router.redirect_slashes = False
    return app
