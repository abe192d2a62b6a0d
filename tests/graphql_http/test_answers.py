"""Answers: headers, partial success, failures in the gateway, and the observer's notifications."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from graphql import ExecutionResult, FieldNode, GraphQLError, OperationDefinitionNode, parse

from app.explorer.page import STATIC
from tests.gateway import gateway, serve
from tests.graphql_http.endpoints import Recorder, make_endpoint
from tests.upstream import answer, upstream

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Message


JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
TYPED = f"{GRAPHQL}; charset=utf-8"
QUERY = {"query": "{ __typename }"}
INTERNAL = {"message": "Internal server error.", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}

# Each row is a method, a path, a body, headers, and the status.
REQUESTS: dict[str, tuple[str, str, object, dict[str, str], int]] = {
    "data": ("POST", "/graphql", QUERY, {}, 200),
    "trailing-slash": ("POST", "/graphql/", QUERY, {}, 200),
    "get": ("GET", "/graphql?query=%7B__typename%7D", None, {}, 200),
    "page": ("GET", "/graphql", None, {"Accept": "text/html"}, 200 if STATIC.is_dir() else 501),
    "not-valid": ("POST", "/graphql", {"query": "{ nothing }"}, {}, 422),
    "method": ("DELETE", "/graphql", None, {}, 405),
    "options": ("OPTIONS", "/graphql", None, {}, 405),
    "not-acceptable": ("POST", "/graphql", QUERY, {"Accept": "image/png"}, 406),
    "too-large": ("POST", "/graphql", {"query": " " * 70_000}, {}, 413),
    "media-type": ("POST", "/graphql", None, {"Content-Type": "text/plain"}, 415),
}


@pytest.mark.parametrize(("method", "path", "body", "headers", "status"), REQUESTS.values(), ids=REQUESTS)
async def test_every_answer_carries_the_common_headers(
    method: str, path: str, body: object, headers: dict[str, str], status: int
) -> None:
    async with gateway("http://127.0.0.1:1", {"GATEWAY_GRAPHIQL": "true"}) as client:
        response = await client.http.request(
            method, f"{client.url}{path}", json=body, headers={"X-Request-ID": "mine-1", "Accept": JSON, **headers}
        )
    assert response.status_code == status
    assert {
        name: response.headers.get_list(name)
        for name in ("cache-control", "vary", "x-content-type-options", "x-request-id")
    } == {
        "cache-control": ["no-store"],
        "vary": ["Accept, Origin"],
        "x-content-type-options": ["nosniff"],
        "x-request-id": ["mine-1"],
    }


async def test_the_response_the_audit_and_wethod_have_the_same_request_id(tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    async with upstream([answer(200)]) as wethod:
        async with gateway(wethod.url, {"GATEWAY_AUDIT_LOG": str(audit)}) as client:
            response = await client.graphql('mutation { deleteContact(id: "7") { __typename } }')
        assert f'"requestId":"{response.headers["x-request-id"]}"' in audit.read_text(encoding="utf-8")
        assert wethod.asked[0].header("X-Request-ID") == response.headers["x-request-id"].encode()


@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 294), (JSON, 200)])
async def test_errors_beside_data_are_a_partial_success(accept: str, status: int) -> None:
    """294 for the media type of GraphQL, 200 for JSON. The error does not show the reason."""

    async def run() -> ExecutionResult:
        return ExecutionResult({"a": None, "b": 1}, [GraphQLError("hunter2", path=["a"], original_error=OSError("x"))])

    async with serve(make_endpoint(run)) as url, httpx.AsyncClient() as http:
        response = await http.post(url, json={"query": "{a}"}, headers={"Accept": accept})
    assert response.status_code == status
    assert response.headers["content-type"] == f"{accept}; charset=utf-8"
    assert response.json() == {"data": {"a": None, "b": 1}, "errors": [INTERNAL | {"path": ["a"]}]}


async def test_a_failed_field_logs_message_and_path_but_no_text_of_the_document(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A literal in a document may be personal data."""
    definition = parse('{ a(secret: "hunter2") }').definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    node = definition.selection_set.selections[0]
    assert isinstance(node, FieldNode)
    inner = GraphQLError("Cannot represent the value.", [node])

    async def run() -> ExecutionResult:
        errors = [GraphQLError(inner.message, [node], path=["a", 0], original_error=inner)]
        return ExecutionResult({"a": None}, [*errors, GraphQLError("A bug.", [node], original_error=OSError("x"))])

    async with serve(make_endpoint(run)) as url, httpx.AsyncClient() as http:
        await http.post(url, json={"query": "{a}"})
    assert [vars(record)["request_id"] for record in caplog.records if record.levelname == "ERROR"] == ["request-1"] * 2
    assert "Cannot represent the value. (path: a.0)" in caplog.text
    assert "OSError: x" in caplog.text
    assert "hunter2" not in caplog.text
    assert "secret" not in caplog.text


async def test_a_bug_is_masked_and_logged_with_the_id_of_its_request(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> ExecutionResult:
        raise RuntimeError("hunter2")

    async with serve(make_endpoint(run)) as url, httpx.AsyncClient() as http:
        response = await http.post(url, json={"query": "{a}"})
    assert response.status_code == 500
    assert response.headers["content-type"] == TYPED
    assert response.json() == {"errors": [INTERNAL]}
    (logged,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "RuntimeError: hunter2" in caplog.text
    assert vars(logged)["request_id"] == "request-1"


async def test_a_request_beyond_the_limit_is_a_503_and_not_read() -> None:
    entered, proceed = asyncio.Event(), asyncio.Event()
    observer = Recorder()

    async def run() -> ExecutionResult:
        entered.set()
        await proceed.wait()
        return ExecutionResult({"a": 1})

    endpoint = make_endpoint(run, observer=observer, max_requests=1)
    async with serve(endpoint) as url, httpx.AsyncClient() as http:
        first = asyncio.create_task(http.post(url, json={"query": "{a}"}))
        await entered.wait()
        refused = await http.post(url, content=b"not even JSON", headers={"Content-Type": JSON})
        proceed.set()
        assert (await first).status_code == 200
        assert (await http.post(url, json={"query": "{a}"})).status_code == 200
    assert refused.status_code == 503
    assert refused.headers["content-type"] == TYPED
    assert refused.json()["errors"][0]["extensions"] == {"code": "LIMIT_EXCEEDED"}
    assert "in_flight" in observer.reports


async def test_the_observer_is_notified_of_a_request_from_its_head_to_its_status() -> None:
    observer = Recorder()

    async def run() -> ExecutionResult:
        observer.reports.append("run")
        return ExecutionResult({"a": 1})

    endpoint = make_endpoint(run, observer=observer, document_id="document-1")
    async with serve(endpoint) as url, httpx.AsyncClient() as http:
        await http.post(f"{url}/graphql", json={"query": "query A {a}", "operationName": "A"})
        await http.post(f"{url}/graphql", content=b" " * 10_001, headers={"Content-Type": JSON})
    caller = ("request-1", "acme", "127.0.0.1")
    assert observer.reports == [
        *("/graphql", caller, ("query", "A", "document-1"), "run", 200),
        *("/graphql", caller, "body", 413),
    ]


SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "POST",
    "path": "/graphql",
    "query_string": b"",
    "headers": [(b"content-type", b"application/json")],
    "client": ("127.0.0.1", 1),
}


async def test_the_deadline_starts_when_the_body_has_been_read() -> None:
    """A slow upload must not shorten the time for the delete."""
    loop = asyncio.get_running_loop()
    read_at = deadline = 0.0

    async def receive() -> Message:
        nonlocal read_at
        await asyncio.sleep(0.05)
        read_at = loop.time()
        return {"type": "http.request", "body": b'{"query": "{a}"}', "more_body": False}

    async def send(message: Message) -> None:
        del message

    async def run() -> ExecutionResult:
        return ExecutionResult({"a": 1})

    def make_context(caller: object, given: float, max_text_bytes: int) -> None:
        nonlocal deadline
        del caller, max_text_bytes
        deadline = given

    await make_endpoint(run, make_context=make_context)(SCOPE, receive, send)
    assert deadline >= read_at + 5.0


async def test_a_client_that_leaves_before_the_end_of_its_body_gets_no_response() -> None:
    observer = Recorder()

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    async def run() -> ExecutionResult:
        raise AssertionError

    await make_endpoint(run, observer=observer)(SCOPE, receive, send)
    assert observer.reports[-1] is None
