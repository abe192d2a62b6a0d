"""Trusted documents: those of the manifest run, and the query for the SDL; nothing else reaches a resolver."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from app.explorer.page import STATIC
from app.main import WorkerContext, create_app
from app.server.lifecycle import Lifecycle
from app.settings import load
from app.start_error import StartError
from schema.root import OPERATIONS, build_schema
from schema.sdl import subgraph_sdl
from tests.documents.requests import (
    CONTEXT,
    DELETE,
    DELETED,
    FOUND,
    persisted,
    post,
    refused,
    sha256,
    write_manifest,
)
from tests.gateway import AUDIT_KEY, HEADERS, gateway
from tests.support import until
from tests.system_parts import require

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.gateway import GatewayClient
    from tests.upstream import Upstream

TWO = "query First { wethodContext { version } } query Second { wethodContext { company } }"
MANIFEST = {"ab": DELETE, "cd": CONTEXT, "ef": TWO, "also": CONTEXT}
NOT_SUPPORTED = refused("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")


@pytest.fixture(scope="module")
async def client(running_wethod: Upstream, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayClient]:
    """A gateway that runs only the manifest, although introspection is on."""
    manifest = tmp_path_factory.mktemp("documents") / "persisted-documents.json"
    write_manifest(manifest, MANIFEST)
    environ = {"GATEWAY_TRUSTED_DOCUMENTS": str(manifest), "GATEWAY_INTROSPECTION": "true"}
    async with gateway(running_wethod.url, environ) as running:
        yield running


RUN: dict[str, dict[str, object]] = {
    "sha256Hash": persisted("cd"),
    "documentId": {"documentId": "cd"},
    "doc_id": {"doc_id": "cd"},
    "another-key-of-the-same-text": {"documentId": "also"},
    "digest-of-the-text": persisted(sha256(CONTEXT)),
    "prefixed-digest-of-the-text": {"documentId": f"sha256:{sha256(CONTEXT)}"},
    "text": {"query": CONTEXT},
    "text-with-its-key": {"query": CONTEXT, "documentId": "cd"},
    "text-with-its-digest": {"query": CONTEXT, **persisted(sha256(CONTEXT))},
    "every-key-at-once": {"documentId": "also", "doc_id": "cd", **persisted("cd")},
    "named": {"documentId": "cd", "operationName": "Context"},
    "one-of-two": {"documentId": "ef", "operationName": "Second"},
    "nulls": {"query": None, "doc_id": None, "documentId": "cd", "extensions": None},
}


@pytest.mark.parametrize("parameters", RUN.values(), ids=RUN)
async def test_a_document_of_the_manifest_runs(client: GatewayClient, parameters: dict[str, object]) -> None:
    """By every key that clients send, and by its whole text; by POST and by GET."""
    response = await post(client, parameters)
    assert (response.status_code, response.json()) == (200, FOUND)
    query = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in parameters.items()
        if value is not None
    }
    response = await client.http.get(f"{client.url}/graphql", params=query, headers=HEADERS)
    assert (response.status_code, response.json()) == (200, FOUND)


async def test_a_mutation_of_the_manifest_runs_by_post_alone(client: GatewayClient, wethod: Upstream) -> None:
    response = await post(client, {"documentId": "ab", "variables": {"id": 7}})
    assert response.json() == DELETED
    refusal = await client.http.get(f"{client.url}/graphql?documentId=ab&variables=%7B%22id%22%3A7%7D")
    assert (refusal.status_code, refusal.headers["allow"]) == (405, "POST")
    assert [asked.target for asked in wethod.asked] == ["/api/contact/7"]


UNTRUSTED: dict[str, dict[str, object]] = {
    "unknown-hash": persisted("0" * 64),
    "unknown-documentId": {"documentId": "xx"},
    "unknown-doc_id": {"doc_id": "xx"},
    "empty-key": {"documentId": ""},
    "unknown-key-beside-a-known-one": {"documentId": "ab", "doc_id": "xx", "variables": {"id": 7}},
    "other-text": {"query": "mutation { deleteContact(id: 7) { __typename } }"},
    "other-white-space": {"query": DELETE + " ", "variables": {"id": 7}},
    "other-text-with-a-known-key": {"query": DELETE + " ", "documentId": "ab", "variables": {"id": 7}},
    "other-text-with-its-digest": {"query": "{__schema}", **persisted(sha256("{__schema}"))},
    "trusted-text-with-an-unknown-key": {"query": DELETE, "documentId": "xx", "variables": {"id": 7}},
    "no-document-at-all": {"query": "{"},
    "empty-text": {"query": ""},
    "introspection": {"query": "{ __schema { queryType { name } } }"},
    "sdl-by-an-unknown-key": {"query": "{ _service { sdl } }", "documentId": "xx"},
}


@pytest.mark.parametrize("accept", ["application/graphql-response+json", "application/json"])
@pytest.mark.parametrize("parameters", UNTRUSTED.values(), ids=UNTRUSTED)
async def test_no_other_document_runs(
    client: GatewayClient, wethod: Upstream, parameters: dict[str, object], accept: str
) -> None:
    """422, or 200 for a client of plain JSON, and nothing is sent to Wethod."""
    response = await post(client, parameters, HEADERS | {"Accept": accept})
    assert response.status_code == (200 if accept == "application/json" else 422)
    assert response.json() == NOT_SUPPORTED
    assert wethod.asked == []


MALFORMED: dict[str, tuple[dict[str, object], str, str]] = {
    "nothing": ({}, "BAD_REQUEST", "The parameter documentId is missing; only trusted documents run."),
    "number": ({"documentId": 7}, "BAD_REQUEST", "The parameter documentId must be a string or null."),
    "list": ({"doc_id": ["ab"]}, "BAD_REQUEST", "The parameter doc_id must be a string or null."),
    "no-version": (
        {"extensions": {"persistedQuery": {"sha256Hash": "ab"}}},
        "BAD_REQUEST",
        "The parameter extensions.persistedQuery must have a version, which is 1, and a sha256Hash.",
    ),
    "two-documents": (
        {"documentId": "ab", "doc_id": "cd", "query": DELETE},
        "BAD_REQUEST",
        "The parameters documentId, doc_id, query mean different documents.",
    ),
    "unknown-operation": (
        {"documentId": "ab", "operationName": "Other"},
        "OPERATION_RESOLUTION_FAILURE",
        "The document has no operation of the name in operationName.",
    ),
}


@pytest.mark.parametrize(("parameters", "code", "message"), MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_request_is_refused(
    client: GatewayClient, parameters: dict[str, object], code: str, message: str
) -> None:
    response = await post(client, parameters)
    assert (response.status_code, response.json()) == (422, refused(code, message))


ALIVE_QUERIES = {
    "bare": "{ __typename }",
    "named": "query Health { __typename }",
    "aliased": "query { up: __typename } # are you there?",
}


@pytest.mark.parametrize("text", ALIVE_QUERIES.values(), ids=ALIVE_QUERIES)
async def test_routers_can_query_the_typename(client: GatewayClient, text: str) -> None:
    response = await post(client, {"query": text})
    assert (response.status_code, list(response.json()["data"].values())) == (200, ["Query"])
    assert (await client.http.get(f"{client.url}/graphql", params={"query": text})).status_code == 200


SDL_QUERIES = {
    "bare": "{ _service { sdl } }",
    "apollo-gateway": "query __ApolloGetServiceDefinition__ { _service { sdl } }",
    "rover": "query SubgraphIntrospectQuery {\n    # eslint-disable-next-line\n    _service {\n        sdl\n    }\n}",
    "aliased": "query { service: _service { text: sdl } }",
}


@pytest.mark.parametrize("text", SDL_QUERIES.values(), ids=SDL_QUERIES)
async def test_routers_get_the_sdl(client: GatewayClient, text: str) -> None:
    response = await post(client, {"query": text})
    ((service,),) = [list(data.values()) for data in [response.json()["data"]]]
    assert list(service.values()) == [subgraph_sdl().rstrip()]
    response = await client.http.get(f"{client.url}/graphql", params={"query": text})
    assert response.status_code == 200


NO_SDL_QUERIES = {
    "more-of-the-root": "{ _service { sdl } wethodContext { company } }",
    "twice": "{ _service { sdl } again: _service { sdl } }",
    "sdl-twice": "{ _service { sdl again: sdl } }",
    "typename-of-a-mutation": "mutation { __typename }",
    "typename-twice": "{ __typename again: __typename }",
    "typename-and-more": "{ __typename wethodContext { company } }",
    "typename-of-the-service": "{ _service { __typename } }",
    "mutation": "mutation { _service { sdl } }",
    "fragment": "{ ...F } fragment F on Query { _service { sdl } }",
    "inline-fragment": "{ ... { _service { sdl } } }",
    "inline-fragment-inside": "{ _service { ... { sdl } } }",
    "second-operation": "query A { _service { sdl } } mutation B { deleteContact(id: 7) { __typename } }",
    "variables": "query ($id: ID) { _service { sdl } }",
    "directive": "query @include(if: true) { _service { sdl } }",
    "directive-on-the-service": "{ _service @include(if: true) { sdl } }",
    "argument": "{ _service(a: 1) { sdl } }",
    "selection-of-sdl": "{ _service { sdl { a } } }",
    "no-selection": "{ _service }",
    "alias-alone": "{ _service: wethodContext { sdl: company } }",
    "only-a-fragment": "fragment F on Query { _service { sdl } }",
    "broken": "{ _service { sdl }",
    "too-long": "{ _service { sdl } }" + "#\n" * 1_001,
}


@pytest.mark.parametrize("text", NO_SDL_QUERIES.values(), ids=NO_SDL_QUERIES)
async def test_no_other_query_for_the_sdl_runs(client: GatewayClient, text: str) -> None:
    """Only one operation with one field, which selects one field, is allowed."""
    response = await post(client, {"query": text})
    assert (response.status_code, response.json()) == (422, NOT_SUPPORTED)


async def test_introspection_runs_if_the_manifest_has_it(tmp_path: Path, wethod: Upstream) -> None:
    manifest = tmp_path / "manifest.json"
    write_manifest(manifest, {"ab": "{ __schema { queryType { name } } }"})
    async with gateway(wethod.url, {"GATEWAY_TRUSTED_DOCUMENTS": str(manifest)}) as client:
        response = await post(client, {"documentId": "ab"})
    assert response.json() == {"data": {"__schema": {"queryType": {"name": "Query"}}}}


async def test_graphiql_is_off_with_a_manifest_unless_a_setting_says_otherwise(
    tmp_path: Path, wethod: Upstream
) -> None:
    require("GraphiQL's bundle (scripts/explorer)", present=STATIC.is_dir())
    manifest = tmp_path / "manifest.json"
    write_manifest(manifest, MANIFEST)
    environ = {"GATEWAY_TRUSTED_DOCUMENTS": str(manifest)}
    browser = {"Accept": "text/html"}
    async with gateway(wethod.url, environ, sandbox=True) as client:
        assert (await client.http.get(f"{client.url}/graphql", headers=browser)).status_code == 406
    async with gateway(wethod.url, environ | {"GATEWAY_GRAPHIQL": "true"}, sandbox=True) as client:
        assert (await client.http.get(f"{client.url}/graphql", headers=browser)).status_code == 200


def test_a_manifest_that_is_gone_stops_the_start(tmp_path: Path) -> None:
    """It was there when the settings were read."""
    manifest = tmp_path / "manifest.json"
    write_manifest(manifest, {})
    settings = load({"GATEWAY_TRUSTED_DOCUMENTS": str(manifest), "GATEWAY_AUDIT_LOG": "off"})
    manifest.unlink()
    context = WorkerContext(settings=settings, audit_key=AUDIT_KEY)
    with pytest.raises(StartError, match="it cannot be read: No such file or directory"):
        create_app(context, Lifecycle(), build_schema(), OPERATIONS)


async def test_a_sighup_during_a_reload_reloads_again(
    tmp_path: Path, wethod: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="app.documents.trusted")
    manifest = tmp_path / "manifest.json"
    write_manifest(manifest, {"old": CONTEXT})
    async with gateway(wethod.url, {"GATEWAY_TRUSTED_DOCUMENTS": str(manifest)}) as client:
        write_manifest(manifest, {f"slow{i}": f"query Q{i} {{ __typename }}" for i in range(500)})
        client.server.reload()
        await asyncio.sleep(0.05)
        assert "loaded" not in caplog.text
        write_manifest(manifest, {"last": CONTEXT})
        client.server.reload()
        await until(lambda: "loaded 1 trusted documents from" in caplog.text)
        assert (await post(client, {"documentId": "last"})).json() == FOUND
