"""Many deletes in one field: an outcome for each id, one deadline, and no id sent after the token was refused."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
import strawberry

from app.headers import Headers
from app.http_client.transport import NotSent, Request, Response
from schema.contact import DeleteContactOutcome, DeleteContactsEntry
from schema.context import Info  # noqa: TC001 - Strawberry reads the annotation
from schema.delete_contact import DELETE_CONTACT
from schema.root import Query, subgraph
from tests.gateway import HEADERS, MUTATION, gateway
from tests.outcomes.outcomes import (
    BAD_COMPANY,
    BAD_ID,
    NO_TOKEN,
    STOPPED,
    TRANSPORTS,
    WAIT_ENDED,
    deleted,
    error,
    invalid,
    rejection,
    success,
    unauthorized,
    unavailable,
    unknown,
    words,
)
from tests.support import json_lines, until
from tests.upstream import HANGING, LOST, Answer, Asked, answer, upstream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tests.gateway import GatewayClient
    from tests.upstream import Upstream

OTHER = HEADERS | {"Authorization": "Bearer another"}

RESULT = MUTATION[MUTATION.index("__typename") : MUTATION.rindex("} }")]
MANY = f"mutation DeleteMany($ids: [ID!]!) {{ deleteContacts(ids: $ids) {{ id result {{ {RESULT} }} }} }}"

SKIPPED = "Not sent, because an earlier delete of this list was refused for the whole token. Nothing was deleted."
NO_TIME = "The request's time was used up before this delete was sent. Nothing was deleted; it is safe to repeat."
BAD = invalid(BAD_ID)


def entry(contact_id: str, result: dict[str, Any] | None) -> dict[str, Any]:
    return {"id": contact_id, "result": result}


def target(contact_id: object) -> str:
    """The path at which Wethod is asked to delete a contact."""
    return f"/api/contact/{contact_id}"


def skipped(refusal: dict[str, Any]) -> dict[str, Any]:
    """The result of an id that is not sent after this refusal."""
    return refusal | {"message": SKIPPED, "statusCode": None, "response": None}


def by_id(answers: Mapping[str, Answer], otherwise: Answer | None = None) -> Callable[[Asked], Answer]:
    return lambda asked: answers.get(asked.target.rpartition("/")[2], otherwise or answer(200))


async def delete_many(
    client: GatewayClient, ids: Sequence[object], headers: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Delete many contacts with a selection of every field, and return the entries; the answer must be a success."""
    response = await client.graphql(MANY, {"ids": ids}, headers)
    assert response.status_code == 200, response.text
    body = response.json()
    assert set(body) == {"data"}, body
    entries: list[dict[str, Any]] = body["data"]["deleteContacts"]
    return entries


def targets(wethod: Upstream) -> list[str]:
    return sorted(request.target for request in wethod.asked)


@TRANSPORTS
async def test_every_id_has_its_own_outcome_in_the_order_of_the_ids(transport: str) -> None:
    not_found = answer(404, words(key="not_found", message="Contact not found"))
    script = by_id(
        {
            "1": answer(200, delay_seconds=0.2),
            "2": not_found,
            "3": answer(412),
            "4": answer(403),
            "5": answer(400, words(failures={"name": "taken"}), delay_seconds=0.1),
            "6": answer(500),
            "7": LOST,
            "8": answer(202),
        }
    )
    ids = ["9", "8", "7", "x", "6", "5", "4", "3", "2", "1", 10]
    async with upstream(script) as wethod, gateway(wethod.url, {"WETHOD_TRANSPORT": transport}) as client:
        assert await delete_many(client, ids) == [
            entry("9", deleted("9")),
            entry("8", unknown(202)),
            entry("7", unknown()),
            entry("x", BAD),
            entry("6", unknown(500)),
            entry("5", rejection(400, failures=[{"field": "name", "message": "taken"}])),
            entry("4", rejection(403)),
            entry("3", rejection(412)),
            entry("2", rejection(404, message="Contact not found")),
            entry("1", deleted("1")),
            entry("10", deleted("10")),
        ]
        # The lost one was repeated once.
        assert targets(wethod) == sorted(map(target, [*range(1, 11), 7]))


@TRANSPORTS
async def test_a_repeated_id_is_deleted_once(transport: str, tmp_path: Path) -> None:
    """One call and one audit record, for a number and for a string."""
    environ = {"WETHOD_TRANSPORT": transport, "GATEWAY_AUDIT_LOG": str(tmp_path / "audit.log")}
    # A second call would find that the contact is not there.
    once: list[str] = []

    def script(asked: Asked) -> Answer:
        once.append(asked.target)
        return answer(200 if once.count(asked.target) == 1 else 404)

    async with upstream(script) as wethod, gateway(wethod.url, environ) as client:
        assert await delete_many(client, ["5", "no", 5, "6", "no", "5"]) == [
            entry("5", deleted("5")),
            entry("no", BAD),
            entry("5", deleted("5")),
            entry("6", deleted("6")),
            entry("no", BAD),
            entry("5", deleted("5")),
        ]
        assert targets(wethod) == [target(5), target(6)]
    assert sorted(
        (line["contactId"], line["outcome"], line["shared"]) for line in json_lines(tmp_path / "audit.log")
    ) == [
        ("(2 characters)", "WethodValidationError", False),
        ("5", "DeleteContactSuccess", False),
        ("6", "DeleteContactSuccess", False),
    ]


async def test_an_empty_list_has_an_empty_answer(client: GatewayClient, wethod: Upstream) -> None:
    assert await delete_many(client, []) == []
    assert wethod.asked == []


@pytest.mark.parametrize(
    ("headers", "result"),
    [
        ({"Wethod-Company": "acme"}, unauthorized(NO_TOKEN)),
        ({"Authorization": "Bearer a", "Wethod-Company": "-"}, invalid(BAD_COMPANY)),
    ],
    ids=["no-token", "bad-company"],
)
async def test_a_wrong_header_is_the_outcome_of_every_id(
    client: GatewayClient, wethod: Upstream, headers: dict[str, str], result: dict[str, Any]
) -> None:
    assert await delete_many(client, ["1", "2"], headers) == [entry("1", result), entry("2", result)]
    assert wethod.asked == []


BESIDE_SINGLE_DELETES = """mutation ($ids: [ID!]!) {
  a: deleteContact(id: 9) { __typename }
  deleteContacts(ids: $ids) { id }
  b: deleteContact(id: 9) { __typename }
}"""

# name: (document, variables); each makes six calls
TOO_MANY: dict[str, tuple[str, dict[str, object]]] = {
    "one-field": (MANY, {"ids": [*range(1, 7)]}),
    "duplicates": (MANY, {"ids": [1] * 6}),
    "bad-ids": (MANY, {"ids": ["x"] * 6}),
    "literals": ("mutation { deleteContacts(ids: [1, 2, 3, 4, 5, 6]) { id } }", {}),
    "two-fields": (
        "mutation ($ids: [ID!]!) { a: deleteContacts(ids: $ids) { id } b: deleteContacts(ids: $ids) { id } }",
        {"ids": [1, 2, 3]},
    ),
    "beside-single-deletes": (BESIDE_SINGLE_DELETES, {"ids": [1, 2, 3, 4]}),
    "single-deletes-alone": (
        "mutation { " + " ".join(f"d{i}: deleteContact(id: {i}) {{ __typename }}" for i in range(1, 7)) + " }",
        {},
    ),
}


@pytest.mark.parametrize(("query", "variables"), TOO_MANY.values(), ids=TOO_MANY)
async def test_too_many_deletes_are_refused_before_anything_is_sent(query: str, variables: dict[str, object]) -> None:
    """Over all fields of a request; duplicates, bad ids and single deletes count."""
    message = "The operation makes 6 calls of Wethod; GATEWAY_MAX_DELETES allows 5."
    async with upstream([answer(200)]) as wethod, gateway(wethod.url, {"GATEWAY_MAX_DELETES": "5"}) as client:
        response = await client.graphql(query, variables)
        assert response.status_code == 422
        assert response.json() == {"errors": [{"message": message, "extensions": {"code": "LIMIT_EXCEEDED"}}]}
        assert wethod.asked == []


async def test_as_many_deletes_as_are_allowed_are_sent() -> None:
    """Fields that are left out do not count."""
    query = (
        "mutation ($ids: [ID!]!) { deleteContacts(ids: $ids) { id } deleteContact(id: 9) { __typename } "
        "left: deleteContacts(ids: $ids) @skip(if: true) { id } }"
    )
    async with upstream([answer(200)]) as wethod, gateway(wethod.url, {"GATEWAY_MAX_DELETES": "5"}) as client:
        response = await client.graphql(query, {"ids": [1, 2, 3, 4]})
        assert response.json() == {
            "data": {
                "deleteContacts": [{"id": "1"}, {"id": "2"}, {"id": "3"}, {"id": "4"}],
                "deleteContact": {"__typename": "DeleteContactSuccess"},
            }
        }
        assert len(wethod.asked) == 5


@TRANSPORTS
@pytest.mark.parametrize("status", [401, 429])
async def test_after_a_refusal_of_the_token_no_further_id_is_sent(transport: str, status: int, tmp_path: Path) -> None:
    """Ids in flight keep their own outcome."""
    refused = rejection(status, "of_wethod", "No.")
    refusal = answer(status, words(key="of_wethod", message="No."), delay_seconds=0.1)
    script = by_id({"1": answer(200, delay_seconds=0.3), "2": answer(404, delay_seconds=0.3), "3": refusal})
    environ = {
        "WETHOD_TRANSPORT": transport,
        "WETHOD_BULK_CONCURRENCY": "3",
        "GATEWAY_AUDIT_LOG": str(tmp_path / "audit.log"),
    }
    async with upstream(script) as wethod, gateway(wethod.url, environ) as client:
        assert await delete_many(client, ["1", "2", "3", "4", "x", "5", "4", "3"]) == [
            entry("1", deleted("1")),
            entry("2", rejection(404)),
            entry("3", refused),
            entry("4", skipped(refused)),
            entry("x", BAD),
            entry("5", skipped(refused)),
            entry("4", skipped(refused)),
            entry("3", refused),
        ]
        assert targets(wethod) == [target(1), target(2), target(3)]
        # The refusal applies only to its own field: the next field asks Wethod again.
        wethod.script = [answer(200)]
        assert await delete_many(client, ["6"]) == [entry("6", deleted("6"))]
    lines = [(line["contactId"], line["statusCode"], line["attempts"]) for line in json_lines(tmp_path / "audit.log")]
    assert sorted(lines) == [
        ("(1 characters)", None, 0),
        ("1", 200, 1),
        ("2", 404, 1),
        ("3", status, 1),
        ("4", None, 0),
        ("5", None, 0),
        ("6", 200, 1),
    ]


async def test_ids_that_are_not_sent_after_a_429_have_its_delay() -> None:
    refusal = answer(429, b"", {"x-ratelimit-retry-after": "30"})
    async with upstream([refusal]) as wethod, gateway(wethod.url, {"WETHOD_BULK_CONCURRENCY": "1"}) as client:
        refused = rejection(429, retryAfterSeconds=30)
        assert await delete_many(client, ["1", "2"]) == [entry("1", refused), entry("2", skipped(refused))]
        (again,) = await delete_many(client, ["3"])
        assert again["result"] == skipped(refused) | {
            "message": "Wethod allows this token no more requests for now. Nothing was sent.",
            "retryAfterSeconds": again["result"]["retryAfterSeconds"],
        }
        assert len(wethod.asked) == 1


@TRANSPORTS
async def test_an_id_that_waits_for_a_connection_is_not_sent_after_a_401(transport: str) -> None:
    environ = {"WETHOD_TRANSPORT": transport, "WETHOD_MAX_CONNECTIONS": "4", "WETHOD_TIMEOUT_SECONDS": "1.5"}
    script = by_id({"8": HANGING, "1": answer(401, delay_seconds=0.3), "2": answer(200, delay_seconds=0.6)})
    async with upstream(script) as wethod, gateway(wethod.url, environ) as client:
        # The token holds one of its three connections with another request.
        hanging = asyncio.create_task(client.delete("8"))
        await wethod.asked_for(1)
        assert await delete_many(client, ["1", "2", "3", "4"]) == [
            entry("1", rejection(401)),
            entry("2", deleted("2")),
            entry("3", skipped(rejection(401))),
            entry("4", skipped(rejection(401))),
        ]
        assert targets(wethod) == [target(1), target(2), target(8)]
        assert await hanging == unknown()
        # No connection is lost.
        wethod.script = [answer(200)]
        ids = [str(contact_id) for contact_id in range(20, 26)]
        assert await asyncio.gather(*map(client.delete, ids)) == list(map(deleted, ids))


class UnreachableAtFirst:
    """A transport that refuses the token for contact 1, and sends nothing for the others at the first try."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def send(self, request: Request) -> Response:
        self.sent.append(request.target)
        if request.target != b"/api/contact/1":
            raise NotSent("the connection was refused")
        request.written = True
        await asyncio.sleep(0.01)
        return Response(401, Headers(), b"")

    async def aclose(self) -> None:
        """Nothing to close."""


async def test_an_id_is_not_tried_again_after_a_401() -> None:
    transport = UnreachableAtFirst()
    async with gateway("http://127.0.0.1:1", transport=transport) as client:
        assert await delete_many(client, ["1", "2", "3"]) == [
            entry("1", rejection(401)),
            entry("2", skipped(rejection(401))),
            entry("3", skipped(rejection(401))),
        ]
    assert transport.sent == [b"/api/contact/1", b"/api/contact/2", b"/api/contact/3"]


def failing(_: object, contact_id: str) -> DeleteContactOutcome:
    raise RuntimeError(f"a bug, hidden from clients, at contact {contact_id}")


BROKEN = dataclasses.replace(DELETE_CONTACT, from_no_response=failing)


async def delete_with_a_bug(info: Info, ids: list[strawberry.ID]) -> list[DeleteContactsEntry]:
    """Delete many contacts by an operation with a bug."""
    outcomes: Any = await info.context.call_many(BROKEN, ids)
    return [DeleteContactsEntry(id=id_, result=outcome) for id_, outcome in zip(ids, outcomes, strict=True)]


@strawberry.type
class MutationWithABug:
    delete_contacts: list[DeleteContactsEntry] | None = strawberry.field(
        resolver=delete_with_a_bug, metadata={"calls": "ids"}
    )


@pytest.mark.parametrize("concurrency", ["1", "4"])
async def test_a_bug_in_an_outcome_table_makes_one_result_null(concurrency: str) -> None:
    schema = subgraph(Query, MutationWithABug)
    environ = {"WETHOD_BULK_CONCURRENCY": concurrency}
    async with upstream(by_id({"2": LOST})) as wethod, gateway(wethod.url, environ, schema=schema) as client:
        response = await client.graphql(MANY, {"ids": ["1", "2", "3", "2"]})
    assert response.status_code == 294
    body = response.json()
    assert body["data"]["deleteContacts"] == [
        entry("1", deleted("1")),
        entry("2", None),
        entry("3", deleted("3")),
        entry("2", None),
    ]
    assert [(problem["path"], problem["message"], problem["extensions"]) for problem in body["errors"]] == [
        (["deleteContacts", place, "result"], "Internal server error.", {"code": "INTERNAL_SERVER_ERROR"})
        for place in (1, 3)
    ]


@pytest.mark.parametrize("status", [403, 404, 412, 500])
async def test_every_id_is_sent_after_an_error_of_one_contact(status: int) -> None:
    result = unknown(status) if status == 500 else rejection(status)
    script = by_id({"9": answer(200)}, answer(status))
    async with upstream(script) as wethod, gateway(wethod.url, {"WETHOD_BULK_CONCURRENCY": "2"}) as client:
        assert await delete_many(client, ["1", "2", "3", "9"]) == [
            *(entry(contact_id, result) for contact_id in ("1", "2", "3")),
            entry("9", deleted("9")),
        ]
        assert len(wethod.asked) == 4


@TRANSPORTS
async def test_the_other_ids_are_deleted_while_wethod_hangs_on_one(transport: str) -> None:
    environ = {"WETHOD_TRANSPORT": transport, "WETHOD_TIMEOUT_SECONDS": "1.5", "WETHOD_BULK_CONCURRENCY": "2"}
    async with upstream(by_id({"2": HANGING})) as wethod, gateway(wethod.url, environ) as client:
        assert await delete_many(client, ["1", "2", "3", "4", "5"]) == [
            entry("1", deleted("1")),
            entry("2", unknown()),
            entry("3", deleted("3")),
            entry("4", deleted("4")),
            entry("5", deleted("5")),
        ]


@TRANSPORTS
async def test_ids_that_are_not_started_in_time_are_not_sent(transport: str) -> None:
    environ = {"WETHOD_TRANSPORT": transport, "WETHOD_TIMEOUT_SECONDS": "1.5", "WETHOD_BULK_CONCURRENCY": "2"}
    async with upstream([HANGING]) as wethod, gateway(wethod.url, environ) as client:
        assert await delete_many(client, ["1", "2", "3", "x", "4"]) == [
            entry("1", unknown()),
            entry("2", unknown()),
            entry("3", unavailable(NO_TIME)),
            entry("x", BAD),
            entry("4", unavailable(NO_TIME)),
        ]
        assert targets(wethod) == [target(1), target(2)]


class Crowd:
    """A Wethod that answers late and counts the requests in flight at a time."""

    def __init__(self) -> None:
        self.most = 0
        self._left: list[float] = []

    def __call__(self, _: Asked) -> Answer:
        now = asyncio.get_running_loop().time()
        self._left = [end for end in self._left if end > now + 0.01] + [now + 0.1]
        self.most = max(self.most, len(self._left))
        return answer(200, delay_seconds=0.1)


@TRANSPORTS
@pytest.mark.parametrize(
    ("environ", "most"),
    [
        ({}, 4),
        ({"WETHOD_BULK_CONCURRENCY": "1"}, 1),
        ({"WETHOD_BULK_CONCURRENCY": "7"}, 7),
        ({"WETHOD_BULK_CONCURRENCY": "7", "WETHOD_MAX_CONNECTIONS": "4"}, 3),
        ({"WETHOD_BULK_CONCURRENCY": "7", "GATEWAY_MAX_IN_FLIGHT": "4"}, 3),
    ],
    ids=["default", "one", "seven", "share-of-the-connections", "share-of-the-places"],
)
async def test_as_many_ids_are_in_flight_as_are_allowed(transport: str, environ: dict[str, str], most: int) -> None:
    """``WETHOD_BULK_CONCURRENCY``, or the share of one token."""
    crowd = Crowd()
    environ = {"WETHOD_TRANSPORT": transport} | environ
    ids = [str(i) for i in range(1, 1 + 3 * most)]
    async with upstream(crowd) as wethod, gateway(wethod.url, environ) as client:
        assert await delete_many(client, ids) == [entry(contact_id, deleted(contact_id)) for contact_id in ids]
    assert crowd.most == most


@TRANSPORTS
async def test_a_forced_stop_sends_no_further_id_and_the_client_gets_its_answer(transport: str) -> None:
    script = by_id({"1": answer(200)}, HANGING)
    environ = {"WETHOD_TRANSPORT": transport, "WETHOD_BULK_CONCURRENCY": "2"}
    async with upstream(script) as wethod, gateway(wethod.url, environ) as client:
        deleting = asyncio.create_task(delete_many(client, ["1", "2", "3", "4", "x", "5"]))
        await wethod.asked_for(3)
        await client.force_stop()
        assert await deleting == [
            entry("1", deleted("1")),
            entry("2", unknown()),
            entry("3", unknown()),
            entry("4", unavailable(STOPPED)),
            entry("x", BAD),
            entry("5", unavailable(STOPPED)),
        ]
        assert targets(wethod) == [target(1), target(2), target(3)]


@TRANSPORTS
async def test_an_equal_delete_in_flight_is_shared_with_an_id(transport: str, tmp_path: Path) -> None:
    environ = {"WETHOD_TRANSPORT": transport, "GATEWAY_AUDIT_LOG": str(tmp_path / "audit.log")}
    script = by_id({"7": answer(200, delay_seconds=0.3)})
    async with upstream(script) as wethod, gateway(wethod.url, environ) as client:
        single = asyncio.create_task(client.delete("7"))
        await wethod.asked_for(1)
        assert await delete_many(client, ["7", "8", "7"]) == [
            entry("7", deleted("7")),
            entry("8", deleted("8")),
            entry("7", deleted("7")),
        ]
        assert await single == success()
        assert targets(wethod) == [target(7), target(8)]
    assert sorted((line["contactId"], line["shared"]) for line in json_lines(tmp_path / "audit.log")) == [
        ("7", False),
        ("7", True),
        ("8", False),
    ]


@pytest.mark.parametrize(
    ("late_answer", "single_outcome", "listed_outcome"),
    [
        pytest.param(answer(200), success(), deleted("7"), id="deleted"),
        pytest.param(
            answer(500),
            unknown(500),
            error("WethodOutcomeUnknownError", "outcome_unknown", WAIT_ENDED, None),
            id="unknown",
        ),
    ],
)
async def test_an_id_that_waits_for_an_equal_delete_keeps_waiting_after_a_401(
    late_answer: Answer, single_outcome: dict[str, Any], listed_outcome: dict[str, Any], tmp_path: Path
) -> None:
    """Nothing is sent for it."""
    audit = tmp_path / "audit.log"
    refused = asyncio.Event()
    script = by_id({"7": dataclasses.replace(late_answer, after=refused), "1": answer(401)})
    async with upstream(script) as wethod, gateway(wethod.url, {"GATEWAY_AUDIT_LOG": str(audit)}) as client:
        single = asyncio.create_task(client.delete("7"))
        await wethod.asked_for(1)
        listed = asyncio.create_task(delete_many(client, ["1", "7"]))
        await until(lambda: [line["contactId"] for line in json_lines(audit)] == ["1"])
        refused.set()
        assert await listed == [entry("1", rejection(401)), entry("7", listed_outcome)]
        assert await single == single_outcome
        assert targets(wethod) == [target(1), target(7)]


async def test_the_records_of_one_list_have_the_same_request_id(tmp_path: Path) -> None:
    environ = {"GATEWAY_AUDIT_LOG": str(tmp_path / "audit.log")}
    async with upstream(by_id({"2": answer(412)})) as wethod, gateway(wethod.url, environ) as client:
        await delete_many(client, ["1", "2", "x"], HEADERS | {"X-Request-ID": "one-list"})
        assert {request.header("x-request-id") for request in wethod.asked} == {b"one-list"}
    lines = json_lines(tmp_path / "audit.log")
    assert {line["requestId"] for line in lines} == {"one-list"}
    assert sorted((line["contactId"], line["outcome"]) for line in lines) == [
        ("(1 characters)", "WethodValidationError"),
        ("1", "DeleteContactSuccess"),
        ("2", "WethodPreconditionFailedError"),
    ]


async def test_the_sizes_of_lists_are_counted() -> None:
    """A single delete is not a list."""
    async with upstream([answer(200)]) as wethod, gateway(wethod.url) as client:
        await delete_many(client, ["1", "2", "3", "3"])
        await delete_many(client, [*range(10, 40)])
        await client.delete("50")
        lines = (await client.http.get(f"{client.url}/metrics")).text.splitlines()
    label = 'operation="deleteContact"'
    found = dict(line.rsplit(" ", 1) for line in lines if label in line)
    assert {name: float(found[name]) for name in found if "list_size" in name and "created" not in name} == {
        **{
            f'wethod_operation_list_size_bucket{{le="{edge}",{label}}}': count
            for edge, count in (("1.0", 0), ("2.0", 0), ("5.0", 1), ("10.0", 1), ("20.0", 1), ("50.0", 2), ("100.0", 2))
        },
        f'wethod_operation_list_size_bucket{{le="+Inf",{label}}}': 2,
        f"wethod_operation_list_size_count{{{label}}}": 2,
        f"wethod_operation_list_size_sum{{{label}}}": 33,
    }
    assert float(found[f'wethod_operation_total{{{label},outcome="DeleteContactSuccess"}}']) == 34


async def test_the_answer_to_a_hundred_ids_stays_below_a_megabyte() -> None:
    failures = [{"field": f"field-{i}", "message": "m" * 500} for i in range(200)]
    body = words(key="k", message='"' * 900, failures=failures)
    ids = [str(2**62 + i) for i in range(100)]
    async with upstream([answer(400, body)]) as wethod, gateway(wethod.url) as client:
        response = await client.graphql(MANY, {"ids": ids})
        assert response.status_code == 200
        assert 300_000 < len(response.content) <= 1_000_000
        entries = response.json()["data"]["deleteContacts"]
        assert [each["id"] for each in entries] == ids
        assert all(each["result"]["message"].endswith(" of 200 failures shown.)") for each in entries)
        assert len(wethod.asked) == 100


@pytest.mark.parametrize(
    "selection",
    [
        " ".join(f"a{i}: id" for i in range(7)),
        " ".join(f"a{i}: result {{ ... on WethodError {{ message }} }}" for i in range(10)),
        " ".join(f"a{i}: result {{ ... on WethodValidationError {{ failures {{ field }} }} }}" for i in range(10)),
    ],
    ids=["ids", "messages", "failures"],
)
async def test_an_answer_that_could_exceed_a_megabyte_is_refused_before_anything_is_sent(
    client: GatewayClient, wethod: Upstream, selection: str
) -> None:
    """The answer repeats the ids as they were given."""
    query = f"mutation ($id: ID!) {{ deleteContacts(ids: [{'$id ' * 100}]) {{ {selection} }} }}"
    response = await client.graphql(query, {"id": "x" * 1_500})
    assert response.status_code == 422
    (problem,) = response.json()["errors"]
    assert problem["extensions"] == {"code": "LIMIT_EXCEEDED"}
    assert "Select fewer aliases" in problem["message"] or "Use fewer aliases" in problem["message"]
    assert wethod.asked == []


async def test_an_answer_without_a_token_stays_short(client: GatewayClient, wethod: Upstream) -> None:
    usual = await client.graphql(MANY, {"ids": [*range(1, 101)]}, {})
    assert usual.status_code == 200
    assert len(usual.content) <= 100_000
    long = await client.graphql(MANY, {"ids": ["x" * 600] * 90 + ["y" * 1_000] * 10}, {})
    wide = f"mutation {{ deleteContacts(ids: [{'$a ' * 100}]) {{ {' '.join(f'a{i}: id' for i in range(7))} }} }}"
    again = await client.graphql(wide.replace("mutation", "mutation ($a: ID!)"), {"a": "x" * 150}, {})
    for response in (long, again):
        assert len(response.content) <= 100_000
    (problem,) = again.json()["errors"]
    assert problem["extensions"] == {"code": "LIMIT_EXCEEDED"}
    assert wethod.asked == []


@pytest.mark.parametrize("field", ["deleteContacts(ids: []) { id }", "__typename"])
async def test_names_of_fields_that_delete_nothing_count(client: GatewayClient, wethod: Upstream, field: str) -> None:
    """Without a token, a list of ids and these names could make an answer of 158 KB."""
    names = " ".join(f"{'n' * 3_000}{i}: {field}" for i in range(19))
    types = " ".join(f"{'t' * 104}{i}: __typename" for i in range(7))
    query = f"mutation ($ids: [ID!]!) {{ deleteContacts(ids: $ids) {{ result {{ {types} }} }} {names} }}"
    response = await client.graphql(query, {"ids": ["1"] * 100}, {})
    assert len(response.content) <= 100_000
    assert response.json()["errors"][0]["extensions"] == {"code": "LIMIT_EXCEEDED"}
    assert wethod.asked == []


async def test_an_answer_without_a_token_is_longer_where_more_root_fields_are_allowed() -> None:
    """5,000 bytes for each of more than twenty."""
    wide = " ".join(f"a{i}: id" for i in range(7))
    query = f"mutation ($a: ID!) {{ deleteContacts(ids: [{'$a ' * 100}]) {{ {wide} }} }}"
    environ = {"GATEWAY_MAX_ROOT_FIELDS": "40"}
    async with upstream([answer(200)]) as wethod, gateway(wethod.url, environ) as client:
        response = await client.graphql(query, {"a": "x" * 150}, {})
        assert response.status_code == 200, response.text[:1_000]
        assert 100_000 < len(response.content) <= 200_000
