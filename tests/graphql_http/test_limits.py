"""Limits on a request, and the visible part of the schema without introspection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from graphql import get_introspection_query

from tests.gateway import HEADERS, gateway

if TYPE_CHECKING:
    from tests.gateway import GatewayClient
    from tests.upstream import Upstream

JSON = "application/json"


def body(**parameters: object) -> bytes:
    return json.dumps(parameters).encode()


CONTEXTS = "{" + " ".join(f"c{i}: wethodContext {{ ...F }}" for i in range(15)) + " "


def block_strings(lines: str) -> str:
    """Write two deletes, one of them with these line ends in its id."""
    return f"mutation {{ a: {delete('0')} b: {delete(f'a{lines}b')} }}"


def delete(contact_id: str) -> str:
    return f'deleteContact(id: """{contact_id}""") {{ __typename }}'


LIMITS: dict[str, tuple[dict[str, str], bytes, bytes, int]] = {
    "body": (
        {"GATEWAY_MAX_BODY_BYTES": "2048"},
        body(query="{__typename}").ljust(2048),
        body(query="{__typename}").ljust(2049),
        413,
    ),
    "tokens": (
        {"GATEWAY_MAX_TOKENS": "32"},
        body(query="{" + "a: __typename @skip(if: false) " * 3 + "}"),
        body(query="{" + "a: __typename @skip(if: false) " * 3 + "__typename }"),
        422,
    ),
    "fewest-tokens": (
        {"GATEWAY_MAX_TOKENS": "21"},
        body(query="{ _service { sdl } }"),
        body(query="{ _service { sdl __typename } }"),
        422,
    ),
    "selections": (
        {"GATEWAY_MAX_TOKENS": "100"},
        body(query="{ wethodContext {" + "company " * 27 + "} }"),
        body(query="{ wethodContext {" + "company " * 28 + "} }"),
        422,
    ),
    "root-fields": (
        {"GATEWAY_MAX_ROOT_FIELDS": "3"},
        body(query="{a: __typename ...F ...on Query { c: __typename }} fragment F on Query { b: __typename }"),
        body(query="{a: __typename ...F ...F b: __typename } fragment F on Query { b: __typename }"),
        422,
    ),
    "depth": (
        {"GATEWAY_MAX_DEPTH": "3"},
        body(query="{ wethodContext { failures { field } } }"),
        body(query="mutation { deleteContact(id: 0) { ... on WethodError { response { headers { name } } } } }"),
        422,
    ),
    "depth-through-fragments": (
        {"GATEWAY_MAX_DEPTH": "3"},
        body(
            query="{ ...A } fragment A on Query { wethodContext { ...B } } "
            "fragment B on WethodContext { failures { field } }"
        ),
        body(
            query="mutation { ...A } fragment A on Mutation { deleteContact(id: 0) { ...B } } "
            "fragment B on WethodError { response { headers { name } } }"
        ),
        422,
    ),
    "depth-of-inline-fragments": (
        {},
        body(query="{" + "... {" * 150 + "__typename" + "}" * 151),
        body(query="{" + "... {" * 300 + "__typename" + "}" * 301),
        422,
    ),
    "lines-of-block-strings": (
        {},
        body(query=block_strings("\n" * 499)),
        body(query=block_strings("\n" * 500)),
        422,
    ),
    "lines-of-block-strings-crlf": (
        {},
        body(query=block_strings("\r\n" * 499)),
        body(query=block_strings("\r\n" * 500)),
        422,
    ),
    "sdl": (
        {"GATEWAY_MAX_ROOT_FIELDS": "4"},
        body(query="{ _service { ...F } b: _service { ...F } } fragment F on _Service { sdl ... { b: sdl } }"),
        body(query="{ _service { ...F } b: _service { ...F c: sdl } } fragment F on _Service { sdl ... { b: sdl } }"),
        422,
    ),
    "unfolded-selections": (
        {"GATEWAY_MAX_TOKENS": "300"},
        body(query=f"{CONTEXTS}}} fragment F on WethodContext {{ {'company ' * 38} }}"),
        body(query=f"{CONTEXTS}__typename }} fragment F on WethodContext {{ {'company ' * 38} }}"),
        422,
    ),
}


@pytest.mark.parametrize(("environ", "accepted", "refused", "status"), LIMITS.values(), ids=LIMITS)
async def test_a_limit_accepts_the_last_and_refuses_the_next(
    wethod: Upstream, environ: dict[str, str], accepted: bytes, refused: bytes, status: int
) -> None:
    async with gateway(wethod.url, environ) as client:
        responses = [
            await client.http.post(f"{client.url}/graphql", content=content, headers=HEADERS | {"Content-Type": JSON})
            for content in (accepted, refused)
        ]
    assert [response.status_code for response in responses] == [200, status]
    assert [error["extensions"] for error in responses[1].json()["errors"]] == [{"code": "LIMIT_EXCEEDED"}]
    assert wethod.asked == []


async def test_introspection_counts_as_one_level_and_may_be_selected_only_once(wethod: Upstream) -> None:
    """The query of GraphiQL is deep."""
    async with gateway(wethod.url, {"GATEWAY_INTROSPECTION": "true", "GATEWAY_MAX_DEPTH": "3"}) as client:
        response = await client.graphql(get_introspection_query())
        again = await client.graphql('{ __schema { __typename } __type(name: "ID") { name } }')
    assert response.status_code == 200
    assert response.json()["data"]["__schema"]["queryType"]["name"] == "Query"
    (refused,) = again.json()["errors"]
    assert refused["message"] == "The operation selects __schema and __type more than once."


SUGGESTIVE = {
    "field": "{ wethodContex { company } }",
    "argument": "mutation { deleteContact(di: 1) { __typename } }",
    "type": "fragment F on WethodContex { company } { __typename ...F }",
    "inline-type": "mutation { deleteContact(id: 1) { ... on WethodNotFoundErro { key } } }",
}


@pytest.mark.parametrize("introspection", ["true", "false"])
@pytest.mark.parametrize("query", SUGGESTIVE.values(), ids=SUGGESTIVE)
async def test_suggestions_are_off_without_introspection(wethod: Upstream, query: str, introspection: str) -> None:
    """A misspelling must not reveal a hidden schema."""
    async with gateway(wethod.url, {"GATEWAY_INTROSPECTION": introspection}) as client:
        response = await client.graphql(query)
    assert response.status_code == 422
    assert ("Did you mean" in response.text) == (introspection == "true"), response.text


async def test_the_sdl_is_served_without_introspection(client: GatewayClient) -> None:
    response = await client.graphql("{ _service { sdl } }")
    sdl = response.json()["data"]["_service"]["sdl"]
    assert '@link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key"])' in sdl
