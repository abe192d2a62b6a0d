"""Slow clients are cut off at the default's ten seconds, all at once; excess clients are refused at once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import pytest

from tests.attack.test_attacks import DELETED, GOOD, Field, expect, take
from tests.attack.waiting import BODY, CROWDS, HEAD, IN_FLIGHT, READ_SECONDS, REQUEST, SHARE, SLOW, Slow
from tests.attack.wire import ask
from tests.program import running
from tests.upstream import HANGING, Answer, answer, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.attack.attack import Reply
    from tests.server.serving import Client

SLACK_SECONDS = 15.0


@contextlib.asynccontextmanager
async def attacked(script: Answer, **environ: str) -> AsyncIterator[Field]:
    """A new gateway, before a Wethod with one answer."""
    async with upstream([script]) as wethod, running(wethod.url, environ) as gateway:
        yield Field(wethod, {"defaults": gateway})


async def trickle(field: Field, slow: Slow) -> tuple[Reply | None, float]:
    started = time.monotonic()
    async with field.connect() as client:

        async def send() -> None:
            with contextlib.suppress(ConnectionError):
                for piece in slow.pieces:
                    await client.send(piece)
                    await asyncio.sleep(slow.pause_seconds)

        sending = asyncio.create_task(send())
        try:
            async with asyncio.timeout(READ_SECONDS + 2 * SLACK_SECONDS):
                if slow.reply is None:
                    # A line end that arrives as the gateway closes is answered with a reset.
                    with contextlib.suppress(ConnectionResetError):
                        assert await client.rest(READ_SECONDS + SLACK_SECONDS) == b""
                    return None, time.monotonic() - started
                reply = await take(client, slow.reply, seconds=READ_SECONDS + SLACK_SECONDS)
                return reply, time.monotonic() - started
        finally:
            sending.cancel()


@pytest.fixture(scope="module")
async def findings() -> dict[str, tuple[Reply | None, float]]:
    """Attack with twenty slow clients of each kind at the same time, while other clients are served."""
    async with attacked(answer(200)) as field:
        tasks = {name: [asyncio.create_task(trickle(field, slow)) for _ in range(20)] for name, slow in SLOW.items()}
        for _ in range(8):
            await asyncio.sleep(1)
            async with field.connect() as client:
                await client.send(GOOD)
                await expect(client, DELETED)
        found = {name: await asyncio.gather(*group) for name, group in tasks.items()}
        assert [asked.target for asked in field.wethod.asked] == ["/api/contact/8"] * 8
    for name, got in found.items():
        assert {repr(reply) for reply, _ in got} == {repr(got[0][0])}, name
    return {name: (got[0][0], max(seconds for _, seconds in got)) for name, got in found.items()}


@pytest.mark.parametrize("name", SLOW)
async def test_a_slow_client_is_cut_off(findings: dict[str, tuple[Reply | None, float]], name: str) -> None:
    """A request that is complete in time is answered."""
    slow = SLOW[name]
    reply, seconds = findings[name]
    assert reply == slow.reply
    assert seconds >= slow.after_seconds - 0.1  # a timer of uvloop may fire early


async def test_requests_beyond_the_limits_are_refused_at_once() -> None:
    """The next delete is unavailable, the next request is a 503, and accepted requests are answered."""
    async with (
        attacked(HANGING, GATEWAY_MAX_IN_FLIGHT=str(IN_FLIGHT), WETHOD_TIMEOUT_SECONDS="1") as field,
        contextlib.AsyncExitStack() as stack,
    ):

        async def connect() -> Client:
            return await stack.enter_async_context(field.connect())

        mutation = 'mutation{deleteContact(id:"%d"){__typename ...on WethodError{key}}}'
        deleting = [await connect() for _ in range(SHARE)]
        for number, client in enumerate(deleting, 1):
            await client.send(ask(mutation % number))
        await field.wethod.asked_for(SHARE)
        late = await connect()
        await late.send(ask(mutation % 9))
        await expect(late, CROWDS["crowd-deletes-next"][1])
        for client in deleting:
            await expect(client, CROWDS["crowd-deletes-last"][1])
        assert sorted(asked.target for asked in field.wethod.asked) == [f"/api/contact/{i + 1}" for i in range(SHARE)]
        withholding = [await connect() for _ in range(2 * IN_FLIGHT)]
        for client in withholding:
            await client.send(HEAD)
        await asyncio.sleep(0.1)
        await late.send(REQUEST)
        await expect(late, CROWDS["crowd-requests-next"][1])
        for client in withholding:
            await client.send(BODY)
            await expect(client, CROWDS["crowd-requests-last"][1])
        field.wethod.script = [answer(200)]
        last = await connect()
        await last.send(GOOD)
        await expect(last, DELETED)
