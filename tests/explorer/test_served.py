"""GraphiQL as the gateway serves it: to browsers alone, and only where it is on."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING

import pytest

from app.explorer.page import STATIC
from tests.gateway import gateway
from tests.system_parts import require

if TYPE_CHECKING:
    from collections.abc import Mapping

NOWHERE = "http://127.0.0.1:9"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.fixture(autouse=True)
def bundle() -> None:
    require("GraphiQL's bundle (scripts/explorer)", present=STATIC.is_dir())


@pytest.mark.parametrize(
    ("sandbox", "environ", "shown"),
    [
        pytest.param(True, {}, True, id="sandbox"),
        pytest.param(True, {"GATEWAY_GRAPHIQL": "false"}, False, id="sandbox-without"),
        pytest.param(False, {}, False, id="live"),
        pytest.param(False, {"GATEWAY_GRAPHIQL": "true"}, True, id="live-asked-for"),
    ],
)
async def test_outside_the_sandbox_it_is_off_by_default(
    environ: Mapping[str, str], *, sandbox: bool, shown: bool
) -> None:
    async with gateway(NOWHERE, environ, sandbox=sandbox) as client:
        answer = await client.http.get(f"{client.url}/graphql", headers={"Accept": BROWSER})
        assert answer.headers["content-type"].startswith("text/html") is shown
        assert answer.status_code == (200 if shown else 422)
        icon = next((STATIC / "graphql-assets").glob("icon-*.svg")).name
        asset = await client.http.get(f"{client.url}/graphql-assets/{icon}")
        assert asset.status_code == (200 if shown else 404)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (BROWSER, "text/html"),
        ("text/html;q=0.5, application/json", "application/json"),
        ("*/*", "application/json"),
        ("application/graphql-response+json", "application/graphql-response+json"),
    ],
    ids=["browser", "prefers-json", "anything", "graphql"],
)
async def test_only_a_client_that_prefers_html_gets_the_page(accept: str, media_type: str) -> None:
    async with gateway(NOWHERE, sandbox=True) as client:
        query = {"query": "{ __typename }"}
        answer = await client.http.get(f"{client.url}/graphql", params=query, headers={"Accept": accept})
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] == media_type


async def test_the_page_is_never_the_answer_to_a_post() -> None:
    async with gateway(NOWHERE, sandbox=True) as client:
        answer = await client.http.post(f"{client.url}/graphql", headers={"Accept": "text/html"}, data={"a": "b"})
        assert answer.status_code == 406


async def test_a_head_is_answered_without_the_page() -> None:
    async with gateway(NOWHERE, sandbox=True) as client:
        answer = await client.http.head(f"{client.url}/graphql", headers={"Accept": BROWSER})
        assert (answer.status_code, answer.content) == (200, b"")
        assert "script-src 'self'" in answer.headers["content-security-policy"]


async def test_the_headers_of_the_page_follow_the_settings() -> None:
    environ = {
        "GATEWAY_GRAPHIQL": "true",
        "GATEWAY_AUTHORIZATION_HEADER": "Wethod-Authorization",
        "WETHOD_COMPANY": "globex",
    }
    async with gateway(NOWHERE, environ) as client:
        page = (await client.http.get(f"{client.url}/graphql", headers={"Accept": BROWSER})).text
    found = re.search(r'data-config="([^"]+)"', page)
    assert found
    config = json.loads(html.unescape(found[1]))
    assert json.loads(config["headers"]) == {
        "Wethod-Authorization": "Bearer ",
        "Wethod-Company": "globex",
        "Wethod-Version": "2024-06-15",
    }
    assert config["sandbox"] is False
