"""``/metrics``: the route, and a server for a port of its own."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from app.server.run import serve_on_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from app.settings import Settings


def metrics_route(render: Callable[[str], tuple[bytes, str]]) -> Route:
    """Return the route of the metrics; ``render`` takes the ``Accept`` header, and returns text and media type."""

    # Not a plain function, which would run on a thread: the numbers belong to the event loop.
    async def metrics(request: Request) -> Response:
        body, media_type = render(", ".join(request.headers.getlist("accept")))
        return Response(body, headers={"Cache-Control": "no-store", "Content-Type": media_type})

    return Route("/metrics", metrics)


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
