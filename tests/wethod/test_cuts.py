"""A caller that leaves and a deadline that passes, at any moment, cost the connection at most."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.faults.server import FaultServer
from tests.wethod.exchanges import LOOPS, delete, http1, until

if TYPE_CHECKING:
    import ssl

    from app.wethod.http1 import Http1Transport
    from app.wethod.transport import Reply

pytestmark = pytest.mark.parametrize("anyio_backend", LOOPS)

TURNS = 60
"""Turns of the event loop within which an exchange with a new connection is over."""


def check_target(reply: Reply, target: bytes) -> None:
    """Check that a reply is to the request for a target, as the server names it."""
    assert dict(reply.headers)[b"content-location"] == target
    assert reply.body in {None, b"", target}


async def check_soundness(transport: Http1Transport, limit: int) -> None:
    """Check that every connection rests or is gone, and that as many as ever can be had."""
    await until(lambda: transport.open_connections == transport.idle_connections)
    assert transport.waiting == 0
    assert transport.idle_connections <= limit
    targets = [b"/sound/%d" % number for number in range(2 * limit)]
    replies = await asyncio.gather(*(transport.send(delete(target)) for target in targets))
    for reply, target in zip(replies, targets, strict=True):
        check_target(reply, target)


@pytest.mark.parametrize("state", ["idle", "fresh"])
async def test_a_caller_may_leave_in_any_turn(tls: ssl.SSLContext | None, state: str) -> None:
    """Cancelled before the connect, in it, in the handshake, before the head, in the body, at the end."""
    reached_the_end = 0
    async with FaultServer(tls=tls) as server, http1(server, max_connections=1) as transport:
        for turns in range(TURNS):
            if state == "idle":
                await transport.send(delete())
            target = b"/%d" % turns
            task = asyncio.create_task(transport.send(delete(target, fresh=state == "fresh")))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            try:
                check_target(await task, target)
                reached_the_end += 1
            except asyncio.CancelledError:
                await check_soundness(transport, 1)
        await check_soundness(transport, 1)
    assert 0 < reached_the_end < TURNS
