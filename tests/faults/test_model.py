"""In any order of events, no client gets a false answer about a delete."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
import uvloop
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.faults.contacts import BEHAVIOURS, Behaviour, Contacts, HandledDelete, contacts
from tests.faults.transports import TRANSPORTS
from tests.gateway import HEADERS, MUTATION, GatewayClient, gateway

TIMEOUT_SECONDS = 0.4

# The members after which, by the schema, nothing was deleted.
NOTHING_DELETED = {
    "WethodValidationError",
    "WethodUnauthorizedError",
    "WethodForbiddenError",
    "WethodNotFoundError",
    "WethodPreconditionFailedError",
    "WethodRateLimitedError",
    "WethodUnavailableError",
}

request_numbers = itertools.count()
contact_ids = st.integers(1, 5)
tokens = st.sampled_from(["first", "second"])


@dataclass(frozen=True, slots=True)
class Received:
    request_id: str
    token: str
    contact: int
    outcome: dict[str, Any]
    seconds: float

    @property
    def member(self) -> str:
        return str(self.outcome["__typename"])


class Deletes(RuleBasedStateMachine):
    """Deletes of a few contacts by two tokens through a running gateway, before a Wethod with planned failures."""

    def __init__(self, runner: asyncio.Runner, client: GatewayClient, wethod: Contacts, counts: Counter[str]) -> None:
        super().__init__()
        self._counts = counts
        self._runner = runner
        self._client = client
        self._wethod = wethod

    @initialize()
    def begin(self) -> None:
        self._wethod.plan.clear()
        self._wethod.refusals = 0
        self._wethod.present = set(range(1, 6))

    @rule(contact=contact_ids)
    def create(self, contact: int) -> None:
        self._wethod.present.add(contact)

    @rule()
    def hang_up(self) -> None:
        self._wethod.hang_up()

    @rule(refusals=st.integers(1, 4))
    def refuse(self, refusals: int) -> None:
        """The next connections are reset before anything is read."""
        self._wethod.refusals = refusals

    @rule(
        plan=st.lists(st.sampled_from(BEHAVIOURS), max_size=6),
        deletes=st.lists(st.tuples(tokens, contact_ids), min_size=1, max_size=6),
    )
    def delete_at_once(self, plan: list[Behaviour], deletes: list[tuple[str, int]]) -> None:
        """Several clients delete at the same time, the same contact or different ones."""
        self._wethod.plan.extend(plan)
        self._check(self._runner.run(self._delete_all(deletes)))

    @rule(
        plan=st.lists(st.sampled_from(BEHAVIOURS), max_size=4), contacts=st.lists(contact_ids, min_size=1, max_size=4)
    )
    def delete_in_turn(self, plan: list[Behaviour], contacts: list[int]) -> None:
        self._wethod.plan.extend(plan)
        for contact in contacts:
            self._check(self._runner.run(self._delete_all([("first", contact)])))

    @rule(deletes=st.lists(st.tuples(tokens, contact_ids), min_size=1, max_size=3))
    def delete_while_wethod_is_away(self, deletes: list[tuple[str, int]]) -> None:
        """Clients delete while nothing listens at Wethod's address: the answer is an error, and nothing is sent."""
        self._runner.run(self._wethod.leave())
        self._runner.run(asyncio.sleep(0.01))
        received = self._runner.run(self._delete_all(deletes))
        self._runner.run(self._wethod.arrive())
        assert {one.member for one in received} == {"WethodUnavailableError"}
        self._check(received)

    async def _delete_all(self, deletes: list[tuple[str, int]]) -> list[Received]:
        self._wethod.handled.clear()
        return list(await asyncio.gather(*(self._delete(token, contact) for token, contact in deletes)))

    async def _delete(self, token: str, contact: int) -> Received:
        request_id = f"request-{next(request_numbers)}"
        headers = HEADERS | {"Authorization": f"Bearer {token}", "X-Request-ID": request_id}
        loop = asyncio.get_running_loop()
        started = loop.time()
        response = await self._client.graphql(MUTATION, {"id": contact}, headers)
        seconds = loop.time() - started
        body = response.json()
        # Exactly one outcome, and no error beside it.
        assert (response.status_code, set(body), set(body["data"])) == (200, {"data"}, {"deleteContact"})
        return Received(request_id, token, contact, body["data"]["deleteContact"], seconds)

    def _check(self, received: list[Received]) -> None:
        handled: dict[str, list[HandledDelete]] = {}
        for delete in self._wethod.handled:
            handled.setdefault(delete.request_id, []).append(delete)
        for one in received:
            sent = handled.get(one.request_id, [])
            self._counts[one.member] += 1
            assert all(each.contact == one.contact for each in sent)
            # The repeat rule: once, and only where no answer came.
            assert len(sent) <= 2
            assert not any(each.behaviour.answers for each in sent[:-1])
            if one.member == "DeleteContactSuccess":
                assert one.contact not in self._wethod.present
                assert one.outcome["deletedContactId"] == str(one.contact)
            if sent:
                _check_error(one, sent)
            elif one.member not in {"WethodUnavailableError", "WethodOutcomeUnknownError"}:
                # An answer without a request is shared by another client with the same token.
                assert any(
                    (other.token, other.contact, other.outcome) == (one.token, one.contact, one.outcome)
                    for other in received
                    if other.request_id in handled
                )
        # Wethod received requests only for these clients.
        assert handled.keys() <= {one.request_id for one in received}


def _check_error(received: Received, sent: list[HandledDelete]) -> None:
    """An error must agree with the DELETEs that Wethod received."""
    if received.member in NOTHING_DELETED:
        assert not any(each.deleted for each in sent)
    if received.member == "WethodOutcomeUnknownError" and received.seconds < TIMEOUT_SECONDS / 2:
        # An unknown outcome before the deadline: Wethod's last answer was false, or there was none.
        assert not sent[-1].behaviour.is_true


@pytest.mark.parametrize("name", TRANSPORTS)
def test_no_sequence_of_faults_gives_a_false_outcome(name: str) -> None:
    """A success means that the contact is gone, a rejection that it is not; no DELETE is sent without need."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stack = contextlib.AsyncExitStack()

        async def begin() -> tuple[GatewayClient, Contacts]:
            wethod = await stack.enter_async_context(contacts())
            environ = {"WETHOD_TRANSPORT": name, "WETHOD_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS)}
            return await stack.enter_async_context(gateway(wethod.url, environ)), wethod

        client, wethod = runner.run(begin())
        counts: Counter[str] = Counter()
        profile = settings()
        examples = max(30, profile.max_examples // 4)
        try:
            run_state_machine_as_test(
                lambda: Deletes(runner, client, wethod, counts),  # type: ignore[arg-type] # it takes any factory
                settings=settings(profile, max_examples=examples, stateful_step_count=8),
            )
        finally:
            runner.run(stack.aclose())
    # Cases that were never generated were not tested.
    assert counts.keys() > {
        "WethodUnavailableError",
        "DeleteContactSuccess",
        "WethodOutcomeUnknownError",
        "WethodNotFoundError",
    }
    assert sum(counts.values()) > 3 * examples
