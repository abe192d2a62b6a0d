"""Automatic persisted queries as Apollo Client sends them: by hash, then once with the text, then by hash again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.documents.requests import CONTEXT, DELETE, DELETED, FOUND, persisted, post, refused, sha256
from tests.gateway import HEADERS, gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    import httpx

    from tests.gateway import GatewayClient
    from tests.upstream import Upstream

JSON = HEADERS | {"Accept": "application/json"}


NOT_FOUND = refused("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")


@pytest.fixture
async def client(wethod: Upstream) -> AsyncIterator[GatewayClient]:
    async with gateway(wethod.url) as running:
        yield running


async def get(
    client: GatewayClient, parameters: Mapping[str, object], headers: Mapping[str, str] = HEADERS
) -> httpx.Response:
    query = {name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items()}
    return await client.http.get(f"{client.url}/graphql", params=query, headers=headers)


@pytest.mark.parametrize(("headers", "status"), [(HEADERS, 422), (JSON, 200)], ids=["graphql-response", "json"])
async def test_a_hash_is_found_after_its_text_was_sent_with_it(
    client: GatewayClient, wethod: Upstream, headers: dict[str, str], status: int
) -> None:
    """The three steps of Apollo Client, with a mutation."""
    by_hash = {"operationName": "Delete", "variables": {"id": "7"}, **persisted(sha256(DELETE))}
    missed = await post(client, by_hash, headers)
    assert (missed.status_code, missed.json()) == (status, NOT_FOUND)
    assert wethod.asked == []
    sent = await post(client, {"query": DELETE} | by_hash, headers)
    assert (sent.status_code, sent.json()) == (200, DELETED)
    found = await post(client, by_hash, headers)
    assert (found.status_code, found.json()) == (200, DELETED)
    assert len(wethod.asked) == 2


async def test_a_get_runs_a_query_by_hash_and_no_mutation(client: GatewayClient, wethod: Upstream) -> None:
    """As Apollo Client sends with ``useGETForHashedQueries``."""
    missed = await get(client, {"operationName": "Context", **persisted(sha256(CONTEXT))})
    assert (missed.status_code, missed.json()) == (422, NOT_FOUND)
    await post(client, {"query": CONTEXT, **persisted(sha256(CONTEXT))})
    await post(client, {"query": DELETE, "variables": {"id": "7"}, **persisted(sha256(DELETE))})
    assert len(wethod.asked) == 1
    found = await get(client, {"operationName": "Context", "variables": {}, **persisted(sha256(CONTEXT))})
    assert (found.status_code, found.json()) == (200, FOUND)
    deletion = await get(client, {"operationName": "Delete", "variables": {"id": "8"}, **persisted(sha256(DELETE))})
    assert (deletion.status_code, deletion.headers["allow"]) == (405, "POST")
    assert deletion.json() == refused("BAD_REQUEST", "A mutation must be sent by POST.")
    assert len(wethod.asked) == 1


MALFORMED = "The parameter extensions.persistedQuery must have a version, which is 1, and a sha256Hash."
NO_DIGEST = "The parameter extensions.persistedQuery.sha256Hash must be 64 hexadecimal digits in lower case."
OTHER_DIGEST = "The parameter extensions.persistedQuery.sha256Hash is not the query's hash."

REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "hash-of-another-text": ({"query": CONTEXT, **persisted(sha256(DELETE))}, OTHER_DIGEST),
    # A hash of the replacement character would let one text be stored under another's hash.
    "lone-surrogate": ({"query": "{__typename}#\ud800", **persisted(sha256("{__typename}#?"))}, OTHER_DIGEST),
    "upper-case": (persisted(sha256(CONTEXT).upper()), NO_DIGEST),
    "too-short": (persisted("ab"), NO_DIGEST),
    "not-ascii-digits": (persisted("\u0667" * 64), NO_DIGEST),
    "no-string": (persisted(7), MALFORMED),
    "no-hash": ({"extensions": {"persistedQuery": {"version": 1}}}, MALFORMED),
    "another-version": (persisted(sha256(CONTEXT), 2), MALFORMED),
    "null": ({"extensions": {"persistedQuery": None}}, MALFORMED),
    "list": ({"query": CONTEXT, "extensions": {"persistedQuery": [1]}}, MALFORMED),
    "empty": ({"extensions": {}}, "The parameter query is missing."),
}


@pytest.mark.parametrize(("parameters", "message"), REFUSED.values(), ids=REFUSED)
async def test_a_bad_hash_is_refused(client: GatewayClient, parameters: dict[str, object], message: str) -> None:
    content = json.dumps(parameters)  # the escapes of a lone surrogate are JSON
    response = await client.http.post(
        f"{client.url}/graphql", content=content, headers=HEADERS | {"Content-Type": "application/json"}
    )
    assert (response.status_code, response.json()) == (422, refused("BAD_REQUEST", message))


async def test_an_invalid_document_is_not_kept(client: GatewayClient) -> None:
    text = "{ nothing }"
    sent = await post(client, {"query": text, **persisted(sha256(text))})
    assert sent.json()["errors"][0]["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert (await post(client, persisted(sha256(text)))).json() == NOT_FOUND


@pytest.mark.parametrize("key", ["documentId", "doc_id"])
async def test_a_document_key_is_not_supported_without_a_manifest(client: GatewayClient, key: str) -> None:
    """Beside a text it is ignored, as every unknown key is."""
    for send in (post, get):
        alone = await send(client, {key: "abc"})
        assert alone.json() == refused("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")
        assert alone.status_code == 422
        assert (await send(client, {key: "abc", "query": CONTEXT})).json() == FOUND
    assert (await post(client, {key: None})).json() == refused("BAD_REQUEST", "The parameter query is missing.")
    assert (await post(client, {key: 7})).json() == refused(
        "BAD_REQUEST", f"The parameter {key} must be a string or null."
    )


async def test_the_least_recently_used_of_a_thousand_texts_is_evicted(wethod: Upstream) -> None:
    texts = [f"query Q{number} {{ __typename }}" for number in range(1_001)]
    async with gateway(wethod.url) as client:
        for number, text in enumerate(texts):
            await post(client, {"query": text, **persisted(sha256(text))})
            if number == 999:
                assert (await post(client, persisted(sha256(texts[0])))).status_code == 200
        statuses = [(await post(client, persisted(sha256(text)))).status_code for text in texts[:3]]
    assert statuses == [200, 422, 200]
