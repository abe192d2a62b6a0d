"""The example page over HTTP: served with the sandbox alone, under the explorer's policy, by every worker."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import httpx
import pytest

from app.sandbox import serve_sandbox
from app.sandbox.admission import TOKENS
from tests.commands import serving
from tests.explorer.test_page import Elements
from tests.gateway import gateway

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

NOWHERE = "http://127.0.0.1:9"
PATHS = ("/example", "/example/", "/example/contacts", "/example/page.js", "/example/page.css")
FIRST = {"id": 1, "name": "Ada", "surname": "Albani", "state": "free"}


@pytest.fixture
def sandbox() -> Iterator[str]:
    with serve_sandbox() as url:
        yield url


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    path = tmp_path / "documents.json"
    path.write_text(json.dumps({"key": "{ __typename }"}), encoding="utf-8")
    return str(path)


async def statuses(sandbox: str, environ: Mapping[str, str], *, embedded: bool) -> set[int]:
    """The status of the answer for each file of the page."""
    async with gateway(sandbox, environ, sandbox=embedded) as client:
        return {(await client.http.get(client.url + path)).status_code for path in PATHS}


async def test_the_page_is_served_only_with_the_sandbox(sandbox: str, manifest: str) -> None:
    """Not with GraphiQL alone, nor if only trusted documents run."""
    assert await statuses(sandbox, {}, embedded=True) == {200}
    assert await statuses(sandbox, {"GATEWAY_GRAPHIQL": "false"}, embedded=True) == {200}
    assert await statuses(sandbox, {"GATEWAY_GRAPHIQL": "true"}, embedded=False) == {404}
    assert await statuses(sandbox, {"GATEWAY_TRUSTED_DOCUMENTS": manifest}, embedded=True) == {404}


async def test_the_page_has_the_explorers_policy() -> None:
    async with gateway(NOWHERE, sandbox=True) as client:
        answer = await client.http.get(f"{client.url}/example")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; font-src 'self'; "
        "img-src 'self' data:; style-src-elem 'self'; style-src-attr 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert answer.headers["referrer-policy"] == "no-referrer"
    found = Elements(answer.text).found
    assert not [name for _, attributes in found for name in attributes if re.match(r"on|style$", name)]


async def test_no_response_is_cached_or_readable_from_another_site(sandbox: str) -> None:
    async with gateway(sandbox, sandbox=True) as client:
        for path in PATHS:
            answer = await client.http.get(client.url + path, headers={"Origin": "https://other.example"})
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
            assert "access-control-allow-origin" not in answer.headers


async def test_only_get_and_head_are_allowed(sandbox: str) -> None:
    async with gateway(sandbox, sandbox=True) as client:
        for path in PATHS:
            assert (await client.http.head(client.url + path)).status_code == 200
            assert (await client.http.post(client.url + path)).status_code == 405


async def test_every_token_of_the_sandbox_and_none_can_be_chosen() -> None:
    async with gateway(NOWHERE, sandbox=True) as client:
        page = (await client.http.get(f"{client.url}/example")).text
    offered = [attributes["value"] for _, attributes in Elements(page).found if attributes.get("name") == "token"]
    assert sorted(token or "" for token in offered) == sorted(["", *TOKENS])


async def test_settings_are_escaped_in_html() -> None:
    async with gateway(NOWHERE, {"GATEWAY_AUTHORIZATION_HEADER": "X-Token'&$folder"}, sandbox=True) as client:
        page = (await client.http.get(f"{client.url}/example")).text
    (config,) = [attributes["data-config"] for tag, attributes in Elements(page).found if tag == "body"]
    assert json.loads(config or "")["authorizationHeader"].lower() == "x-token'&$folder"


@pytest.mark.parametrize("transport", ["http1", "httpx"])
async def test_the_list_shows_all_contacts_of_the_sandbox(sandbox: str, transport: str) -> None:
    """As `GET /api/contacts` gives them; the caller needs no token."""
    headers = {"Authorization": "Bearer demo-viewer", "Wethod-Company": "acme", "Wethod-Version": "2024-06-15"}
    async with gateway(sandbox, {"WETHOD_TRANSPORT": transport}, sandbox=True) as client:
        listed = await client.http.get(f"{client.url}/example/contacts")
        direct = await client.http.get(f"{sandbox}/api/contacts", headers=headers)
    assert listed.headers["content-type"] == "application/json"
    assert listed.json() == direct.json()
    assert (listed.json()[0], len(listed.json())) == (FIRST, 100)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"WETHOD_COMPANY": "initech"}, "The sandbox answered with the status 403."),
        ({"WETHOD_BASE_URL": NOWHERE}, "The sandbox does not answer."),
    ],
    ids=["another-company", "no-sandbox"],
)
async def test_a_list_that_cannot_be_loaded_is_a_502(sandbox: str, environ: Mapping[str, str], message: str) -> None:
    async with gateway(sandbox, environ, sandbox=True) as client:
        answer = await client.http.get(f"{client.url}/example/contacts")
    assert (answer.status_code, answer.json()) == (502, {"message": message})


def test_every_worker_lists_the_contacts_of_one_sandbox(tmp_path: Path) -> None:
    """Each request has its own connection, so that either worker may answer."""
    body = {"query": 'mutation { deleteContacts(ids: ["1", "3"]) { result { __typename } } }'}
    headers = {"Authorization": "Bearer demo-editor", "Wethod-Company": "acme"}
    with serving("wethod-graphql serve --sandbox --workers 2 --port 0", tmp_path, {}) as url:
        before = [httpx.get(f"{url}/example/contacts").json() for _ in range(12)]
        assert httpx.post(f"{url}/graphql", json=body, headers=headers).json() == {
            "data": {"deleteContacts": [{"result": {"__typename": "DeleteContactSuccess"}}] * 2}
        }
        after = [httpx.get(f"{url}/example/contacts").json() for _ in range(12)]
        page = httpx.get(f"{url}/example")
    assert [[contact["id"] for contact in contacts[:3]] for contacts in before] == [[1, 2, 3]] * 12
    assert [[contact["id"] for contact in contacts[:3]] for contacts in after] == [[2, 4, 5]] * 12
    assert page.status_code == 200
