"""The page: one document, a strict policy, and what the explorer needs to know as data."""

from __future__ import annotations

import html
import json
import secrets
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse
from starlette.routing import Route

from app.explorer import example
from app.explorer.assets import Assets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send

STATIC = Path(__file__).parent / "static"
ASSETS = "graphql-assets"
"""Beside the endpoint: the page names its files relative to its own address, so that any prefix is kept."""

POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "connect-src 'self'",
    "font-src 'self'",
    "img-src 'self' data:",  # Monaco draws some icons and squiggles as data: images
    "style-src-elem 'self' 'nonce-{nonce}'",
    # Monaco writes its lines as markup whose position is a style attribute; no nonce or hash covers these.
    "style-src-attr 'unsafe-inline'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)

MISSING = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>GraphiQL is not installed</title>
<h1>GraphiQL is not installed</h1>
<p>This installation of wethod-graphql was made without the files of GraphiQL. They are built with the wheel, or by
<code>python hatch_build.py</code> in a source tree.</p>
<p>The endpoint itself works: it takes a POST of JSON at this address.</p>
</html>
"""


class Explorer:
    """GraphiQL for one gateway, built once at its start: an ASGI application that answers with the page.

    Args:
        sandbox: whether the gateway's Wethod is the embedded stand-in, which a first run may safely delete from.
        headers: what the header editor opens with; by default what fits the sandbox, or blanks to fill in.
        static: where the built bundle is. Without one the page says so.
    """

    def __init__(self, *, sandbox: bool, headers: Mapping[str, str] | None = None, static: Path = STATIC) -> None:
        self.routes: list[BaseRoute] = [
            Route(f"/{ASSETS}/{{name:path}}", Assets(static / ASSETS).respond, methods=["GET"], name="explorer")
        ]
        config = {
            "endpoint": "graphql",
            "document": example.document(sandbox=sandbox),
            "variables": json.dumps(example.variables(sandbox=sandbox), indent=2),
            "headers": json.dumps(example.headers(sandbox=sandbox) if headers is None else dict(headers), indent=2),
            "sandbox": sandbox,
        }
        page = static / "index.html"
        self._config = html.escape(json.dumps(config))
        self._template = Template(page.read_text(encoding="utf-8")) if page.is_file() else None

    @property
    def installed(self) -> bool:
        """Whether this installation has the bundle."""
        return self._template is not None

    def page(self) -> Response:
        """The document for ``GET /graphql`` of a browser; a 501 that says so where the bundle is missing."""
        nonce = secrets.token_urlsafe(16)
        headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": "; ".join(POLICY).format(nonce=nonce),
            "Referrer-Policy": "no-referrer",
            "Vary": "Accept",
            "X-Content-Type-Options": "nosniff",
        }
        if self._template is None:
            return HTMLResponse(MISSING, 501, headers=headers)
        return HTMLResponse(self._template.substitute(config=self._config, nonce=nonce), headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the page, whatever was asked."""
        await self.page()(scope, receive, send)
