"""Every attack, as bytes on a socket, against a gateway process with the defaults of production."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING

import pytest

from tests.attack.attack import ORIGIN, Attack, Front, Reply, outcome
from tests.attack.catalogue import ATTACKS, GROUPS
from tests.attack.wire import ask
from tests.program import running
from tests.server.serving import PATIENCE_SECONDS, Client
from tests.upstream import Answer, Asked, answer, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.upstream import Upstream

GOOD = ask('mutation{deleteContact(id:"8"){__typename}}')
DELETED = outcome("DeleteContactSuccess")
CUT_AT = 40
"""In the first head: what is refused by its head alone may be answered before its body is there."""

FRONTS: dict[Front, dict[str, str]] = {"defaults": {}, "cors": {"GATEWAY_CORS_ORIGINS": ORIGIN}}


class Field:
    """A recording Wethod, and the gateways that are attacked.

    Attributes:
        answers: what Wethod answers.
    """

    def __init__(self, wethod: Upstream, ports: dict[Front, int]) -> None:
        self.wethod = wethod
        self.ports = ports
        self.answers: Answer = answer(200)

    @contextlib.asynccontextmanager
    async def connect(self, front: Front) -> AsyncIterator[Client]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.ports[front])
        try:
            yield Client(reader, writer)
        finally:
            writer.close()


@pytest.fixture(scope="module")
async def running_field() -> AsyncIterator[Field]:
    def script(asked: Asked) -> Answer:
        return here.answers

    async with contextlib.AsyncExitStack() as stack:
        wethod = await stack.enter_async_context(upstream(script))
        fronts = {
            front: await stack.enter_async_context(running(wethod.url, environ)) for front, environ in FRONTS.items()
        }
        here = Field(wethod, {front: int(gateway.url.rpartition(":")[2]) for front, gateway in fronts.items()})
        yield here
        for front, gateway in fronts.items():
            assert gateway.process.returncode is None, front
            assert not [line for line in gateway.log if "ERROR" in line or "Traceback" in line], gateway.log


@pytest.fixture
def field(running_field: Field) -> Field:
    running_field.wethod.asked.clear()
    running_field.answers = answer(200)
    return running_field


async def take(client: Client, expected: Reply, seconds: float = PATIENCE_SECONDS) -> Reply:
    """Read one answer; its `Date`, its length and its `X-Request-ID` are checked here."""
    got = await client.answer(head_only=expected.head_only, seconds=seconds)
    headers = dict(got.headers)
    assert headers.pop("date").endswith(" GMT")
    assert expected.head_only or int(headers.pop("content-length")) == len(got.body)
    headers.pop("content-length", None)
    # No attack sends an id that is fit to be used.
    assert bool(re.fullmatch("[0-9a-f]{32}", headers.pop("x-request-id", ""))) == expected.by_application
    is_json = "json" in headers["content-type"] and not expected.head_only
    return Reply(got.status, got.json if is_json else got.body.decode(), headers, head_only=expected.head_only)


@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
async def test_each_attack_gets_the_exact_answers_of_its_row(field: Field, attack: Attack, *, apart: bool) -> None:
    """Nothing is deleted that the row does not name, and the next valid request is served."""
    field.answers = attack.wethod or answer(200)
    cut = min(len(attack.data) // 2, CUT_AT) if apart else 0
    async with field.connect(attack.front) as client:
        async with asyncio.timeout(attack.seconds):
            await client.send(attack.data[:cut])
            if apart:
                await asyncio.sleep(0.005)
            await client.send(attack.data[cut:])
            replies = tuple([await take(client, expected) for expected in attack.replies])
        assert replies == attack.replies
        assert [asked.target for asked in field.wethod.asked] == list(attack.deleted)
        closes = attack.replies[-1].closes
        if closes:
            assert await client.rest() == b""
        async with field.connect(attack.front) if closes else contextlib.nullcontext(client) as next_client:
            field.answers = answer(200)
            await next_client.send(GOOD)
            assert await take(next_client, DELETED) == DELETED
            # No request that was hidden in the bytes followed later.
            assert [asked.target for asked in field.wethod.asked] == [*attack.deleted, "/api/contact/8"]


def test_each_attack_has_a_name_of_its_own() -> None:
    assert len(ATTACKS) == sum(map(len, GROUPS.values()))
