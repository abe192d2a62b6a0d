"""The bundle's files over HTTP."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette

from app.explorer.page import ASSETS, MEDIA_TYPES, STATIC, Explorer
from app.settings import load
from tests.system_parts import require

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

SCRIPT = b"export const answer = 42;\n"
GZIP = gzip.compress(SCRIPT)
FONT = b"wOF2 as it is"


@pytest.fixture
def application(tmp_path: Path) -> Starlette:
    """An application with the explorer's routes alone, and a bundle of one script and one font."""
    folder = tmp_path / ASSETS
    folder.mkdir()
    (folder / "main-1a2b.js").write_bytes(SCRIPT)
    (folder / "main-1a2b.js.gz").write_bytes(GZIP)
    (folder / "font-3c4d.woff2").write_bytes(FONT)
    (tmp_path / "index.html").write_text("<p>$config $nonce</p>", encoding="utf-8")
    return Starlette(routes=Explorer(load({}), sandbox=True, static=tmp_path).routes)


@pytest.fixture
def client(application: Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://gateway.test")


@dataclass(frozen=True, slots=True)
class Sent:
    body: bytes
    coding: str | None
    media_type: str = "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    ("accepted", "name", "expected"),
    [
        pytest.param("gzip, deflate, br, zstd", "main-1a2b.js", Sent(GZIP, "gzip"), id="gzip"),
        pytest.param("deflate,GZIP ; Q = 0.001", "main-1a2b.js", Sent(GZIP, "gzip"), id="gzip-if-need-be"),
        pytest.param("identity", "main-1a2b.js", Sent(SCRIPT, None), id="plain"),
        pytest.param("gzip;q=0, identity", "main-1a2b.js", Sent(SCRIPT, None), id="gzip-refused"),
        pytest.param("*, gzip; q=0.000", "main-1a2b.js", Sent(SCRIPT, None), id="only-gzip-refused"),
        pytest.param("x-gzipped", "main-1a2b.js", Sent(SCRIPT, None), id="another-coding"),
        pytest.param("gzip", "font-3c4d.woff2", Sent(FONT, None, "font/woff2"), id="font"),
    ],
)
async def test_a_file_is_cached_for_a_year(client: httpx.AsyncClient, accepted: str, name: str, expected: Sent) -> None:
    """Its name has its hash, so its content never changes."""
    async with client.stream("GET", f"/{ASSETS}/{name}", headers={"Accept-Encoding": accepted}) as answer:
        body = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert answer.status_code == 200
    assert Sent(body, answer.headers.get("content-encoding"), answer.headers["content-type"]) == expected
    assert answer.headers["content-length"] == str(len(body))
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


async def test_a_known_file_is_not_sent_again(client: httpx.AsyncClient) -> None:
    """``If-None-Match`` gives a 304 for the same coding only."""
    url = f"/{ASSETS}/main-1a2b.js"
    etag = (await client.get(url, headers={"Accept-Encoding": "gzip"})).headers["etag"]
    known = {"If-None-Match": f'"other", W/{etag}'}
    same = await client.get(url, headers=known | {"Accept-Encoding": "gzip"})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    assert same.headers["cache-control"] == "public, max-age=31536000, immutable"
    other = await client.get(url, headers=known | {"Accept-Encoding": "identity"})
    assert (other.status_code, other.content) == (200, SCRIPT)


@pytest.mark.parametrize(
    "path",
    [
        "main-0000.js",
        "main-1a2b.js.gz",
        "",
        ".",
        "..",
        "../index.html",
        "../../explorer/page.py",
        "/etc/passwd",
        "sub/main-1a2b.js",
        "main-1a2b.js\0",
        "\0.js",
        f"{'a' * 300}.js",
    ],
)
@pytest.mark.parametrize("coding", ["gzip", "identity"])
async def test_another_name_is_a_404(application: Starlette, path: str, coding: str) -> None:
    # Not through the client, which would normalize the path.
    headers = [(b"accept-encoding", coding.encode())]
    scope = {"type": "http", "method": "GET", "path": f"/{ASSETS}/{path}", "headers": headers, "query_string": b""}
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(dict(message))

    await application(scope, receive, send)
    assert sent[0]["status"] == 404
    assert b"cache-control" not in dict(sent[0]["headers"])


async def test_only_get_and_head_are_allowed(client: httpx.AsyncClient) -> None:
    assert (await client.head(f"/{ASSETS}/main-1a2b.js")).status_code == 200
    assert (await client.post(f"/{ASSETS}/main-1a2b.js")).status_code == 405


def test_every_file_of_the_bundle_can_be_served() -> None:
    require("GraphiQL's bundle (scripts/explorer)", present=STATIC.is_dir())
    files = {path for path in (STATIC / ASSETS).iterdir() if path.suffix != ".gz"}
    assert {path.suffix for path in files} <= MEDIA_TYPES.keys()
    for path in files:
        if path.suffix in {".js", ".css"}:
            assert gzip.decompress(path.with_name(f"{path.name}.gz").read_bytes()) == path.read_bytes()
