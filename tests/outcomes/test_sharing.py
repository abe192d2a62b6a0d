"""Equal deletes in flight: one caller's success is shared, and nothing else is."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
import strawberry

from schema.contact import DeleteContactsEntry
from schema.context import Info  # noqa: TC001 - Strawberry reads the annotation
from schema.delete_contact import DELETE_CONTACT
from schema.root import Query, subgraph
from tests.faults.unreachable import full_backlog
from tests.gateway import HEADERS, gateway
from tests.outcomes.outcomes import TRANSPORTS, UNEXPECTED, WAIT_ENDED, error, rejection, success, unknown
from tests.schema.test_no_response import NO_RESPONSES
from tests.support import json_lines
from tests.upstream import HANGING, LOST, Answer, Asked, answer, upstream

if TYPE_CHECKING:
    from pathlib import Path

SELECTION = "{ __typename ... on WethodError { message statusCode } }"
FIRST = f"a: deleteContact(id: 7) {SELECTION}"


def short(outcome: dict[str, Any]) -> dict[str, Any]:
    """An outcome as ``SELECTION`` selects it."""
    return {name: outcome[name] for name in ("__typename", "message", "statusCode")}


def records(path: Path) -> list[dict[str, Any]]:
    """The audit, without values that differ between runs."""
    names = ("outcome", "statusCode", "attempts", "shared")
    return [{name: line[name] for name in names} for line in json_lines(path)]


@TRANSPORTS
async def test_equal_deletes_share_one_success(transport: str, tmp_path: Path) -> None:
    def script(request: Asked) -> Answer:
        same = [one for one in wethod.asked if (one.target, one.headers) == (request.target, request.headers)]
        return answer(200 if len(same) == 1 else 404, delay_seconds=0.3)

    environ = {"WETHOD_TRANSPORT": transport, "GATEWAY_AUDIT_LOG": str(tmp_path / "audit.log")}
    headers = HEADERS | {"X-Request-ID": "the-same"}
    async with upstream(script) as wethod, gateway(wethod.url, environ) as client:
        same = [client.delete(headers=headers) for _ in range(5)]
        others = [
            client.delete(headers=headers | {"Authorization": "Bearer another"}),
            client.delete(headers=headers | {"Wethod-Company": "globex"}),
            client.delete(headers=headers | {"Wethod-Version": "2025-01-01"}),
            client.delete("8", headers=headers),
        ]
        outcomes = await asyncio.gather(*same, *others)
        assert outcomes[:8] == [success()] * 8
        assert len(wethod.asked) == 5
    assert sum(record["shared"] for record in records(tmp_path / "audit.log")) == 4


@TRANSPORTS
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *((status, rejection(status)) for status in (403, 404, 412, 429)),
        (409, error("WethodUnexpectedResponseError", "unexpected_response", UNEXPECTED, 409)),
        *((status, unknown(status)) for status in (202, 500)),
    ],
)
async def test_any_other_outcome_is_not_shared(transport: str, status: int, outcome: dict[str, Any]) -> None:
    """Wethod may answer the later delete differently."""
    script = [answer(status, delay_seconds=0.2), answer(200)]
    async with upstream(script) as wethod, gateway(wethod.url, {"WETHOD_TRANSPORT": transport}) as client:
        leading = asyncio.create_task(client.delete())
        await wethod.asked_for(1)
        assert await client.delete() == success()
        assert await leading == outcome
        assert len(wethod.asked) == 2


async def test_a_waiting_delete_passes_the_checks_again() -> None:
    """The 429 of the first is remembered."""
    limited = answer(429, b"", {"x-ratelimit-retry-after": "30"}, delay_seconds=0.2)
    async with upstream([limited, answer(200)]) as wethod, gateway(wethod.url) as client:
        leading = asyncio.create_task(client.delete())
        await wethod.asked_for(1)
        waiting = await client.delete()
        assert (waiting["__typename"], waiting["statusCode"]) == ("WethodRateLimitedError", None)
        assert (await leading)["statusCode"] == 429
        assert len(wethod.asked) == 1


async def test_a_waiting_delete_has_its_own_deadline() -> None:
    environ = {"WETHOD_TIMEOUT_SECONDS": "2"}
    async with upstream([HANGING, answer(200)]) as wethod, gateway(wethod.url, environ) as client:
        leading = asyncio.create_task(client.delete())
        await wethod.asked_for(1)
        await asyncio.sleep(0.8)
        assert await client.delete() == success()
        assert await leading == unknown()
        assert len(wethod.asked) == 2


async def test_the_call_of_a_waiting_delete_is_a_first_attempt(tmp_path: Path) -> None:
    """Its 404 means "not found", not "gone"."""
    not_found = answer(404, b'{"key": "not_found"}')
    environ = {"GATEWAY_AUDIT_LOG": str(tmp_path / "audit.log")}
    script = [answer(500, delay_seconds=0.2), LOST, not_found]
    async with upstream(script) as wethod, gateway(wethod.url, environ) as client:
        leading = asyncio.create_task(client.delete())
        await wethod.asked_for(1)
        assert await client.delete() == success("ABSENCE")
        assert await leading == unknown(500)
    assert records(tmp_path / "audit.log") == [
        {"outcome": "WethodOutcomeUnknownError", "statusCode": 500, "attempts": 1, "shared": False},
        {"outcome": "DeleteContactSuccess", "statusCode": 404, "attempts": 2, "shared": False},
    ]


async def test_a_delete_whose_wait_ends_is_unknown(tmp_path: Path) -> None:
    """The contact may be gone, though nothing was sent for it."""
    environ = {"WETHOD_TIMEOUT_SECONDS": "1.5", "GATEWAY_AUDIT_LOG": str(tmp_path / "audit.log")}
    async with upstream([LOST, HANGING]) as wethod, gateway(wethod.url, environ) as client:
        # Together: a delete that starts later has time left to send its own request.
        outcomes = await asyncio.gather(client.delete(), client.delete())
        assert sorted(outcomes, key=lambda outcome: outcome["message"]) == [
            error("WethodOutcomeUnknownError", "outcome_unknown", WAIT_ENDED, None),
            unknown(),
        ]
        assert len(wethod.asked) == 2
    assert [(record["attempts"], record["shared"]) for record in records(tmp_path / "audit.log")] == [
        (2, False),
        (0, True),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        "a: deleteContact(id: 7) {..._} b: deleteContact(id: 7) {..._}",
        "a: deleteContact(id: 7) {..._} b: deleteContacts(ids: [7]) {result {..._}}",
    ],
    ids=["aliases", "list"],
)
async def test_a_delete_after_an_equal_one_of_its_request_is_unknown_too(fields: str, tmp_path: Path) -> None:
    """An answer never says both that a contact may be gone and that it is not gone."""
    environ = {"WETHOD_TIMEOUT_SECONDS": "1.5", "GATEWAY_AUDIT_LOG": str(tmp_path / "audit.log")}
    fragment = " fragment _ on WethodOutcomeUnknownError {message}"
    async with upstream([HANGING]) as wethod, gateway(wethod.url, environ) as client:
        data = (await client.graphql(f"mutation {{ {fields} }} {fragment}")).json()["data"]
        second = data["b"][0]["result"] if isinstance(data["b"], list) else data["b"]
        assert (data["a"], second) == ({"message": unknown()["message"]}, {"message": WAIT_ENDED})
        assert len(wethod.asked) == 1
    assert [(record["attempts"], record["shared"]) for record in records(tmp_path / "audit.log")] == [
        (1, False),
        (0, True),
    ]


REMEMBERED = {"x-ratelimit-retry-after": "30"}


@pytest.mark.parametrize("status", [401, 429])
async def test_a_delete_that_is_skipped_after_an_unknown_one_is_unknown_too(status: int, tmp_path: Path) -> None:
    """An answer never says of one contact both that it may be gone and that nothing was deleted."""
    query = f"mutation {{ {FIRST} b: deleteContacts(ids: [8, 7]) {{ id result {SELECTION} }} }}"
    environ = {"WETHOD_BULK_CONCURRENCY": "1", "GATEWAY_AUDIT_LOG": str(tmp_path / "audit.log")}
    async with upstream([answer(500), answer(status)]) as wethod, gateway(wethod.url, environ) as client:
        data = (await client.graphql(query)).json()["data"]
        assert data["a"] == short(unknown(500))
        assert data["b"] == [
            {"id": "8", "result": short(rejection(status))},
            {"id": "7", "result": short(error("WethodOutcomeUnknownError", "outcome_unknown", WAIT_ENDED, None))},
        ]
        assert len(wethod.asked) == 2
    assert [(record["attempts"], record["shared"]) for record in records(tmp_path / "audit.log")] == [
        (1, False),
        (1, False),
        (0, True),
    ]


async def test_a_delete_that_is_refused_after_an_unknown_one_is_unknown_too() -> None:
    """Between the two, a 429 of another request is remembered."""
    limited = asyncio.Event()

    def script(asked: Asked) -> Answer:
        if asked.target.endswith("/7"):
            return dataclasses.replace(answer(500), after=limited)
        return answer(429, b"", REMEMBERED)

    async with upstream(script) as wethod, gateway(wethod.url) as client:
        deleting = asyncio.create_task(client.graphql(f"mutation {{ {FIRST} b: deleteContact(id: 7) {SELECTION} }}"))
        await wethod.asked_for(1)
        assert (await client.delete("9"))["statusCode"] == 429
        limited.set()
        assert (await deleting).json()["data"] == {
            "a": short(unknown(500)),
            "b": short(error("WethodOutcomeUnknownError", "outcome_unknown", WAIT_ENDED, None)),
        }
        assert len(wethod.asked) == 2


def failing(contact_id: str) -> list[tuple[str, str]]:
    raise RuntimeError(f"a bug, hidden from clients, at contact {contact_id}")


async def delete_twice(info: Info, reason: str) -> list[DeleteContactsEntry]:
    """Delete a contact twice; a reason or a bug prevents the second delete."""
    context: Any = info.context
    first = await context.call(DELETE_CONTACT, contact_id="7")
    context.held_back = NO_RESPONSES.get(reason)
    again = dataclasses.replace(DELETE_CONTACT, query=failing) if reason == "bug" else DELETE_CONTACT
    second = await context.call(again, contact_id="7")
    return [DeleteContactsEntry(id=strawberry.ID("7"), result=result) for result in (first, second)]


@strawberry.type
class MutationThatDeletesTwice:
    delete_contacts: list[DeleteContactsEntry] | None = strawberry.field(resolver=delete_twice)


@pytest.mark.parametrize("reason", [*NO_RESPONSES, "bug"])
async def test_after_an_unknown_delete_no_reason_says_that_nothing_was_deleted(reason: str) -> None:
    query = f'mutation {{ deleteContacts(reason: "{reason}") {{ result {SELECTION} }} }}'
    schema = subgraph(Query, MutationThatDeletesTwice)
    async with upstream([answer(500)]) as wethod, gateway(wethod.url, schema=schema) as client:
        first, second = (await client.graphql(query)).json()["data"]["deleteContacts"]
        assert first["result"] == short(unknown(500))
        assert second["result"]["__typename"] == "WethodOutcomeUnknownError"
        assert "The contact may be gone" in second["result"]["message"]
        assert len(wethod.asked) == 1


async def test_a_delete_that_waits_for_an_unsent_one_is_not_sent() -> None:
    environ = {"WETHOD_TIMEOUT_SECONDS": "1.0"}
    with full_backlog() as origin:
        async with gateway(f"http://127.0.0.1:{origin.port}", environ) as client:
            outcomes = await asyncio.gather(client.delete(), client.delete())
    assert [(outcome["__typename"], outcome["key"]) for outcome in outcomes] == [
        ("WethodUnavailableError", "not_sent")
    ] * 2
