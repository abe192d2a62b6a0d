"""``/metrics`` on a port of its own."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from app.observability.routes import metrics_route
from app.server.run import serve_on_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.settings import Settings


def serve_metrics(
    settings: Settings, render: Callable[[str], tuple[bytes, str]]
) -> contextlib.AbstractContextManager[object]:
    """Serve the metrics of all workers on their own port, on a thread of this process, if a setting says so.

    Entering raises ``StartError`` if the port cannot be used.
    """
    port = settings.gateway_metrics_port
    if port is None:
        return contextlib.nullcontext()
    app = Starlette(routes=[metrics_route(render)])
    # A redirect would repeat a hostile Host header.
    app.router.redirect_slashes = False
    return serve_on_thread(app, settings.gateway_host, port, setting="GATEWAY_METRICS_PORT")
