"""Whether the process lives, and whether it wants requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from app.observability.telemetry import Telemetry
    from app.server.lifecycle import Lifecycle

_NO_STORE = {"Cache-Control": "no-store"}
_UNAVAILABLE = 503


class Health:
    """Answers the probes of an orchestrator.

    Readiness fails while the worker starts, while it drains and while its audit cannot be written; never because
    Wethod is unreachable: all replicas would leave at once, and no client would be told what happened to its delete.
    """

    def __init__(self, lifecycle: Lifecycle, telemetry: Telemetry) -> None:
        self._lifecycle = lifecycle
        self._telemetry = telemetry

    async def live(self, request: Request) -> Response:
        """200 as long as the event loop turns."""
        del request
        return JSONResponse({"status": "live"}, headers=_NO_STORE)

    async def ready(self, request: Request) -> Response:
        """200 while requests are wanted, else 503 with the reason."""
        del request
        state = self._lifecycle.state
        if state != "serving":
            return JSONResponse({"status": state}, _UNAVAILABLE, headers=_NO_STORE)
        if self._telemetry.problem:
            # A full disk or a stuck log collector is this replica's own trouble: another one can delete.
            return JSONResponse({"status": self._telemetry.problem}, _UNAVAILABLE, headers=_NO_STORE)
        return JSONResponse({"status": "ready"}, headers=_NO_STORE)
