"""The page's document, its headers and its policy."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from app.explorer.page import STATIC, Explorer
from app.settings import load
from tests.system_parts import require

if TYPE_CHECKING:
    from pathlib import Path


class Elements(HTMLParser):
    """Every start tag of a document with its attributes."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def explorer() -> Explorer:
    require("GraphiQL's bundle (scripts/explorer)", present=STATIC.is_dir())
    return Explorer(load({}), sandbox=True)


def body(explorer: Explorer) -> str:
    return bytes(explorer.page().body).decode()


def config(explorer: Explorer) -> dict[str, Any]:
    """The settings that the page passes to its script."""
    values = [
        attributes["data-config"] for _, attributes in Elements(body(explorer)).found if "data-config" in attributes
    ]
    assert len(values) == 1
    assert values[0]
    found: dict[str, Any] = json.loads(values[0])
    return found


def test_the_policy_allows_only_our_own_files(explorer: Explorer) -> None:
    """Styles have a nonce; style attributes cannot have one."""
    page = explorer.page()
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce
    assert policy == (
        "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; font-src 'self'; "
        f"img-src 'self' data:; style-src-elem 'self' 'nonce-{nonce[1]}'; style-src-attr 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert f'nonce="{nonce[1]}"' in bytes(page.body).decode()
    assert len(nonce[1]) >= 16
    assert nonce[1] not in explorer.page().headers["content-security-policy"]


def test_the_page_sends_no_referrer(explorer: Explorer) -> None:
    headers = explorer.page().headers
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-type"] == "text/html; charset=utf-8"


def test_headers_cannot_leave_their_attribute(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<p data-config="$config" nonce="$nonce"></p>', encoding="utf-8")
    hostile = "\"'><script>alert(1)</script>$nonce&amp;"
    settings = load({}).model_copy(update={"wethod_company": hostile})
    explorer = Explorer(settings, sandbox=True, static=tmp_path)
    assert [tag for tag, _ in Elements(body(explorer)).found] == ["p"]
    assert json.loads(config(explorer)["headers"])["Wethod-Company"] == hostile


def test_without_the_bundle_the_page_explains_why_there_is_no_editor(tmp_path: Path) -> None:
    explorer = Explorer(load({}), sandbox=True, static=tmp_path)
    page = explorer.page()
    assert explorer.routes == []
    assert page.status_code == 501
    assert "GraphiQL is not installed" in bytes(page.body).decode()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in page.headers["content-security-policy"]
