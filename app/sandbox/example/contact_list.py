"""The list of contacts for the example page, which a worker asks the sandbox for."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal

from starlette.responses import JSONResponse, Response

from app.http_client.transport import Request, TransportError
from app.sandbox.admission import VERSION, VIEWER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.http_client.transport import Transport

LIST_SECONDS: Final = 5.0
"""Seconds that the sandbox may take. It answers in milliseconds unless it is stopping."""

NO_STORE: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class ContactList:
    """Loads the contacts of one company, always with the token that may only look.

    Args:
        transport: carries the requests to the sandbox.
        company: the company whose contacts are listed.
    """

    def __init__(self, transport: Transport, company: str) -> None:
        self._transport = transport
        self._headers = (
            (b"Accept", b"application/json"),
            (b"Authorization", f"Bearer {VIEWER}".encode("ascii")),
            (b"Wethod-Company", company.encode("ascii")),
            (b"Wethod-Version", VERSION.encode("ascii")),
        )

    async def load(self) -> Response:
        """Answer with the sandbox's list, or a 502 whose ``message`` says why there is none."""
        deadline = asyncio.get_running_loop().time() + LIST_SECONDS
        request = Request(
            method=b"GET",
            target=b"/api/contacts",
            headers=self._headers,
            send_by=deadline,
            deadline=deadline,
            body_needed=_everything,
            share=b"example page",
            fresh=True,  # the sandbox may have closed an idle connection
        )
        try:
            response = await self._transport.send(request)
        except TransportError:
            return _failure("The sandbox does not answer.")
        if response.status != HTTPStatus.OK or response.body is None:
            return _failure(f"The sandbox answered with the status {response.status}.")
        return Response(response.body, media_type="application/json", headers=NO_STORE)


def _everything(_status: int, _headers: Mapping[bytes, bytes]) -> Literal["whole"]:
    return "whole"


def _failure(message: str) -> Response:
    return JSONResponse({"message": message}, HTTPStatus.BAD_GATEWAY, NO_STORE)
