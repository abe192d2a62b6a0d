"""A caller that leaves and a deadline that passes, at any moment, cost the connection at most."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import pytest

from tests.faults.server import FaultServer
from tests.faults.steps import Hang, Read, Send
from tests.faults.transports import delete
from tests.http_client.exchanges import LOOPS, http1
from tests.support import until

if TYPE_CHECKING:
    import ssl

    from app.http_client.transport import Response
    from tests.faults.transports import AnyTransport

pytestmark = pytest.mark.parametrize("anyio_backend", LOOPS)

TURNS = 60
"""Turns of the event loop within which an exchange with a new connection is over."""


def check_target(reply: Response, target: bytes) -> None:
    """Check that a reply is to the request for a target, as the server names it."""
    assert reply.headers[b"content-location"] == target
    assert reply.body in {None, b"", target}


async def check_soundness(transport: AnyTransport, limit: int) -> None:
    """Check that every connection is idle or closed, and that the pool can still fill."""
    await until(lambda: transport.open_connections == transport.idle_connections)
    assert transport.waiting == 0
    assert transport.idle_connections <= limit
    targets = [b"/sound/%d" % number for number in range(2 * limit)]
    replies = await asyncio.gather(*(transport.send(delete(target)) for target in targets))
    for reply, target in zip(replies, targets, strict=True):
        check_target(reply, target)


@pytest.mark.parametrize("state", ["idle", "fresh"])
async def test_a_cancellation_in_any_turn_leaves_a_usable_pool(tls: ssl.SSLContext | None, state: str) -> None:
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


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n"], ids=["head", "body"])
async def test_a_cancellation_closes_the_connection_at_once(tls: ssl.SSLContext | None, head: bytes) -> None:
    async with FaultServer((Read(), Send(head), Hang()), tls=tls) as server, http1(server) as transport:
        task = asyncio.create_task(transport.send(delete(seconds=60)))
        await until(lambda: len(server.requests) == 1)
        await asyncio.sleep(0.02)
        task.cancel()
        await until(lambda: server.open == 0)
        assert transport.open_connections == 0


async def test_a_connection_for_a_cancelled_caller_goes_to_the_next() -> None:
    """The cancellation and the connection come in the same turn of the event loop."""
    async with FaultServer() as server, http1(server, max_connections=1) as transport:

        async def send_and_cancel() -> None:
            await transport.send(delete(b"/first"))
            second.cancel()

        first = asyncio.create_task(send_and_cancel())
        second = asyncio.create_task(transport.send(delete(b"/second")))
        third = asyncio.create_task(transport.send(delete(b"/third")))
        check_target(await third, b"/third")
        await first
        assert second.cancelled()
        assert [request.target for request in server.requests] == [b"/first", b"/third"]


async def test_an_exchange_that_fails_for_a_cancelled_caller_is_not_logged() -> None:
    """The failure and the cancellation come in the same turn of the event loop."""
    complaints: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    async with FaultServer((Read(), Hang())) as server, http1(server) as transport:
        task = asyncio.create_task(transport.send(delete()))
        await until(lambda: len(server.requests) == 1)
        closing = asyncio.create_task(transport.aclose())
        loop.call_soon(task.cancel)
        await closing
        with pytest.raises(asyncio.CancelledError):
            await task
        del task
        gc.collect()
    assert complaints == []
