"""GraphQL over HTTP, draft of 2026-08: what a client sends, and the exact answer; nothing refused reaches Wethod."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from graphql import ExecutionResult, GraphQLError, OperationType, get_introspection_query

from app.graphql_http.endpoint import GraphQLEndpoint
from app.observability.telemetry import Telemetry
from app.server.lifecycle import Lifecycle
from app.settings import load
from app.wethod.caller import CallerReader
from app.wethod.executor import WethodClient
from tests.gateway import HEADERS, MUTATION, gateway, serve
from tests.upstream import answer, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.gateway import GatewayClient
    from tests.upstream import Upstream

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
TYPED = f"{GRAPHQL}; charset=utf-8"
DELETE = "mutation($id: ID!) { deleteContact(id: $id) { __typename } }"
CONTEXT = "{ wethodContext { company } }"


@pytest.fixture(scope="module")
async def running_wethod() -> AsyncIterator[Upstream]:
    """A Wethod that deletes whatever it is asked to."""
    async with upstream([answer(200)]) as running:
        yield running


@pytest.fixture(scope="module")
async def client(running_wethod: Upstream) -> AsyncIterator[GatewayClient]:
    """The gateway before it, with its defaults."""
    async with gateway(running_wethod.url) as running:
        yield running


@pytest.fixture
def wethod(running_wethod: Upstream) -> Upstream:
    """That Wethod, not yet asked by this test."""
    running_wethod.asked.clear()
    return running_wethod


def body(**parameters: object) -> bytes:
    """The body of a POST."""
    return json.dumps(parameters).encode()


NESTED = b"[" * 20_000 + b"]" * 20_000

# name: (body, status, code, part of the message)
REFUSED_BODIES: dict[str, tuple[bytes, int, str, str]] = {
    "empty": (b"", 400, "BAD_REQUEST", "is not JSON"),
    "not-json": (b"NONSENSE", 400, "BAD_REQUEST", "line 1, column 1"),
    "cut": (b'{"query": "{', 400, "BAD_REQUEST", "is not JSON"),
    "trailing-comma": (b'{"query": "{__typename}",}', 400, "BAD_REQUEST", "is not JSON"),
    "nan": (b'{"query": NaN}', 400, "BAD_REQUEST", "NaN is not JSON"),
    "infinity": (b'{"query": -Infinity}', 400, "BAD_REQUEST", "-Infinity is not JSON"),
    "invalid-utf-8": (b'{"query": "{__typename}\xff"}', 400, "BAD_REQUEST", "byte 23 is not UTF-8"),
    "byte-order-mark": (b'\xef\xbb\xbf{"query": "{__typename}"}', 400, "BAD_REQUEST", "byte order mark"),
    "utf-16": ('{"query": "{__typename}"}'.encode("utf-16"), 400, "BAD_REQUEST", "is not UTF-8"),
    "nested-beyond-reason": (NESTED, 400, "BAD_REQUEST", "nested too deeply"),
    "null": (b"null", 422, "BAD_REQUEST", "no JSON object"),
    "string": (b'"{__typename}"', 422, "BAD_REQUEST", "no JSON object"),
    "number": (b"7", 422, "BAD_REQUEST", "no JSON object"),
    "batch": (b'[{"query": "{__typename}"}]', 422, "BAD_REQUEST", "a batch, which is not supported"),
    "no-query": (body(variables={}), 422, "BAD_REQUEST", "query is missing"),
    "query-null": (body(query=None), 422, "BAD_REQUEST", "query is missing"),
    "query-number": (body(query=7), 422, "BAD_REQUEST", "query must be a string"),
    "operation-name-number": (body(query=CONTEXT, operationName=7), 422, "BAD_REQUEST", "operationName must be"),
    "variables-string": (body(query=CONTEXT, variables="{}"), 422, "BAD_REQUEST", "variables must be an object"),
    "variables-list": (body(query=CONTEXT, variables=[7]), 422, "BAD_REQUEST", "variables must be an object"),
    "extensions-list": (body(query=CONTEXT, extensions=[]), 422, "BAD_REQUEST", "extensions must be an object"),
    "document-empty": (body(query=""), 400, "GRAPHQL_PARSE_FAILED", "Unexpected <EOF>"),
    "document-broken": (body(query="mutation {"), 400, "GRAPHQL_PARSE_FAILED", "Expected Name, found <EOF>"),
    "empty-selection-set": (
        body(query="mutation { deleteContact(id: 1) {} }"),
        400,
        "GRAPHQL_PARSE_FAILED",
        "Expected Name, found '}'",
    ),
    "unknown-field": (body(query="{ nothing }"), 422, "GRAPHQL_VALIDATION_FAILED", "Cannot query field 'nothing'"),
    "no-operation": (
        body(query="fragment F on Query { __typename }"),
        422,
        "GRAPHQL_VALIDATION_FAILED",
        "Fragment 'F' is never used",
    ),
    "several-operations-and-no-name": (
        body(query='mutation A { deleteContact(id: "1") { __typename } } query B { __typename }'),
        422,
        "OPERATION_RESOLUTION_FAILURE",
        "name one by operationName",
    ),
    "unknown-operation": (
        body(query='mutation A { deleteContact(id: "1") { __typename } }', operationName="B"),
        422,
        "OPERATION_RESOLUTION_FAILURE",
        "no operation of the name",
    ),
    "entities": (
        body(query="{ _entities(representations: []) { __typename } }"),
        422,
        "GRAPHQL_VALIDATION_FAILED",
        "Cannot query field '_entities'",
    ),
    "introspection-where-it-is-off": (
        body(query="{ __schema { queryType { name } } }"),
        422,
        "GRAPHQL_VALIDATION_FAILED",
        "introspection has been disabled",
    ),
    "subscription": (body(query="subscription { x }"), 422, "GRAPHQL_VALIDATION_FAILED", "subscription"),
    # --- an id is a string or an integer, whatever else the number means
    **{
        f"id-variable-{name}": (
            b'{"query": ' + json.dumps(DELETE).encode() + b', "variables": {"id": ' + value + b"}}",
            422,
            "BAD_USER_INPUT",
            "ID",
        )
        for name, value in {
            "float": b"9007199254740993.0",
            "exponent": b"1e3",
            "fraction": b"1.5",
            "beyond-a-float": b"1e999",
            "true": b"true",
            "list": b'["1"]',
            "object": b'{"a": 1}',
        }.items()
    },
    "id-variable-null": (body(query=DELETE, variables={"id": None}), 422, "BAD_USER_INPUT", "of non-null type 'ID!'"),
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
async def test_a_bad_request_is_a_clear_4xx(
    client: GatewayClient, wethod: Upstream, content: bytes, status: int, code: str, message: str, accept: str
) -> None:
    """Never a 5xx, always the response shape of GraphQL, and nothing is sent to Wethod."""
    response = await client.http.post(
        f"{client.url}/graphql", content=content, headers=HEADERS | {"Content-Type": JSON, "Accept": accept}
    )
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == TYPED
    assert list(response.json()) == ["errors"]
    for error in response.json()["errors"]:
        assert error["extensions"] == {"code": code}
        assert set(error) <= {"message", "locations", "path", "extensions"}
    assert message in response.json()["errors"][0]["message"]
    assert wethod.asked == []


async def test_a_hundred_thousand_levels_are_a_clear_4xx(wethod: Upstream) -> None:
    """Also where the limit on bodies lets them in."""
    async with gateway(wethod.url, {"GATEWAY_MAX_BODY_BYTES": "1000000"}) as client:
        for content in (b"[" * 100_000, b'{"a":' * 100_000, b'{"query": "q", "variables": {"id":' + b"[" * 100_000):
            response = await client.http.post(
                f"{client.url}/graphql", content=content, headers=HEADERS | {"Content-Type": JSON}
            )
            assert response.status_code == 400
            assert response.json()["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


# name: (method, headers, status, code, further headers of the answer)
REFUSED_REQUESTS: dict[str, tuple[str, dict[str, str], int, str, dict[str, str]]] = {
    **{
        f"method-{method.lower()}": (method, {"Content-Type": JSON}, 405, "BAD_REQUEST", {"allow": "GET, HEAD, POST"})
        for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
    },
    "content-encoding": (
        "POST",
        {"Content-Type": JSON, "Content-Encoding": "gzip"},
        415,
        "BAD_REQUEST",
        {"accept-encoding": "identity"},
    ),
    **{
        f"accept-{value}": ("POST", {"Content-Type": JSON, "Accept": value}, 406, "BAD_REQUEST", {})
        for value in ("text/html", "image/png", "application/json;q=0", "*/*;q=0", "application/xml, text/*")
    },
}


@pytest.mark.parametrize(
    ("method", "headers", "status", "code", "more"), REFUSED_REQUESTS.values(), ids=REFUSED_REQUESTS
)
async def test_what_http_refuses(
    client: GatewayClient,
    wethod: Upstream,
    method: str,
    headers: dict[str, str],
    status: int,
    code: str,
    more: dict[str, str],
) -> None:
    """Method, media types and encodings: each with the status and the header that HTTP asks for."""
    given = {name: value for name, value in ({"Accept": JSON} | headers).items() if value}
    response = await client.http.request(
        method, f"{client.url}/graphql", content=body(query=MUTATION, variables={"id": "7"}), headers=given
    )
    assert response.status_code == status
    assert response.headers["content-type"] == TYPED
    assert [error["extensions"] for error in response.json()["errors"]] == [{"code": code}]
    assert {name: response.headers.get(name) for name in more} == more
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["vary"] == "Accept, Origin"
    assert wethod.asked == []


ACCEPTED = {
    "": JSON,
    "*/*": JSON,
    "application/*": JSON,
    "application/json": JSON,
    "APPLICATION/JSON": JSON,
    "application/json; charset=utf-8": JSON,
    "application/graphql-response+json": GRAPHQL,
    "application/graphql-response+json, application/json;q=0.9": GRAPHQL,
    "application/graphql-response+json;q=0.5, application/json": JSON,
    "application/json;q=0.5, application/graphql-response+json;q=0.6": GRAPHQL,
    "application/graphql-response+json, application/json": GRAPHQL,
    "application/json, application/graphql-response+json": JSON,
    "application/json;q=0, */*": GRAPHQL,
    "*/*;q=0.1, application/graphql-response+json;q=0.2": GRAPHQL,
    "text/html, */*;q=0.8": JSON,
    "application/json;q=nonsense, application/graphql-response+json": GRAPHQL,
    "application/json;q=2, application/graphql-response+json;q=0.1": GRAPHQL,
    ",,application/graphql-response+json,": GRAPHQL,
}


@pytest.mark.parametrize(("accept", "media_type"), ACCEPTED.items())
async def test_the_media_type_is_negotiated(client: GatewayClient, accept: str, media_type: str) -> None:
    """Quality first, then precision, then the client's own order; without any, application/json."""
    request = client.http.build_request("POST", f"{client.url}/graphql", json={"query": CONTEXT})
    del request.headers["accept"]
    if accept:
        request.headers["accept"] = accept
    response = await client.http.send(request)
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["vary"] == "Accept, Origin"


async def test_several_accept_fields_are_one_list(client: GatewayClient) -> None:
    """RFC 9110 section 5.3."""
    response = await client.http.post(
        f"{client.url}/graphql",
        json={"query": CONTEXT},
        headers=[("Accept", "image/png"), ("Accept", "application/graphql-response+json")],
    )
    assert response.headers["content-type"] == TYPED


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
    "unknown-parameter": ("query=%7B__typename%7D&cache=1&%ff=2", 400, "BAD_REQUEST"),
    "ignored-parameter": ("query=%7B__typename%7D&cache=1&cache=2", 200, {"data": {"__typename": "Query"}}),
    "no-query": ("", 422, "BAD_REQUEST"),
    "repeated": ("query=%7B__typename%7D&query=%7B__typename%7D", 422, "BAD_REQUEST"),
    "variables-not-json": ("query=%7B__typename%7D&variables=%7B", 400, "BAD_REQUEST"),
    "variables-a-list": ("query=%7B__typename%7D&variables=%5B%5D", 422, "BAD_REQUEST"),
    "not-utf-8": ("query=%ff", 400, "BAD_REQUEST"),
    "mutation": ("query=mutation%7BdeleteContact(id:1)%7B__typename%7D%7D", 405, "BAD_REQUEST"),
    "mutation-by-name": (
        "query=query+A%7B__typename%7D+mutation+B%7BdeleteContact(id:1)%7B__typename%7D%7D&operationName=B",
        405,
        "BAD_REQUEST",
    ),
}


@pytest.mark.parametrize(("query_string", "status", "expected"), GETS.values(), ids=GETS)
async def test_queries_may_be_asked_by_get(
    client: GatewayClient, wethod: Upstream, query_string: str, status: int, expected: object
) -> None:
    """A query by GET is answered, a mutation is refused with the method that it needs."""
    response = await client.http.get(f"{client.url}/graphql?{query_string}", headers=HEADERS)
    assert response.status_code == status, response.text
    if status == 200:
        assert response.json() == expected
    else:
        assert response.json()["errors"][0]["extensions"] == {"code": expected}
    if status == 405:
        assert response.headers["allow"] == "POST"
    assert wethod.asked == []


async def test_head_is_a_get_without_a_body(client: GatewayClient) -> None:
    """RFC 9110 section 9.3.2."""
    response = await client.http.head(f"{client.url}/graphql?query=%7B__typename%7D")
    assert (response.status_code, response.content) == (200, b"")


async def test_unknown_keys_are_ignored(client: GatewayClient) -> None:
    """What a client adds for its own sake does no harm."""
    response = await client.graphql(CONTEXT, operationName=None, extensions=None, id=7, debug={"a": [1]})
    assert response.json() == {"data": {"wethodContext": {"company": "acme"}}}


async def test_of_duplicate_keys_the_last_one_wins(client: GatewayClient, wethod: Upstream) -> None:
    """At every level alike, so that no two readers of one body disagree."""
    content = (
        b'{"query": "{ __typename }", "variables": {"id": "1"}, "query": '
        + json.dumps(DELETE).encode()
        + b', "variables": {"id": "2", "id": "3"}}'
    )
    response = await client.http.post(
        f"{client.url}/graphql", content=content, headers=HEADERS | {"Content-Type": JSON}
    )
    assert response.json() == {"data": {"deleteContact": {"__typename": "DeleteContactSuccess"}}}
    assert [asked.target for asked in wethod.asked] == ["/api/contact/3"]


@pytest.mark.parametrize(
    ("value", "sent"),
    [(b"7", "7"), (b'"7"', "7"), (b"9007199254740993", "9007199254740993"), (b"9223372036854775807", str(2**63 - 1))],
    ids=["integer", "string", "beyond-a-double", "the-largest"],
)
async def test_an_integer_id_is_taken_by_its_digits(
    client: GatewayClient, wethod: Upstream, value: bytes, sent: str
) -> None:
    """No digit is lost on the way from the JSON to the request target."""
    content = b'{"query": ' + json.dumps(DELETE).encode() + b', "variables": {"id": ' + value + b"}}"
    await client.http.post(f"{client.url}/graphql", content=content, headers=HEADERS | {"Content-Type": JSON})
    await client.graphql(f"mutation {{ deleteContact(id: {value.decode()}) {{ __typename }} }}")
    assert [asked.target for asked in wethod.asked] == [f"/api/contact/{sent}"] * 2


SIX_CONTEXTS = "{" + " ".join(f"c{i}: wethodContext {{ ...F }}" for i in range(6)) + " "

LIMITS: dict[str, tuple[dict[str, str], bytes, bytes, int]] = {
    "body": (
        {"GATEWAY_MAX_BODY_BYTES": "2048"},
        body(query="{__typename}").ljust(2048),
        body(query="{__typename}").ljust(2049),
        413,
    ),
    "tokens": (
        {"GATEWAY_MAX_TOKENS": "20"},
        body(query="{" + "__typename " * 18 + "}"),
        body(query="{" + "__typename " * 19 + "}"),
        422,
    ),
    "comments": (
        {"GATEWAY_MAX_TOKENS": "20"},
        body(query="#\n" * 20 + "{__typename}"),
        body(query="#\n" * 21 + "{__typename}"),
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
        {"GATEWAY_MAX_DEPTH": "2"},
        body(query="{ ...A } fragment A on Query { wethodContext { ...B } } fragment B on WethodContext { company }"),
        body(
            query="{ ...A } fragment A on Query { wethodContext { ...B } } "
            "fragment B on WethodContext { failures { field } }"
        ),
        422,
    ),
    "depth-of-inline-fragments": (
        {},
        body(query="{" + "... {" * 150 + "__typename" + "}" * 151),
        body(query="{" + "... {" * 300 + "__typename" + "}" * 301),
        422,
    ),
    "sdl": (
        {"GATEWAY_MAX_ROOT_FIELDS": "4"},
        body(query="{ _service { ...F } b: _service { ...F } } fragment F on _Service { sdl ... { b: sdl } }"),
        body(query="{ _service { ...F } b: _service { ...F c: sdl } } fragment F on _Service { sdl ... { b: sdl } }"),
        422,
    ),
    "unfolded-selections": (
        {"GATEWAY_MAX_TOKENS": "100"},
        body(query=f"{SIX_CONTEXTS}{'__typename ' * 2}}} fragment F on WethodContext {{ {'company ' * 31} }}"),
        body(query=f"{SIX_CONTEXTS}{'__typename ' * 3}}} fragment F on WethodContext {{ {'company ' * 31} }}"),
        422,
    ),
}


@pytest.mark.parametrize(("environ", "accepted", "refused", "status"), LIMITS.values(), ids=LIMITS)
async def test_a_limit_accepts_the_last_and_refuses_the_next(
    wethod: Upstream, environ: dict[str, str], accepted: bytes, refused: bytes, status: int
) -> None:
    """Each limit: the request that is just accepted, and the one that is just refused."""
    async with gateway(wethod.url, environ) as client:
        responses = [
            await client.http.post(f"{client.url}/graphql", content=content, headers=HEADERS | {"Content-Type": JSON})
            for content in (accepted, refused)
        ]
    assert [response.status_code for response in responses] == [200, status]
    assert [error["extensions"] for error in responses[1].json()["errors"]] == [{"code": "LIMIT_EXCEEDED"}]
    assert wethod.asked == []


async def test_a_body_of_unknown_length_is_cut_off_at_the_limit(client: GatewayClient) -> None:
    """Chunked bodies are counted as they come."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield b" " * 1024

    response = await client.http.post(
        f"{client.url}/graphql", content=chunks(), headers=HEADERS | {"Content-Type": JSON}
    )
    assert response.status_code == 413
    assert response.headers["connection"] == "close"


async def test_introspection_counts_one_level(wethod: Upstream) -> None:
    """The explorer's own query is deep; it is let in where introspection is on."""
    async with gateway(wethod.url, {"GATEWAY_INTROSPECTION": "true", "GATEWAY_MAX_DEPTH": "2"}) as client:
        response = await client.graphql(get_introspection_query())
    assert response.status_code == 200
    assert response.json()["data"]["__schema"]["queryType"]["name"] == "Query"


SUGGESTIVE = {
    "field": "{ wethodContex { company } }",
    "argument": "mutation { deleteContact(di: 1) { __typename } }",
    "type": "fragment F on WethodContex { company } { __typename ...F }",
    "inline-type": "mutation { deleteContact(id: 1) { ... on WethodNotFoundErro { key } } }",
}


@pytest.mark.parametrize("introspection", ["true", "false"])
@pytest.mark.parametrize("query", SUGGESTIVE.values(), ids=SUGGESTIVE)
async def test_suggestions_go_with_introspection(wethod: Upstream, query: str, introspection: str) -> None:
    """Fields, arguments and types: nobody learns the schema by misspelling it where it is not shown."""
    async with gateway(wethod.url, {"GATEWAY_INTROSPECTION": introspection}) as client:
        response = await client.graphql(query)
    assert response.status_code == 422
    assert ("Did you mean" in response.text) == (introspection == "true"), response.text


async def test_service_is_there_without_introspection(client: GatewayClient) -> None:
    """Routers need it."""
    response = await client.graphql("{ _service { sdl } }")
    sdl = response.json()["data"]["_service"]["sdl"]
    assert '@link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])' in sdl


class FailingPlan:
    """A plan with a bug, which the schema itself gives no way to trigger."""

    operation = OperationType.QUERY

    def coerce(self, variables: object) -> Any:
        """Take anything."""
        return variables

    async def execute(self, variables: object, context: object) -> ExecutionResult:
        """Fail in one field, or altogether."""
        del context
        if variables:
            raise RuntimeError("hunter2")
        return ExecutionResult({"a": None, "b": 1}, [GraphQLError("hunter2", path=["a"], original_error=OSError("x"))])


class FailingOperations:
    """Finds that plan for everything."""

    def plan(self, request: object) -> FailingPlan:
        """The plan with the bug."""
        del request
        return FailingPlan()


class NoTransport:
    """Nothing is sent in these tests."""

    async def send(self, request: object) -> Any:
        """Fail the test."""
        raise AssertionError(request)

    async def aclose(self) -> None:
        """Nothing to close."""


def failing_endpoint() -> GraphQLEndpoint:
    """An endpoint all of whose operations have a bug."""
    settings = load({"GATEWAY_AUDIT_LOG": "off"})
    client = WethodClient(NoTransport(), settings, record=lambda _: None)
    callers = CallerReader(settings)
    return GraphQLEndpoint(
        client=client,
        callers=callers,
        operations=FailingOperations(),  # type: ignore[arg-type]  # only plan() is asked for
        settings=settings,
        page=None,
        telemetry=Telemetry(settings, audit_key=b"a key for tests only", lifecycle=Lifecycle()),
    )


@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 294), (JSON, 200)])
async def test_errors_beside_data_are_a_partial_success(accept: str, status: int) -> None:
    """294 for those who asked for the media type of GraphQL, 200 for the others; no word of what failed."""
    async with serve(failing_endpoint(), lifespan="off") as url, httpx.AsyncClient() as http:
        response = await http.post(url, json={"query": "{a}"}, headers={"Accept": accept})
    assert response.status_code == status
    assert response.headers["content-type"] == f"{accept}; charset=utf-8"
    assert response.json() == {
        "data": {"a": None, "b": 1},
        "errors": [
            {
                "message": "Internal server error.",
                "path": ["a"],
                "extensions": {"code": "INTERNAL_SERVER_ERROR"},
            }
        ],
    }


async def test_a_bug_is_masked() -> None:
    """No traceback, no message of an exception."""
    async with serve(failing_endpoint(), lifespan="off") as url, httpx.AsyncClient() as http:
        response = await http.post(url, json={"query": "{a}", "variables": {"b": 1}})
    assert response.status_code == 500
    assert response.headers["content-type"] == TYPED
    assert response.json() == {
        "errors": [{"message": "Internal server error.", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]
    }
