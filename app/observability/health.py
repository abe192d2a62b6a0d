"""Liveness and readiness of a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
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

    Args:
        lifecycle: the worker's.
        problem: returns the reason why another replica should be asked, such as an audit that cannot be written; an
            empty string if there is none.
    """

    async def live(_: Request) -> JSONResponse:
        return JSONResponse({"status": "live"}, headers=_NO_STORE)

    async def ready(_: Request) -> JSONResponse:
        reason = problem() if lifecycle.state == "serving" else lifecycle.state
        return JSONResponse({"status": reason or "ready"}, 503 if reason else 200, headers=_NO_STORE)

    return [Route("/health/live", live), Route("/health/ready", ready)]
