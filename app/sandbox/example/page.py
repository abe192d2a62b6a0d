"""The example page: one document, one script, one stylesheet, and the list that they show."""

from __future__ import annotations

import asyncio
import functools
import html
import json
from http import HTTPStatus
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final

from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from app.http_client.transport import Request as UpstreamRequest
from app.http_client.transport import TransportError
from app.sandbox.admission import VERSION, VIEWER
from app.sandbox.contacts import COMPANIES

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from app.http_client.transport import Transport
    from app.settings import Settings

PATH: Final = "/example"

NO_STORE: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

LIST_SECONDS: Final = 5.0
"""Seconds that the sandbox may take for the list. It answers in milliseconds unless it is stopping."""

_FOLDER = Path(__file__).parent
_FILES = {"page.js": "text/javascript", "page.css": "text/css"}


class ExamplePage:
    """The page of one gateway, made once at its start.

    The document uses addresses relative to its own, and so does the script for the endpoint and the list. So the page
    works behind any prefix.

    Args:
        transport: carries requests to the sandbox.
        settings: for the company whose contacts the page shows, by default the sandbox's first, and for the headers of
            its deletes.
        policy: the Content-Security-Policy of the document. It must allow scripts, styles and connections of the
            page's own origin, and images from ``data:``.
        graphiql: the gateway serves GraphiQL, so the page links to it.

    Attributes:
        routes: everything that the page consists of, for the application of the gateway.
    """

    def __init__(self, transport: Transport, settings: Settings, *, policy: str, graphiql: bool) -> None:
        company = settings.wethod_company or COMPANIES[0]
        self._config = {
            "authorizationHeader": settings.gateway_authorization_header,
            "company": company,
            "version": settings.wethod_version,
            "graphiql": graphiql,
        }
        self._headers = NO_STORE | {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
        self._template = Template((_FOLDER / "index.html").read_text(encoding="utf-8"))
        self._transport = transport
        # Always the token that cannot delete.
        self._list_headers = (
            (b"Accept", b"application/json"),
            (b"Authorization", f"Bearer {VIEWER}".encode("ascii")),
            (b"Wethod-Company", company.encode("ascii")),
            (b"Wethod-Version", VERSION.encode("ascii")),
        )
        self.routes: list[BaseRoute] = [
            Route(PATH, self._document),
            Route(f"{PATH}/", self._document),
            Route(f"{PATH}/contacts", self._list),
            *(Route(f"{PATH}/{name}", functools.partial(self._file, name)) for name in _FILES),
        ]

    async def _document(self, request: Request) -> Response:
        # From `/example/` the files are in the same folder.
        folder = "./" if request.url.path.endswith("/") else f".{PATH}/"
        config = html.escape(json.dumps(self._config))
        return HTMLResponse(self._template.substitute(folder=folder, config=config), headers=self._headers)

    async def _file(self, name: str, _request: Request) -> Response:
        return FileResponse(_FOLDER / name, media_type=_FILES[name], headers=NO_STORE)

    async def _list(self, _request: Request) -> Response:
        """Answer with the sandbox's list, or a 502 whose ``message`` says why there is none."""
        deadline = asyncio.get_running_loop().time() + LIST_SECONDS
        request = UpstreamRequest(
            method=b"GET",
            target=b"/api/contacts",
            headers=self._list_headers,
            send_by=deadline,
            deadline=deadline,
            body_needed=lambda _status, _headers: "whole",
            fairness_key=b"example page",
            fresh=True,  # the sandbox may have closed an idle connection
        )
        try:
            response = await self._transport.send(request)
        except TransportError:
            message = "The sandbox does not answer."
        else:
            if response.status == HTTPStatus.OK and response.body is not None:
                return Response(response.body, media_type="application/json", headers=NO_STORE)
            message = f"The sandbox answered with the status {response.status}."
        return JSONResponse({"message": message}, HTTPStatus.BAD_GATEWAY, NO_STORE)
