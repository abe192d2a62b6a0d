"""The page of GraphiQL: one document, its policy, its configuration as data, and the files of the bundle."""

from __future__ import annotations

import html
import json
import re
import secrets
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from app.explorer.tabs import default_headers, default_tabs

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import Scope

    from app.settings import Settings

STATIC = Path(__file__).parent / "static"
ASSETS = "graphql-assets"
"""The folder of the bundle, beside the endpoint. The page uses relative addresses, so it works behind any prefix."""

POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "connect-src 'self'",
    "font-src 'self'",
    "img-src 'self' data:",  # Monaco draws some icons and squiggles as data: images
    "style-src-elem 'self'{nonce}",
    # Monaco writes its lines as markup whose position is a style attribute; no nonce or hash covers these.
    "style-src-attr 'unsafe-inline'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)

# Fixed: Python's own table depends on its version and on the machine.
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
ASSET_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    # A web worker has the policy of its own response. GraphiQL's workers need no connection.
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}

# gzip by name, without a quality or with one above zero (RFC 9110 §12.5.3).
_ACCEPTS_GZIP = re.compile(r"(?:^|,)\s*gzip\s*(?:$|,|;\s*q\s*=\s*(?:1|0?\.0*[1-9]))", re.IGNORECASE)

MISSING = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>GraphiQL is not installed</title>
<h1>GraphiQL is not installed</h1>
<p>This installation of wethod-graphql was made without the files of GraphiQL. They are built with the wheel, or by
<code>scripts/explorer</code> in a source tree.</p>
<p>The endpoint itself works: it takes a POST of JSON at this address.</p>
</html>
"""


def content_security_policy(nonce: str | None = None) -> str:
    """The policy of a page. Without a nonce, all its styles come from files of its own origin."""
    return "; ".join(POLICY).format(nonce=f" 'nonce-{nonce}'" if nonce else "")


class Explorer:
    """GraphiQL for one gateway, made once at its start.

    Args:
        settings: for the content of the header editor and of the variables.
        sandbox: the gateway forwards to the embedded sandbox, so the variables of the tabs may contain ids.
        static: the folder of the built bundle. If it is missing, the page says so.

    Attributes:
        routes: the bundle's files, for the application of the gateway.
    """

    def __init__(self, settings: Settings, *, sandbox: bool, static: Path = STATIC) -> None:
        self._config = {
            "tabs": default_tabs(settings, sandbox=sandbox),
            "headers": json.dumps(default_headers(settings, sandbox=sandbox), indent=2),
            "sandbox": sandbox,
        }
        page = static / "index.html"
        self._template = Template(page.read_text(encoding="utf-8")) if page.is_file() else None
        assets = Assets(directory=static / ASSETS, check_dir=False)
        self.routes: list[BaseRoute] = [Mount(f"/{ASSETS}", assets, name="explorer")] if self._template else []

    def page(self, path: str = "/graphql") -> Response:
        """Make the page for a browser's GET; a 501 if the bundle is missing.

        The endpoint adds the header fields that all its answers have.

        Args:
            path: the path of the request. From ``/graphql/`` the files and the endpoint are one level up.
        """
        nonce = secrets.token_urlsafe(16)
        headers = {"Content-Security-Policy": content_security_policy(nonce), "Referrer-Policy": "no-referrer"}
        if self._template is None:
            return HTMLResponse(MISSING, 501, headers=headers)
        folder = "../" if path.endswith("/") else "./"
        config = html.escape(json.dumps({"endpoint": f"{folder}graphql", **self._config}))
        text = self._template.substitute(config=config, nonce=nonce)
        return HTMLResponse(text.replace(f'"./{ASSETS}/', f'"{folder}{ASSETS}/'), headers=headers)


class Assets(StaticFiles):
    """The bundle's files, compressed if the client accepts gzip and the bundle has a compressed file.

    Their names contain a hash of their content, so a browser may keep them forever.
    """

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with one file of the bundle.

        Raises:
            HTTPException: 404 or 405.
        """
        media_type = MEDIA_TYPES.get(Path(path).suffix)
        if media_type is None:
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        accepted = Headers(scope=scope).get("accept-encoding", "")
        # Only for a path that exists: lookup_path raises for others, such as one with a NUL.
        compressed = _ACCEPTS_GZIP.search(accepted) and self.lookup_path(f"{path}.gz")[1]
        if compressed:
            response = await super().get_response(f"{path}.gz", scope)
        response.headers.update(ASSET_HEADERS)
        if response.status_code == 200:  # noqa: PLR2004 - a 304 describes nothing
            response.headers["Content-Type"] = media_type
            if compressed:
                response.headers["Content-Encoding"] = "gzip"
        return response
