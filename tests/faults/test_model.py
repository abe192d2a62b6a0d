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

from tests.faults.contacts import BEHAVIOURS, Behaviour, Contacts, Met, contacts
from tests.faults.transports import TRANSPORTS
from tests.gateway import HEADERS, MUTATION, GatewayClient, gateway

TIMEOUT_SECONDS = 0.4

# Nothing was deleted for these, says the schema.
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
class Told:
    """The answer that a client got for one delete."""

    request_id: str
    token: str
    contact: int
    outcome: dict[str, Any]
    seconds: float

    @property
    def member(self) -> str:
        """The member of the union."""
        return str(self.outcome["__typename"])


class Deletes(RuleBasedStateMachine):
    """Deletes of a few contacts by two tokens through a running gateway, and a Wethod that breaks as planned."""

    def __init__(self, runner: asyncio.Runner, client: GatewayClient, wethod: Contacts, counts: Counter[str]) -> None:
        super().__init__()
        self._counts = counts
        self._runner = runner
        self._client = client
        self._wethod = wethod

    @initialize()
    def begin(self) -> None:
        """Five contacts, and a Wethod without a fault."""
        self._wethod.plan.clear()
        self._wethod.refusals = 0
        self._wethod.present = set(range(1, 6))

    @rule(contact=contact_ids)
    def create(self, contact: int) -> None:
        """A contact is created again."""
        self._wethod.present.add(contact)

    @rule()
    def hang_up(self) -> None:
        """Wethod closes every connection that it kept."""
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
        self._check(self._runner.run(self._tell_all(deletes)))

    @rule(
        plan=st.lists(st.sampled_from(BEHAVIOURS), max_size=4), contacts=st.lists(contact_ids, min_size=1, max_size=4)
    )
    def delete_in_turn(self, plan: list[Behaviour], contacts: list[int]) -> None:
        """One client deletes one after the other."""
        self._wethod.plan.extend(plan)
        for contact in contacts:
            self._check(self._runner.run(self._tell_all([("first", contact)])))

    @rule(deletes=st.lists(st.tuples(tokens, contact_ids), min_size=1, max_size=3))
    def delete_while_wethod_is_away(self, deletes: list[tuple[str, int]]) -> None:
        """Clients delete while nothing listens at Wethod's address: the answer says so, and nothing is sent."""
        self._runner.run(self._wethod.leave())
        self._runner.run(asyncio.sleep(0.01))
        told = self._runner.run(self._tell_all(deletes))
        self._runner.run(self._wethod.arrive())
        assert {one.member for one in told} == {"WethodUnavailableError"}
        self._check(told)

    async def _tell_all(self, deletes: list[tuple[str, int]]) -> list[Told]:
        self._wethod.met.clear()
        return list(await asyncio.gather(*(self._tell(token, contact) for token, contact in deletes)))

    async def _tell(self, token: str, contact: int) -> Told:
        request_id = f"request-{next(request_numbers)}"
        headers = HEADERS | {"Authorization": f"Bearer {token}", "X-Request-ID": request_id}
        loop = asyncio.get_running_loop()
        started = loop.time()
        response = await self._client.graphql(MUTATION, {"id": contact}, headers)
        seconds = loop.time() - started
        body = response.json()
        # Exactly one outcome, and no error beside it.
        assert (response.status_code, set(body), set(body["data"])) == (200, {"data"}, {"deleteContact"})
        return Told(request_id, token, contact, body["data"]["deleteContact"], seconds)

    def _check(self, told: list[Told]) -> None:
        met: dict[str, list[Met]] = {}
        for delete in self._wethod.met:
            met.setdefault(delete.request_id, []).append(delete)
        for one in told:
            sent = met.get(one.request_id, [])
            self._counts[one.member] += 1
            assert all(each.contact == one.contact for each in sent)
            # The repeat rule: once, and only where no answer came.
            assert len(sent) <= 2
            assert not any(each.behaviour.answers for each in sent[:-1])
            if one.member == "DeleteContactSuccess":
                assert one.contact not in self._wethod.present
                assert one.outcome["deletedContactId"] == str(one.contact)
            if sent:
                _check_what_was_met(one, sent)
            elif one.member not in {"WethodUnavailableError", "WethodOutcomeUnknownError"}:
                # Whoever knows without having asked knows it from a client with the same token, which did.
                assert any(
                    (other.token, other.contact, other.outcome) == (one.token, one.contact, one.outcome)
                    for other in told
                    if other.request_id in met
                )
        # Nothing was sent for anyone who did not ask.
        assert met.keys() <= {one.request_id for one in told}


def _check_what_was_met(told: Told, sent: list[Met]) -> None:
    """An error says no more than is known, and no less."""
    if told.member in NOTHING_DELETED:
        assert not any(each.deleted for each in sent)
    if told.member == "WethodOutcomeUnknownError" and told.seconds < TIMEOUT_SECONDS / 2:
        # In time, and yet unknown: Wethod's last word was not the truth, or it gave none.
        assert not sent[-1].behaviour.is_true


@pytest.mark.parametrize("name", TRANSPORTS)
def test_no_sequence_of_faults_makes_the_gateway_lie(name: str) -> None:
    """A success means that the contact is gone; *nothing was deleted* means just that; no DELETE is sent needlessly."""
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
    # What was never seen was not shown.
    assert counts.keys() > {
        "WethodUnavailableError",
        "DeleteContactSuccess",
        "WethodOutcomeUnknownError",
        "WethodNotFoundError",
    }
    assert sum(counts.values()) > 3 * examples
