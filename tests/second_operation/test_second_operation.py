"""Two more operations run on the same engine: a GET that changes nothing, and a PATCH that is never repeated."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLUnionType, get_named_type

from app.sandbox import serve_sandbox
from app.wethod.request_context import bind
from tests.gateway import HEADERS, gateway
from tests.outcomes.outcomes import TRANSPORTS
from tests.second_operation.root import OPERATIONS, build_schema
from tests.second_operation.update_email import UPDATE_EMAIL
from tests.upstream import HANGING, LOST, Answer, answer, upstream

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from schema.rest import RestOperation
    from tests.gateway import GatewayClient

READ = """query Read($id: ID!) { readContact(id: $id) {
  __typename
  ... on ReadContactSuccess { contactId name surname email }
  ... on WethodError { key message statusCode }
  ... on WethodValidationError { failures { field message } }
} }"""

UPDATE = """mutation Update($id: ID!, $email: String!) { updateEmail(id: $id, email: $email) {
  __typename
  ... on UpdateEmailSuccess { contactId }
  ... on WethodError { key message statusCode }
  ... on WethodValidationError { failures { field message } }
} }"""


def extended(url: str, **environ: str) -> Any:
    return gateway(url, environ, schema=build_schema(), operations=OPERATIONS)


async def run(client: GatewayClient, query: str, **variables: object) -> dict[str, Any]:
    """The outcome of one operation that is answered without errors."""
    response = await client.graphql(query, variables)
    body = response.json()
    assert set(body) == {"data"}, body
    (outcome,) = body["data"].values()
    result: dict[str, Any] = outcome
    return result


@TRANSPORTS
async def test_a_contact_of_the_sandbox_can_be_read_until_it_is_deleted(transport: str) -> None:
    headers = HEADERS | {"Authorization": "Bearer demo-editor"}
    contact_id = {"http1": "1", "httpx": "2"}[transport]
    with serve_sandbox() as wethod_url:
        async with extended(wethod_url, WETHOD_TRANSPORT=transport) as client:
            read = (await client.graphql(READ, {"id": contact_id}, headers)).json()["data"]["readContact"]
            assert (read["__typename"], read["contactId"]) == ("ReadContactSuccess", contact_id)
            assert read["name"]
            assert (await client.delete(contact_id, headers))["__typename"] == "DeleteContactSuccess"
            gone = (await client.graphql(READ, {"id": contact_id}, headers)).json()["data"]["readContact"]
            assert (gone["__typename"], gone["statusCode"]) == ("WethodNotFoundError", 404)


CONTACT = answer(200, json.dumps({"id": 7, "name": "Ada", "surname": "L\u202eovelace", "email": None}).encode())
DETAILS = {"__typename": "ReadContactSuccess", "contactId": "7", "name": "Ada", "surname": "Lovelace", "email": None}

# name: (answers in turn, the member, its status)
READS: dict[str, tuple[Sequence[Answer], str, int | None]] = {
    "200-not-json": ([answer(200, b"<html>")], "WethodOutcomeUnknownError", 200),
    "200-html": ([answer(200, b"<html>", content_type="text/html")], "WethodOutcomeUnknownError", 200),
    "202": ([answer(202, b"{}")], "WethodOutcomeUnknownError", 202),
    "404": ([answer(404)], "WethodNotFoundError", 404),
    "409": ([answer(409)], "WethodUnexpectedResponseError", 409),
    "500": ([answer(500)], "WethodOutcomeUnknownError", 500),
    "lost-twice": ([LOST, LOST], "WethodOutcomeUnknownError", None),
}


@pytest.mark.parametrize(("script", "member", "status"), READS.values(), ids=READS)
async def test_an_answer_to_a_read_becomes_one_outcome(
    script: Sequence[Answer], member: str, status: int | None
) -> None:
    async with upstream(script) as wethod, extended(wethod.url) as client:
        outcome = await run(client, READ, id="7")
        assert (outcome["__typename"], outcome["statusCode"]) == (member, status)
        assert "may have acted" not in outcome["message"]
        assert [(asked.method, asked.target) for asked in wethod.asked] == [("GET", "/api/contact/7")] * len(script)


async def test_a_read_whose_answer_was_lost_is_repeated() -> None:
    async with upstream([LOST, CONTACT]) as wethod, extended(wethod.url) as client:
        assert await run(client, READ, id="7") == DETAILS
        assert len(wethod.asked) == 2


async def test_a_read_is_not_audited(tmp_path: Path) -> None:
    audit = tmp_path / "audit.log"
    async with upstream([CONTACT]) as wethod, extended(wethod.url, GATEWAY_AUDIT_LOG=str(audit)) as client:
        assert await run(client, READ, id="7") == DETAILS
    assert audit.read_text(encoding="utf-8") == ""


@TRANSPORTS
async def test_a_patch_sends_its_body(transport: str) -> None:
    async with upstream([answer(200)]) as wethod, extended(wethod.url, WETHOD_TRANSPORT=transport) as client:
        outcome = await run(client, UPDATE, id="7", email="ada@example.com")
        (asked,) = wethod.asked
    assert outcome == {"__typename": "UpdateEmailSuccess", "contactId": "7"}
    assert (asked.method, asked.target, asked.body) == ("PATCH", "/api/contact/7", b'{"email":"ada@example.com"}')
    assert asked.header("content-type") == b"application/json"


# name: (answer, the member, its status; None for a success)
UPDATES: dict[str, tuple[Answer, str, int | None]] = {
    "200-html": (answer(200, b"\n<html>", content_type="text/html"), "WethodOutcomeUnknownError", 200),
    "200-html-label": (answer(200, content_type="text/html"), "UpdateEmailSuccess", None),
    "202": (answer(202), "WethodOutcomeUnknownError", 202),
    "204": (Answer(b"HTTP/1.1 204 No Content\r\n\r\n"), "UpdateEmailSuccess", None),
    "403": (answer(403), "WethodForbiddenError", 403),
}


@TRANSPORTS
@pytest.mark.parametrize(("given", "member", "status"), UPDATES.values(), ids=UPDATES)
async def test_an_answer_to_a_patch_becomes_one_outcome(
    transport: str, given: Answer, member: str, status: int | None
) -> None:
    """A 202, or a page of a proxy, is no success."""
    async with upstream([given]) as wethod, extended(wethod.url, WETHOD_TRANSPORT=transport) as client:
        outcome = await run(client, UPDATE, id="7", email="ada@example.com")
        assert (outcome["__typename"], outcome.get("statusCode")) == (member, status)
        assert len(wethod.asked) == 1


@TRANSPORTS
@pytest.mark.parametrize(
    "lost",
    [LOST, Answer(b"HTTP/1.1 200 OK\r\nContent-Le", close=True), Answer(b"SMTP\r\n\r\n", close=True)],
    ids=["no-byte", "half-a-head", "garbage"],
)
async def test_a_patch_whose_answer_was_lost_is_not_repeated(transport: str, lost: Answer) -> None:
    """It is not idempotent."""
    script = [lost, answer(200)]
    async with upstream(script) as wethod, extended(wethod.url, WETHOD_TRANSPORT=transport) as client:
        assert await run(client, UPDATE, id="7", email="ada@example.com") == {
            "__typename": "WethodOutcomeUnknownError",
            "key": "outcome_unknown",
            "message": "The request was sent and no conclusive answer came. Wethod may have acted.",
            "statusCode": None,
        }
        assert len(wethod.asked) == 1


async def test_all_arguments_are_checked_at_once() -> None:
    async with upstream([answer(200)]) as wethod, extended(wethod.url) as client:
        outcome = await run(client, UPDATE, id="..", email="ada")
        assert [failure["field"] for failure in outcome["failures"]] == ["id", "email"]
        assert wethod.asked == []


async def test_each_operation_has_its_own_metrics() -> None:
    async with upstream([CONTACT]) as wethod, extended(wethod.url) as client:
        await run(client, READ, id="7")
        text = (await client.http.get(f"{client.url}/metrics")).text
    assert 'wethod_operation_total{operation="readContact",outcome="ReadContactSuccess"} 1.0' in text
    assert 'wethod_operation_total{operation="updateEmail",outcome="UpdateEmailSuccess"} 0.0' in text
    assert 'wethod_operation_total{operation="deleteContact",outcome="DeleteContactSuccess"} 0.0' in text


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_the_outcomes_of_an_operation_are_the_members_of_its_union(operation: RestOperation[Any, Any]) -> None:
    field = operation.name
    core = build_schema()._schema  # noqa: SLF001 - Strawberry has no public way
    roots = [root for root in (core.query_type, core.mutation_type) if root is not None and field in root.fields]
    union = get_named_type(roots[0].fields[field].type)
    assert isinstance(union, GraphQLUnionType)
    assert {member.name for member in union.types} == {outcome.__name__ for outcome in operation.outcomes}


async def test_a_stop_leaves_no_concurrent_read_without_an_outcome() -> None:
    query = "{ a: readContact(id: 1) { __typename } b: readContact(id: 2) { __typename } }"
    async with upstream([HANGING]) as wethod, extended(wethod.url) as client:
        reading = asyncio.create_task(client.graphql(query))
        await wethod.asked_for(2)
        await client.force_stop()
        response = await reading
    unknown = {"__typename": "WethodOutcomeUnknownError"}
    assert response.json() == {"data": {"a": unknown, "b": unknown}}


def test_the_order_of_keyword_arguments_does_not_make_another_call() -> None:
    assert bind(UPDATE_EMAIL, (), {"contact_id": "1", "email": "2"}) == ("1", "2")
    assert bind(UPDATE_EMAIL, (), {"email": "2", "contact_id": "1"}) == ("1", "2")
    assert bind(UPDATE_EMAIL, ("1",), {"email": "2"}) == bind(UPDATE_EMAIL, ("1", "2"), {}) == ("1", "2")


@pytest.mark.parametrize("named", [{}, {"contact_id": "2"}, {"email": "2", "other": "3"}], ids=str)
def test_arguments_that_do_not_fit_are_a_bug(named: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="takes contact_id, email"):
        bind(UPDATE_EMAIL, ("1",), named)
