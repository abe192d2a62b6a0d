"""Fair shares: one caller cannot hold every connection, and waiting callers take turns."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from app.http_client.transport import NotSent
from tests.faults.server import FaultServer
from tests.faults.steps import SOUND
from tests.faults.transports import TRANSPORTS, delete, transport_to
from tests.faults.unreachable import full_backlog
from tests.http_client.exchanges import Gate, gated
from tests.support import until

if TYPE_CHECKING:
    from app.http_client.transport import Request, Response
    from tests.faults.transports import AnyTransport

pytestmark = pytest.mark.parametrize("name", TRANSPORTS)

A, B, C = b"Bearer a", b"Bearer b", b"Bearer c"


def send(transport: AnyTransport, request: Request) -> asyncio.Task[Response]:
    return asyncio.create_task(transport.send(request))


@pytest.mark.parametrize(("limit", "share"), [(1, 1), (2, 1), (3, 2), (4, 3), (8, 6), (10, 7)])
async def test_one_share_holds_at_most_three_quarters(name: str, limit: int, share: int) -> None:
    gate = Gate()
    async with (
        FaultServer(then=gated(gate)) as server,
        transport_to(name, server.origin, max_connections=limit) as transport,
    ):
        sent = [send(transport, delete(b"/a", key=A)) for _ in range(limit + 3)]
        await until(lambda: gate.waiting == share)
        await asyncio.sleep(0.02)
        assert (gate.waiting, len(server.requests)) == (share, share)
        if limit > 1:
            sent.append(send(transport, delete(b"/b", key=B)))
            await until(lambda: gate.waiting == share + 1)
            assert server.requests[-1].target == b"/b"
        gate.opened.set()
        assert {response.status for response in await asyncio.gather(*sent)} == {200}
        assert gate.most <= limit


async def test_connections_that_are_being_opened_count_for_their_share(name: str) -> None:
    with full_backlog() as origin:
        async with transport_to(name, origin, max_connections=4, connect_seconds=0.5) as transport:
            opening = [send(transport, delete(key=A)) for _ in range(4)]
            await until(lambda: transport.waiting == 1)
            other = send(transport, delete(key=B))
            await asyncio.sleep(0.02)
            assert transport.waiting == 1
            for result in await asyncio.gather(*opening, other, return_exceptions=True):
                assert isinstance(result, NotSent)
                assert result.reason == "unreachable"


async def test_waiters_are_served_round_robin_by_share(name: str) -> None:
    gate = Gate()
    async with (
        FaultServer(then=gated(gate)) as server,
        transport_to(name, server.origin, max_connections=1) as transport,
    ):
        first = send(transport, delete(b"/first", key=C))
        await until(lambda: gate.waiting == 1)
        sent = [send(transport, delete(b"/a%d" % number, key=A)) for number in range(3)]
        sent += [send(transport, delete(b"/b%d" % number, key=B)) for number in range(2)]
        sent += [send(transport, delete(b"/c", key=C))]
        await until(lambda: transport.waiting == 6)
        gate.opened.set()
        await asyncio.gather(first, *sent)
        order = [request.target for request in server.requests]
        assert order == [b"/first", b"/a0", b"/b0", b"/c", b"/a1", b"/b1", b"/a2"]


async def test_a_share_at_its_limit_is_passed_over(name: str) -> None:
    """A free connection goes to another share, even if the first has waited longer."""
    of_a, of_b = Gate(), Gate()
    async with (
        FaultServer(*[gated(of_a)] * 3, gated(of_b), then=SOUND) as server,
        transport_to(name, server.origin, max_connections=4) as transport,
    ):
        sent = [send(transport, delete(b"/a", key=A)) for _ in range(3)]
        await until(lambda: of_a.waiting == 3)
        sent += [send(transport, delete(b"/b", key=B))]
        await until(lambda: of_b.waiting == 1)
        sent += [send(transport, delete(b"/a", key=A)), send(transport, delete(b"/c", key=C))]
        await until(lambda: transport.waiting == 2)
        of_b.opened.set()
        await sent[-1]
        assert transport.waiting == 1
        assert [request.target for request in server.requests] == [b"/a", b"/a", b"/a", b"/b", b"/c"]
        of_a.opened.set()
        await asyncio.gather(*sent)
        assert transport.waiting == 0


async def test_cancelled_waiters_of_many_shares_leave_every_place_free(name: str) -> None:
    async with (
        FaultServer(then=SOUND) as server,
        transport_to(name, server.origin, max_connections=2) as transport,
    ):
        for turns in range(12):
            sent = [send(transport, delete(key=key)) for key in (A, A, B, B, C, b"", b"")]
            for _ in range(turns):
                await asyncio.sleep(0)
            for task in sent[::2]:
                task.cancel()
            results = await asyncio.gather(*sent, return_exceptions=True)
            assert all(not isinstance(result, Exception) for result in results[1::2])
        assert transport.waiting == 0
        await asyncio.gather(*(transport.send(delete(key=key)) for key in (A, A, A, B, B, b"")))
