"""No outcome is lost: every DELETE that Wethod reads has one audit record and one typed outcome in the answer."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.execution.contacts import build_contact_schema
from tests.execution.operations import Case, cases
from tests.gateway import HEADERS, gateway
from tests.upstream import LOST, answer, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import httpx

    from tests.gateway import GatewayClient
    from tests.upstream import Answer, Asked, Upstream

SCHEMA = build_contact_schema()
MEDIA_TYPES = ("application/graphql-response+json", "application/json")

BRIEF = (
    "mutation($id: ID!, $brief: Boolean = false) { deleteContact(id: $id) "
    "{ __typename ... on DeleteContactSuccess @skip(if: $brief) { message } } }"
)
DEFAULT = 'mutation($id: ID = "5") { deleteContact(id: $id) { __typename } }'
MANY = (
    "mutation($ids: [ID!]!) { deleteContacts(ids: $ids) { id result { __typename } } "
    "deleteContact(id: 8) { __typename } }"
)
WHOLE = "mutation($id: ID!) { first: deleteContact(id: $id) { __typename } deleteContact(id: 8) { __typename } }"

ENTRY = "DeleteContactsEntry"

_ANSWERS: dict[int, Answer] = {
    0: answer(200),
    1: answer(400, b'{"key": "invalid_data", "message": "m", "failures": [{"field": "id", "message": "f"}]}'),
    2: answer(404, b'{"key": "not_found", "message": "m"}'),
    3: answer(500),
    4: answer(302),
}


def respond(asked: Asked) -> Answer:
    """Answer by the contact's id: every kind of outcome, a connection that is cut included."""
    digits = asked.target.rsplit("/", 1)[1]
    return _ANSWERS.get(int(digits) % 6, LOST)


@pytest.fixture(scope="module")
async def wethod() -> AsyncIterator[Upstream]:
    async with upstream(respond) as running:
        yield running


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit") / "audit.jsonl"


@pytest.fixture(scope="module")
async def client(wethod: Upstream, audit: Path) -> AsyncIterator[GatewayClient]:
    async with gateway(wethod.url, {"GATEWAY_AUDIT_LOG": str(audit)}) as running:
        yield running


_tokens: Iterator[int] = itertools.count()


async def post(client: GatewayClient, case: Case, accept: str) -> httpx.Response:
    """Send a case with a token of its own, so that no rate limit is remembered."""
    headers = HEADERS | {"Accept": accept, "Authorization": f"Bearer token-{next(_tokens)}"}
    return await client.graphql(case.source, case.variables, headers)


def records_of(audit: Path, known: int) -> list[dict[str, Any]]:
    lines = audit.read_text(encoding="utf-8").splitlines() if audit.exists() else []
    return [json.loads(line) for line in lines[known:]]


@given(case=cases(SCHEMA, "mutation"), accept=st.sampled_from(MEDIA_TYPES))
@example(case=Case(BRIEF, {"id": "6", "brief": None}), accept=MEDIA_TYPES[0])
@example(case=Case(BRIEF, {"id": "6", "brief": None}), accept=MEDIA_TYPES[1])
@example(case=Case(DEFAULT, {"id": None}), accept=MEDIA_TYPES[0])
@example(case=Case(DEFAULT, {}), accept=MEDIA_TYPES[0])
@example(case=Case(WHOLE, {"id": 5}), accept=MEDIA_TYPES[0])
@example(case=Case(MANY, {"ids": ["1", "5", 5, "x", 8, 7, 1]}), accept=MEDIA_TYPES[0])
@settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
async def test_every_delete_has_one_record_and_one_outcome(
    client: GatewayClient, wethod: Upstream, audit: Path, case: Case, accept: str
) -> None:
    """For any document and variables; a mistake in the variables sends nothing."""
    wethod.asked.clear()
    known = len(records_of(audit, 0))
    response = await post(client, case, accept)
    asked = Counter(each.target.rsplit("/", 1)[1] for each in wethod.asked)
    records = records_of(audit, known)
    assert "INTERNAL_SERVER_ERROR" not in response.text
    if response.status_code != 200:
        assert response.status_code == 422, response.text
        assert {error["extensions"]["code"] for error in response.json()["errors"]} <= {
            "BAD_USER_INPUT",
            "LIMIT_EXCEEDED",
        }
        assert (asked, records) == (Counter(), [])
        return
    body = response.json()
    assert body.keys() == {"data"}
    attempts: Counter[str] = Counter()
    for record in records:
        attempts[record["contactId"]] += 0 if record["shared"] else record["attempts"]
    assert +attempts == asked
    values = [value for value in body["data"].values() if value != "Mutation"]
    entries = [entry for value in values if isinstance(value, list) for entry in value]
    outcomes = [value for value in values if not isinstance(value, list)]
    assert all(isinstance(outcome, dict) for outcome in outcomes)
    if not entries:
        assert len(outcomes) == len(records)
        for record, outcome in zip(records, outcomes, strict=True):
            assert outcome.get("__typename", record["outcome"]) == record["outcome"]
        return
    # Duplicates of a list have one record, and its records are in the order in which its calls ended.
    assert len(outcomes) < len(records) <= len(outcomes) + len(entries)
    results = [value for entry in entries for name, value in entry.items() if name != "id" and value != ENTRY]
    named = {outcome.get("__typename") for outcome in outcomes + [each for each in results if isinstance(each, dict)]}
    assert None not in results
    assert named - {None} <= {record["outcome"] for record in records}
