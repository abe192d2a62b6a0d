"""The bundle's files over HTTP."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette

from app.explorer.assets import MEDIA_TYPES, choose_coding
from app.explorer.page import ASSETS, STATIC, Explorer
from tests.system_parts import require

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

SCRIPT = b"export const answer = 42;\n"
GZIP = gzip.compress(SCRIPT)
BROTLI = b"brotli of the script"
FONT = b"wOF2 as it is"
NOT_FOUND = {"errors": [{"message": "There is no such asset."}]}


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A bundle of one script, packed, and one font, which packing does not help."""
    folder = tmp_path / ASSETS
    folder.mkdir()
    (folder / "main-1a2b.js.gz").write_bytes(GZIP)
    (folder / "main-1a2b.js.br").write_bytes(BROTLI)
    (folder / "font-3c4d.woff2").write_bytes(FONT)
    (tmp_path / "index.html").write_text("<p>$config $nonce</p>", encoding="utf-8")
    return tmp_path


@pytest.fixture
def application(static: Path) -> Starlette:
    """An application that has the explorer's routes and nothing else."""
    return Starlette(routes=Explorer(sandbox=True, static=static).routes)


@pytest.fixture
def client(application: Starlette) -> httpx.AsyncClient:
    """A client of it."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://gateway.test")


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0.5, gzip;q=0.9", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("BR", "br"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("gzip ; q=0.1", "gzip"),
        ("identity", "identity"),
        ("", "identity"),
        ("br;q=zero", "identity"),
        ("*;q=0", "identity"),
    ],
)
def test_the_coding_is_the_one_that_weighs_most(accepted: str, coding: str) -> None:
    """RFC 9110 section 12.5.3, and the smallest of equals."""
    assert choose_coding(accepted, {"br": b"", "gzip": b""}) == coding


def test_a_file_without_packed_variants_goes_as_it_is() -> None:
    """A font gains nothing by packing."""
    assert choose_coding("br, gzip", {"identity": b""}) == "identity"


@dataclass(frozen=True, slots=True)
class Sent:
    """What the first client of a file gets."""

    body: bytes
    coding: str | None
    media_type: str = "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    ("accepted", "name", "expected"),
    [
        pytest.param("br", "main-1a2b.js", Sent(BROTLI, "br"), id="brotli"),
        pytest.param("gzip", "main-1a2b.js", Sent(GZIP, "gzip"), id="gzip"),
        pytest.param("identity", "main-1a2b.js", Sent(SCRIPT, None), id="plain"),
        pytest.param("br, gzip", "font-3c4d.woff2", Sent(FONT, None, "font/woff2"), id="font"),
    ],
)
async def test_a_file_is_cached_for_good(client: httpx.AsyncClient, accepted: str, name: str, expected: Sent) -> None:
    """Its name carries its hash, so its content never changes."""
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
    """``If-None-Match`` gets a 304 for the same coding, and for no other."""
    url = f"/{ASSETS}/main-1a2b.js"
    etag = (await client.get(url, headers={"Accept-Encoding": "gzip"})).headers["etag"]
    known = {"If-None-Match": f'"other", W/{etag}'}
    same = await client.get(url, headers=known | {"Accept-Encoding": "gzip"})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
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
        "/etc/passwd",
        "sub/main-1a2b.js",
        "main-1a2b.js/",
        "main-1a2b.js\0",
    ],
)
async def test_another_name_is_a_404(application: Starlette, path: str) -> None:
    """Only exact names are known, so nothing beside them can be reached."""
    # Past the client, which would tidy the path up.
    scope = {"type": "http", "method": "GET", "path": f"/{ASSETS}/{path}", "headers": [], "query_string": b""}
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(dict(message))

    await application(scope, receive, send)
    assert sent[0]["status"] == 404
    assert (b"cache-control", b"no-store") in sent[0]["headers"]
    assert json.loads(sent[1]["body"]) == NOT_FOUND


async def test_nothing_but_reading(client: httpx.AsyncClient) -> None:
    """HEAD is answered like GET; no other method is."""
    assert (await client.head(f"/{ASSETS}/main-1a2b.js")).status_code == 200
    assert (await client.post(f"/{ASSETS}/main-1a2b.js")).status_code == 405


def test_every_file_of_the_bundle_has_a_known_type() -> None:
    """A file that a browser would refuse for its type does not slip in with an upgrade."""
    require("GraphiQL's bundle (python hatch_build.py)", present=STATIC.is_dir())
    names = {path.name.removesuffix(".br").removesuffix(".gz") for path in (STATIC / ASSETS).iterdir()}
    assert {name[name.rindex(".") :] for name in names} <= MEDIA_TYPES.keys()
    assert all((STATIC / ASSETS / f"{name}.gz").exists() for name in names if name.endswith((".js", ".css")))
