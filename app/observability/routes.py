"""The routes of the probes and of the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from app.server.lifecycle import Lifecycle

_NO_STORE = {"Cache-Control": "no-store"}


def health_routes(lifecycle: Lifecycle, problem: Callable[[], str]) -> list[Route]:
    """Return the routes for an orchestrator's probes.

    ``/health/live`` is 200 while the event loop runs. ``/health/ready`` is 503 while the worker starts, while it
    drains, and while there is a problem of this replica alone. It never depends on Wethod: all replicas would fail at
    once, and no client would get an outcome.

    ``problem`` returns that problem, such as an audit that cannot be written, or an empty string.
    """

    async def live(_: Request) -> JSONResponse:
        return JSONResponse({"status": "live"}, headers=_NO_STORE)

    async def ready(_: Request) -> JSONResponse:
        reason = problem() if lifecycle.state == "serving" else lifecycle.state
        return JSONResponse({"status": reason or "ready"}, 503 if reason else 200, headers=_NO_STORE)

    return [Route("/health/live", live), Route("/health/ready", ready)]


def metrics_route(render: Callable[[str], tuple[bytes, str]]) -> Route:
    """Return the route of the metrics; ``render`` takes the ``Accept`` header, and returns text and media type."""

    # Not a plain function, which would run on a thread: the numbers belong to the event loop.
    async def metrics(request: Request) -> Response:
        body, media_type = render(", ".join(request.headers.getlist("accept")))
        return Response(body, headers=_NO_STORE | {"Content-Type": media_type})

    return Route("/metrics", metrics)
