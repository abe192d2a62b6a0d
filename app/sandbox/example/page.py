"""The example page: one document, one script, one stylesheet, and the list that they show."""

from __future__ import annotations

import html
import json
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from app.sandbox.example.contact_list import NO_STORE, ContactList
from app.sandbox.people import COMPANIES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from app.http_client.transport import Transport

PATH: Final = "/example"

_FOLDER = Path(__file__).parent
_FILES = {"page.js": "text/javascript", "page.css": "text/css"}


class ExamplePage:
    """The page of one gateway, made once at its start.

    The document names its files relative to its own address, and the script names the endpoint and the list relative
    to its own, so the page works behind any prefix.

    Args:
        transport: carries requests to the sandbox.
        policy: the Content-Security-Policy of the document. It must allow scripts, styles and connections of the
            page's own origin, and images from ``data:``.
        authorization_header: name of the header in which the gateway expects the token.
        company: the company whose contacts the page shows and deletes; by default the sandbox's first.
        version: the ``Wethod-Version`` of its deletes.
        graphiql: the gateway serves GraphiQL, so the page links to it.

    Attributes:
        routes: everything that the page consists of, for the application of the gateway.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        policy: str,
        authorization_header: str,
        company: str | None,
        version: str,
        graphiql: bool,
    ) -> None:
        company = company or COMPANIES[0]
        self._config = {
            "authorizationHeader": authorization_header,
            "company": company,
            "version": version,
            "graphiql": graphiql,
        }
        self._headers = NO_STORE | {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
        self._template = Template((_FOLDER / "index.html").read_text(encoding="utf-8"))
        self._contacts = ContactList(transport, company)
        self.routes: list[BaseRoute] = [
            Route(PATH, self._document),
            Route(f"{PATH}/", self._document),
            Route(f"{PATH}/contacts", self._list),
            *(Route(f"{PATH}/{name}", _file(name)) for name in _FILES),
        ]

    async def _document(self, request: Request) -> Response:
        # From `/example/` the files are in the same folder.
        folder = "./" if request.url.path.endswith("/") else f".{PATH}/"
        config = html.escape(json.dumps(self._config))
        return HTMLResponse(self._template.substitute(folder=folder, config=config), headers=self._headers)

    async def _list(self, _request: Request) -> Response:
        return await self._contacts.load()


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    content = (_FOLDER / name).read_bytes()

    async def answer(_request: Request) -> Response:
        return Response(content, media_type=_FILES[name], headers=NO_STORE)

    return answer
