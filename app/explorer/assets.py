"""The bundle's files: held in memory, precompressed, cacheable for good since their names carry their hash."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
# The bundle's variants by suffix, best first; one that compression helps has no other file.
CODINGS = {".br": "br", ".gz": "gzip"}
IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the bundle: its media type, a digest of its content, and its bytes by content coding."""

    media_type: str
    digest: str
    variants: Mapping[str, bytes]

    def body(self, coding: str) -> bytes:
        """The bytes in one coding; the plain ones are unpacked for the rare client that takes no other."""
        return self.variants[coding] if coding in self.variants else gzip.decompress(self.variants["gzip"])


def load_assets(folder: Path) -> Mapping[str, Asset]:
    """Read the bundle's files, by name; nothing where there is no bundle."""
    variants: dict[str, dict[str, bytes]] = {}
    for path in sorted(folder.glob("*")):
        coding = CODINGS.get(path.suffix, IDENTITY)
        name = path.name if coding == IDENTITY else path.stem
        variants.setdefault(name, {})[coding] = path.read_bytes()
    return {
        name: Asset(
            MEDIA_TYPES.get(Path(name).suffix, "application/octet-stream"),
            hashlib.sha256(b"".join(found.values())).hexdigest()[:32],
            found,
        )
        for name, found in variants.items()
    }


def choose_coding(accept_encoding: str, available: Mapping[str, bytes]) -> str:
    """The coding that weighs most (RFC 9110 section 12.5.3), of equals the smallest; plain where none is welcome."""
    weights: dict[str, float] = {}
    for item in accept_encoding.lower().split(","):
        coding, _, parameter = (part.strip() for part in item.partition(";"))
        name, _, weight = parameter.partition("=")
        try:
            weights[coding] = float(weight) if name.strip() == "q" else 1.0
        except ValueError:
            weights[coding] = 0.0
    ranked = [coding for coding in CODINGS.values() if coding in available]
    best = max(ranked, key=lambda coding: weights.get(coding, weights.get("*", 0.0)), default=IDENTITY)
    return best if weights.get(best, weights.get("*", 0.0)) > 0 else IDENTITY


class Assets:
    """Serves the bundle's files by exact name: there is no path to traverse."""

    def __init__(self, folder: Path) -> None:
        self._assets = load_assets(folder)

    async def respond(self, request: Request) -> Response:
        """One file, or a 404 that names nothing of what was asked."""
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            return JSONResponse(
                {"errors": [{"message": "There is no such asset."}]}, 404, headers={"Cache-Control": "no-store"}
            )
        coding = choose_coding(request.headers.get("accept-encoding", ""), asset.variants)
        etag = f'"{asset.digest}-{coding}"'
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            # A worker is bound by its own response's policy: ours compute, and reach nothing.
            "Content-Security-Policy": "default-src 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
            "ETag": etag,
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if coding != IDENTITY:
            headers["Content-Encoding"] = coding
        return Response(asset.body(coding), headers=headers, media_type=asset.media_type)
