"""Every attack, as bytes on a socket, against a gateway process with the defaults of production."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.attack.attack import ORIGIN, Attack, Front, Reply, outcome
from tests.attack.catalogue import ATTACKS, GROUPS
from tests.attack.wire import ask
from tests.program import running
from tests.server.serving import PATIENCE_SECONDS, connect
from tests.upstream import answer, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.program import Program
    from tests.server.serving import Client
    from tests.upstream import Upstream

GOOD = ask('mutation{deleteContact(id:"8"){__typename}}')
DELETED = outcome("DeleteContactSuccess")
DELETES = answer(200)
CUT_AT = 40
"""A place inside the first head: a request that its head alone causes to be refused may be answered before its body."""

ANSWERS_SECONDS = 5.0
"""Time for all answers to an attack, also on a loaded machine. Work that is not linear takes far longer."""

FRONTS: dict[Front, dict[str, str]] = {"defaults": {}, "cors": {"GATEWAY_CORS_ORIGINS": ORIGIN}}


@dataclass(frozen=True, slots=True)
class Field:
    """A recording Wethod, and the gateways that are attacked."""

    wethod: Upstream
    gateways: dict[Front, Program]

    def connect(self, front: Front = "defaults") -> contextlib.AbstractAsyncContextManager[Client]:
        return connect(self.gateways[front].port)


@pytest.fixture(scope="module")
async def running_field() -> AsyncIterator[Field]:
    async with contextlib.AsyncExitStack() as stack:
        wethod = await stack.enter_async_context(upstream([DELETES]))
        fronts = {
            front: await stack.enter_async_context(running(wethod.url, environ)) for front, environ in FRONTS.items()
        }
        yield Field(wethod, fronts)
        for front, gateway in fronts.items():
            assert gateway.process.returncode is None, front
            assert not [line for line in gateway.log if "ERROR" in line or "Traceback" in line], gateway.log


@pytest.fixture
def field(running_field: Field) -> Field:
    running_field.wethod.asked.clear()
    running_field.wethod.script = [DELETES]
    return running_field


async def take(client: Client, expected: Reply, seconds: float = PATIENCE_SECONDS) -> Reply:
    """Read one answer; its `Date`, its length and its `X-Request-ID` are checked here."""
    got = await client.answer(head_only=expected.head_only, seconds=seconds)
    headers = dict(got.headers)
    assert headers.pop("date").endswith(" GMT")
    assert expected.head_only or int(headers.pop("content-length")) == len(got.body)
    headers.pop("content-length", None)
    # No attack sends a usable request id, so the endpoint makes one.
    assert bool(re.fullmatch("[0-9a-f]{32}", headers.pop("x-request-id", ""))) == expected.by_application
    is_json = "json" in headers["content-type"] and not expected.head_only
    return Reply(got.status, got.json if is_json else got.body.decode(), headers, head_only=expected.head_only)


async def expect(client: Client, expected: Reply) -> None:
    assert await take(client, expected) == expected


@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
async def test_each_attack_gets_the_exact_answers_of_its_row(field: Field, attack: Attack, *, apart: bool) -> None:
    """Only what the row names is deleted, and the next valid request is served."""
    field.wethod.script = [attack.wethod or DELETES]
    cut = min(len(attack.data) // 2, CUT_AT) if apart else 0
    async with field.connect(attack.front) as client:
        async with asyncio.timeout(ANSWERS_SECONDS):
            await client.send(attack.data[:cut])
            if apart:
                await asyncio.sleep(0.005)
            await client.send(attack.data[cut:])
            for expected in (*attack.earlier, attack.reply):
                await expect(client, expected)
        assert [asked.target for asked in field.wethod.asked] == list(attack.deleted)
        closes = attack.reply.closes
        if closes:
            assert await client.rest() == b""
        async with field.connect(attack.front) if closes else contextlib.nullcontext(client) as next_client:
            field.wethod.script = [DELETES]
            await next_client.send(GOOD)
            await expect(next_client, DELETED)
            # No request that was hidden in the bytes arrived later.
            assert [asked.target for asked in field.wethod.asked] == [*attack.deleted, "/api/contact/8"]


def test_each_attack_has_a_name_of_its_own() -> None:
    assert len(ATTACKS) == sum(map(len, GROUPS.values()))
