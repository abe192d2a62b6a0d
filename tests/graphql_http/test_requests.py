"""Refused requests, each with its exact status and code, and requests that are read without loss."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.execution.request_error import RequestError
from app.graphql_http.request import parse_body
from tests.gateway import HEADERS, MUTATION, gateway
from tests.server.serving import connect

if TYPE_CHECKING:
    import httpx

    from tests.gateway import GatewayClient
    from tests.upstream import Upstream

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
TYPED = "application/graphql-response+json; charset=utf-8"
DELETE = "mutation($id: ID!) { deleteContact(id: $id) { __typename } }"
CONTEXT = "{ wethodContext { company } }"


def body(**parameters: object) -> bytes:
    return json.dumps(parameters).encode()


def delete_of(contact_id: bytes) -> bytes:
    """Return a request that deletes a contact whose id is given in JSON."""
    return b'{"query": ' + json.dumps(DELETE).encode() + b', "variables": {"id": ' + contact_id + b"}}"


async def post(client: GatewayClient, content: bytes, **headers: str) -> httpx.Response:
    """Send a body as it is."""
    usual = HEADERS | {"Content-Type": JSON}
    return await client.http.post(f"{client.url}/graphql", content=content, headers=usual | headers)


# name: (body, status, code, part of the message); tests/attack has more
REFUSED_BODIES: dict[str, tuple[bytes, int, str, str]] = {
    "cut": (b'{"query": "{', 400, "BAD_REQUEST", "is not JSON"),
    "trailing-comma": (b'{"query": "{__typename}",}', 400, "BAD_REQUEST", "is not JSON"),
    "infinity": (b'{"query": -Infinity}', 400, "BAD_REQUEST", "-Infinity is not JSON"),
    "string": (b'"{__typename}"', 422, "BAD_REQUEST", "no JSON object"),
    "number": (b"7", 422, "BAD_REQUEST", "no JSON object"),
    "no-query": (body(variables={}), 422, "BAD_REQUEST", "query is missing"),
    "query-null": (body(query=None), 422, "BAD_REQUEST", "query is missing"),
    "query-number": (body(query=7), 422, "BAD_REQUEST", "query must be a string"),
    "operation-name-number": (body(query=CONTEXT, operationName=7), 422, "BAD_REQUEST", "operationName must be"),
    **{
        f"{name}-long-number": (
            b'{"query": "{__typename}", "%b": %b}' % (name.encode(), b"1" * 4_301),
            422,
            "BAD_REQUEST",
            f"{name} must be a string",
        )
        for name in ("query", "operationName", "documentId", "doc_id")
    },
    "variables-string": (body(query=CONTEXT, variables="{}"), 422, "BAD_REQUEST", "variables must be an object"),
    "variables-list": (body(query=CONTEXT, variables=[7]), 422, "BAD_REQUEST", "variables must be an object"),
    **{
        f"{name}-surrogate": (body(query=CONTEXT, **{name: "\ud800"}), 422, "BAD_REQUEST", f"{name} must be an object")
        for name in ("variables", "extensions")
    },
    "extensions-list": (body(query=CONTEXT, extensions=[]), 422, "BAD_REQUEST", "extensions must be an object"),
    "document-empty": (body(query=""), 400, "GRAPHQL_PARSE_FAILED", "Unexpected <EOF>"),
    "empty-selection-set": (
        body(query="mutation { deleteContact(id: 1) {} }"),
        400,
        "GRAPHQL_PARSE_FAILED",
        "Expected Name, found '}'",
    ),
    "document-with-the-message-of-a-limit": (
        body(query='{ a "nested too deeply" }'),
        400,
        "GRAPHQL_PARSE_FAILED",
        "found String 'nested too deeply'",
    ),
    "unknown-field": (body(query="{ nothing }"), 422, "GRAPHQL_VALIDATION_FAILED", "Cannot query field 'nothing'"),
    "no-operation": (
        body(query="fragment F on Query { __typename }"),
        422,
        "GRAPHQL_VALIDATION_FAILED",
        "Fragment 'F' is never used",
    ),
    "unknown-operation": (
        body(query='mutation A { deleteContact(id: "1") { __typename } }', operationName="B"),
        422,
        "OPERATION_RESOLUTION_FAILURE",
        "no operation of the name",
    ),
    # --- an id is a string or an integer
    **{
        f"id-variable-{name}": (delete_of(value), 422, "BAD_USER_INPUT", "ID")
        for name, value in {"fraction": b"1.5", "beyond-a-float": b"1e999", "true": b"true"}.items()
    },
    "id-variable-null": (body(query=DELETE, variables={"id": None}), 422, "BAD_USER_INPUT", "of non-null type 'ID!'"),
    "id-variable-null-for-a-default": (
        body(query='mutation($id: ID = "5") { deleteContact(id: $id) { __typename } }', variables={"id": None}),
        422,
        "BAD_USER_INPUT",
        "Variable '$id' must not be null where the operation uses it.",
    ),
    "id-variable-absent": (body(query=DELETE), 422, "BAD_USER_INPUT", "of non-null type 'ID!'"),
    **{
        f"id-literal-{name}": (
            body(query=f"mutation {{ deleteContact(id: {value}) {{ __typename }} }}"),
            422,
            "GRAPHQL_VALIDATION_FAILED",
            "ID",
        )
        for name, value in {
            "float": "9007199254740993.0",
            "exponent": "1e3",
            "true": "true",
            "enum": "one",
            "list": '["1"]',
            "null": "null",
        }.items()
    },
}


@pytest.mark.parametrize(("content", "status", "code", "message"), REFUSED_BODIES.values(), ids=REFUSED_BODIES)
@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
async def test_a_bad_request_is_a_4xx_with_a_code(
    client: GatewayClient, wethod: Upstream, content: bytes, status: int, code: str, message: str, accept: str
) -> None:
    """The body is GraphQL's, and nothing is sent to Wethod."""
    response = await post(client, content, Accept=accept)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == TYPED
    assert list(response.json()) == ["errors"]
    for error in response.json()["errors"]:
        assert error["extensions"] == {"code": code}
        assert set(error) <= {"message", "locations", "path", "extensions"}
    assert message in response.json()["errors"][0]["message"]
    assert wethod.asked == []


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Content-Type": 'application/json; charset="utf-8"'}, id="charset-in-quotes"),
        pytest.param({"Content-Encoding": "identity"}, id="encoding-identity"),
    ],
)
async def test_the_headers_of_a_body_have_several_forms(client: GatewayClient, headers: dict[str, str]) -> None:
    response = await post(client, body(query=CONTEXT), **headers)
    assert (response.status_code, response.json()) == (200, {"data": {"wethodContext": {"company": "acme"}}})


async def test_a_second_content_type_is_refused_although_it_could_be_a_parameter(
    client: GatewayClient, wethod: Upstream
) -> None:
    """A page may send ``text/plain`` without a preflight. tests/attack has more."""
    types = [("Content-Type", "application/json;x=1"), ("Content-Type", "text/plain")]
    content = body(query=MUTATION, variables={"id": "7"})
    response = await client.http.post(f"{client.url}/graphql", content=content, headers=[*HEADERS.items(), *types])
    assert response.status_code == 415
    assert wethod.asked == []


TEXTS = st.text(st.characters(), max_size=5)  # with lone surrogates
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(TEXTS, values, max_size=3),
    max_leaves=5,
)
NAMES_OF_TEXTS = st.sampled_from(["query", "operationName", "documentId", "doc_id"])
NAMES_OF_OBJECTS = st.sampled_from(["variables", "extensions"])
PARAMETERS = st.one_of(
    st.tuples(NAMES_OF_TEXTS, TEXTS),
    st.tuples(NAMES_OF_OBJECTS, st.dictionaries(TEXTS, VALUES, max_size=2)),
    st.tuples(NAMES_OF_TEXTS | NAMES_OF_OBJECTS | TEXTS, VALUES),
)


def parsed(content: bytes) -> str:
    """Return the request in a body, or its refusal."""
    try:
        return repr(parse_body(content))
    except RequestError as error:
        return f"{type(error).__name__} {error.code} {[each.message for each in error.errors]}"


@given(parameters=st.lists(PARAMETERS, max_size=4))
def test_a_body_that_is_not_ascii_is_the_same_request(parameters: list[tuple[str, object]]) -> None:
    """Text in ASCII is decoded at once. Names may be repeated."""
    pairs = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in parameters]
    ascii_only = ", ".join(['"e": 0', *pairs]).join("{}").encode("ascii")
    assert parsed(ascii_only.replace(b'"e"', '"é"'.encode(), 1)) == parsed(ascii_only)


async def test_deep_json_is_a_400_under_a_larger_body_limit(wethod: Upstream) -> None:
    async with gateway(wethod.url, {"GATEWAY_MAX_BODY_BYTES": "1000000"}) as client:
        for content in (b"[" * 100_000, b'{"a":' * 100_000, b'{"query": "q", "variables": {"id":' + b"[" * 100_000):
            response = await post(client, content)
            assert response.status_code == 400
            assert response.json()["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


@pytest.mark.parametrize(
    "accept", ["text/html", "image/png", "application/json;q=0", "*/*;q=0", "application/xml, text/*"]
)
async def test_a_request_for_another_media_type_is_a_406(client: GatewayClient, wethod: Upstream, accept: str) -> None:
    response = await post(client, body(query=MUTATION, variables={"id": "7"}), Accept=accept)
    assert response.status_code == 406
    assert response.headers["content-type"] == TYPED
    assert [error["extensions"] for error in response.json()["errors"]] == [{"code": "BAD_REQUEST"}]
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["vary"] == "Accept, Origin"
    assert wethod.asked == []


# name: (query string, status, the answer or its code); tests/attack has mutations
GETS: dict[str, tuple[str, int, object]] = {
    "query": ("query=%7BwethodContext%7Bversion%7D%7D", 200, {"data": {"wethodContext": {"version": "2024-06-15"}}}),
    "plus-is-a-space": ("query=query+A+%7B+__typename+%7D", 200, {"data": {"__typename": "Query"}}),
    "operation-name": (
        "query=query+A%7Ba:__typename%7D+query+B%7Bb:__typename%7D&operationName=B",
        200,
        {"data": {"b": "Query"}},
    ),
    "empty-operation-name": ("query=%7B__typename%7D&operationName=", 200, {"data": {"__typename": "Query"}}),
    "variables": (
        "query=query($a:Boolean!)%7B__typename+@include(if:$a)%7D&variables=%7B%22a%22:false%7D",
        200,
        {"data": {}},
    ),
    "empty-variables": ("query=%7B__typename%7D&variables=&extensions=", 200, {"data": {"__typename": "Query"}}),
    "unknown-parameter": ("query=%7B__typename%7D&cache=1&cache=2", 200, {"data": {"__typename": "Query"}}),
    "unknown-value-not-utf-8": ("query=%7B__typename%7D&cache=%ff", 200, {"data": {"__typename": "Query"}}),
    "unknown-name-not-utf-8": ("query=%7B__typename%7D&%ff=1&%ff=2", 200, {"data": {"__typename": "Query"}}),
    "encoded-name": ("%71uery=%7B__typename%7D", 200, {"data": {"__typename": "Query"}}),
    "a-hundred-parameters": (f"query=%7B__typename%7D{'&a' * 99}", 200, {"data": {"__typename": "Query"}}),
    "more-parameters": (f"query=%7B__typename%7D{'&a' * 100}", 422, "LIMIT_EXCEEDED"),
    "no-query": ("", 422, "BAD_REQUEST"),
    "repeated": ("query=%7B__typename%7D&query=%7B__typename%7D", 422, "BAD_REQUEST"),
    "variables-not-json": ("query=%7B__typename%7D&variables=%7B", 400, "BAD_REQUEST"),
    "variables-a-list": ("query=%7B__typename%7D&variables=%5B%5D", 422, "BAD_REQUEST"),
    "variables-a-surrogate": ("query=%7B__typename%7D&variables=%22%5Cud800%22", 422, "BAD_REQUEST"),
    "not-utf-8": ("query=%ff", 400, "BAD_REQUEST"),
}


@pytest.mark.parametrize(("query_string", "status", "expected"), GETS.values(), ids=GETS)
async def test_queries_run_by_get(client: GatewayClient, query_string: str, status: int, expected: object) -> None:
    response = await client.http.get(f"{client.url}/graphql?{query_string}", headers=HEADERS)
    assert response.status_code == status, response.text
    if status == 200:
        assert response.json() == expected
    else:
        assert response.json()["errors"][0]["extensions"] == {"code": expected}


async def test_head_is_a_get_without_a_body(client: GatewayClient) -> None:
    """RFC 9110 section 9.3.2."""
    response = await client.http.head(f"{client.url}/graphql?query=%7B__typename%7D")
    assert (response.status_code, response.content) == (200, b"")


async def test_the_length_of_a_body_may_have_leading_zeros(client: GatewayClient) -> None:
    """RFC 9110 section 8.6. Python converts at most 4,300 digits."""
    content = body(query=CONTEXT)
    lines = [
        b"POST /graphql HTTP/1.1",
        *(f"{name}: {value}".encode() for name, value in HEADERS.items()),
        b"Host: test",
        b"Content-Type: application/json",
        b"Content-Length: " + b"0" * 5_000 + b"%d" % len(content),
    ]
    async with connect(int(client.url.rpartition(":")[2])) as raw:
        await raw.send(b"\r\n".join(lines) + b"\r\n\r\n" + content)
        answer = await raw.answer()
    assert answer.json == {"data": {"wethodContext": {"company": "acme"}}}


async def test_unknown_keys_are_ignored(client: GatewayClient) -> None:
    unknown: dict[str, object] = {"id": 7, "debug": {"a": [1]}, "\ud800": "\ud800"}
    response = await post(client, body(query=CONTEXT, operationName=None, extensions=None, **unknown))
    assert response.json() == {"data": {"wethodContext": {"company": "acme"}}}


async def test_the_last_of_duplicate_keys_counts(client: GatewayClient, wethod: Upstream) -> None:
    """At every level, so that all parsers of one body agree."""
    content = (
        b'{"query": "{ __typename }", "variables": {"id": "1"}, "query": '
        + json.dumps(DELETE).encode()
        + b', "variables": {"id": "2", "id": "3"}}'
    )
    response = await post(client, content)
    assert response.json() == {"data": {"deleteContact": {"__typename": "DeleteContactSuccess"}}}
    assert [asked.target for asked in wethod.asked] == ["/api/contact/3"]


@pytest.mark.parametrize(
    ("value", "sent"),
    [(b"7", "7"), (b'"7"', "7"), (b"9007199254740993", "9007199254740993"), (b"9223372036854775807", str(2**63 - 1))],
    ids=["integer", "string", "beyond-a-double", "the-largest"],
)
async def test_an_integer_id_keeps_every_digit(
    client: GatewayClient, wethod: Upstream, value: bytes, sent: str
) -> None:
    await post(client, delete_of(value))
    await client.graphql(f"mutation {{ deleteContact(id: {value.decode()}) {{ __typename }} }}")
    assert [asked.target for asked in wethod.asked] == [f"/api/contact/{sent}"] * 2
