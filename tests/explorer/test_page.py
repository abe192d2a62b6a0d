"""The page's document, its headers and its policy."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from app.explorer.page import STATIC, Explorer
from tests.system_parts import require

if TYPE_CHECKING:
    from pathlib import Path


class Elements(HTMLParser):
    """Every start tag of a document with its attributes, and the text inside scripts and styles."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.code: list[str] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag."""
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep what a script or a style holds."""
        if self.found and self.found[-1][0] in {"script", "style"} and data.strip():
            self.code.append(data)


@pytest.fixture
def explorer() -> Explorer:
    """The real page, in the sandbox."""
    require("GraphiQL's bundle (scripts/explorer)", present=STATIC.is_dir())
    return Explorer(sandbox=True)


def body(explorer: Explorer) -> str:
    """The document that the page sends."""
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


def test_the_policy_lets_nothing_but_our_own_files_run(explorer: Explorer) -> None:
    """No inline script, no eval, no other host; styles by nonce, except for attributes, which take none."""
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


def test_the_page_is_not_cached_and_sends_no_referrer(explorer: Explorer) -> None:
    """It is one of two representations, has a nonce of its own, and its address stays here."""
    headers = explorer.page().headers
    assert {name: headers[name] for name in ("cache-control", "vary", "x-content-type-options", "referrer-policy")} == {
        "cache-control": "no-store",
        "vary": "Accept",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
    }
    assert headers["content-type"] == "text/html; charset=utf-8"


def test_every_address_in_the_page_is_relative_to_it(explorer: Explorer) -> None:
    """Behind any prefix, known to the gateway or not, the files are beside the endpoint."""
    elements = Elements(body(explorer))
    addresses = [
        value for _, attributes in elements.found for name, value in attributes.items() if name in {"src", "href"}
    ]
    assert len(addresses) >= 3
    assert all(re.fullmatch(r"\./graphql-assets/[\w.-]+", address or "") for address in addresses)
    assert config(explorer)["endpoint"] == "./graphql"


def test_the_page_holds_no_code(explorer: Explorer) -> None:
    """Scripts and styles are files; what the script must know is data in an attribute."""
    elements = Elements(body(explorer))
    assert elements.code == []
    assert not [
        name for _, attributes in elements.found for name in attributes if name.startswith("on") or name == "style"
    ]


def test_headers_are_data_whatever_they_hold(tmp_path: Path) -> None:
    """A header from the settings cannot leave its attribute, nor pass for the page's nonce."""
    (tmp_path / "index.html").write_text('<p data-config="$config" nonce="$nonce"></p>', encoding="utf-8")
    hostile = {"Wethod-Company": "\"'><script>alert(1)</script>$nonce&amp;"}
    explorer = Explorer(sandbox=True, headers=hostile, static=tmp_path)
    assert [tag for tag, _ in Elements(body(explorer)).found] == ["p"]
    assert json.loads(config(explorer)["headers"]) == hostile


def test_without_the_bundle_the_page_says_what_to_do(tmp_path: Path) -> None:
    """An installation made without GraphiQL still starts, and tells a person why there is no editor."""
    explorer = Explorer(sandbox=True, static=tmp_path)
    page = explorer.page()
    assert explorer.routes == []
    assert page.status_code == 501
    assert "GraphiQL is not installed" in bytes(page.body).decode()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in page.headers["content-security-policy"]
