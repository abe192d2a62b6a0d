"""The bundle's files over HTTP. Their names carry their hash, so a browser may keep them for good."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Scope

# Fixed: Python's own table depends on its version and on the machine.
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    # A worker obeys the policy of its own response. Ours compute, and connect to nothing.
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}


class Assets(StaticFiles):
    """Static files, compressed ones where the bundle has them and the client accepts gzip."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with one file of the bundle.

        Raises:
            HTTPException: 404 or 405.
        """
        media_type = MEDIA_TYPES.get(PurePath(path).suffix)
        if media_type is None:
            raise HTTPException(404)
        compressed = "gzip" in Headers(scope=scope).get("accept-encoding", "") and self.lookup_path(f"{path}.gz")[1]
        response = await super().get_response(f"{path}.gz" if compressed else path, scope)
        response.headers.update(HEADERS)
        if response.status_code == 200:  # noqa: PLR2004 - a 304 describes nothing
            response.headers["Content-Type"] = media_type
            if compressed:
                response.headers["Content-Encoding"] = "gzip"
        return response
