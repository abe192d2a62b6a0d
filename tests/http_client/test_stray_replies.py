"""No caller gets the answer of another, for any bytes that Wethod sends, in any pieces."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http_client.transport import Response
from tests.faults.server import Connection, FaultServer
from tests.http_client.exchanges import LOOPS, delete, http1, outcome
from tests.support import until

pytestmark = pytest.mark.parametrize("anyio_backend", LOOPS)

SHAPES = {
    "length": b"HTTP/1.1 404 Not Found\r\nTag: %b\r\nContent-Length: 16\r\n\r\n%b",
    "length-unread": b"HTTP/1.1 200 OK\r\nTag: %b\r\nContent-Length: 16\r\n\r\n%b",
    "chunked": b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nTag: %b\r\n\r\n10\r\n%b\r\n0\r\nA: b\r\n\r\n",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nTag: %b\r\nContent-Length: 16\r\n\r\n%b",
    "page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTag: %b\r\nContent-Length: 16\r\n\r\n%b",
    "close": b"HTTP/1.1 404 Not Found\r\nTag: %b\r\nConnection: close\r\nContent-Length: 16\r\n\r\n%b",
    "endless": b"HTTP/1.1 404 Not Found\r\nTag: %b\r\n\r\n%b",
}


def tagged(number: int) -> bytes:
    """Make the tag of the answer to a request: no edit below makes one of another."""
    return b"%d" % number * 16


@dataclass(frozen=True, slots=True)
class Turn:
    """The answer to one request.

    Attributes:
        shape: key of ``SHAPES``.
        edits: what is replaced in the bytes: where, how many, by what.
        behind: what follows them.
        places: where they are cut into pieces.
        hangs_up: whether the connection ends after them.
    """

    shape: str
    edits: list[tuple[int, int, bytes]]
    behind: bytes
    places: list[int]
    hangs_up: bool


STRAY = SHAPES["length"] % (b"stray" * 3 + b"s", b"stray" * 3 + b"s")

turns = st.builds(
    Turn,
    st.sampled_from(sorted(SHAPES)),
    st.lists(st.tuples(st.integers(0, 120), st.integers(0, 3), st.binary(max_size=3)), max_size=2),
    st.sampled_from([b"", b"", b"\r\n", b"H", b"HTTP/1.1 200 OK\r\n", STRAY, STRAY + STRAY]),
    st.lists(st.integers(0, 200), max_size=5),
    st.sampled_from([False, False, True]),
)


@dataclass(slots=True)
class Answering:
    """Answers each request by its turn, and sets an event when all of its bytes are with the kernel."""

    plan: list[Turn]
    sent: asyncio.Event = field(default_factory=asyncio.Event)

    async def play(self, connection: Connection) -> None:
        """Do it."""
        while True:
            await connection.read_request()
            number = int(connection.target[1:])
            turn = self.plan[number]
            data = SHAPES[turn.shape] % (tagged(number), tagged(number))
            for start, length, replacement in turn.edits:
                data = data[:start] + replacement + data[start + length :]
            data += turn.behind
            try:
                for start, end in zip([0, *sorted(turn.places)], [*sorted(turn.places), len(data)], strict=True):
                    await connection.wire.send(data[start:end])
                    await asyncio.sleep(0)
                if turn.hangs_up:
                    await connection.wire.notify_close()
                    connection.wire.finish()
            finally:
                self.sent.set()


@given(st.lists(turns, min_size=1, max_size=4))
async def test_an_answer_is_never_anothers(plan: list[Turn]) -> None:
    """A reply has the tag of its own request or, where that was mangled, of none; the pool is sound afterwards."""
    sound = Turn("length", [], b"", [], hangs_up=False)
    upstream = Answering([*plan, sound, sound, sound])
    async with FaultServer(then=(upstream,)) as server, http1(server, max_connections=2) as transport:
        for number in range(len(upstream.plan)):
            upstream.sent.clear()
            is_sound = number >= len(plan)
            end = await outcome(transport, delete(b"/%d" % number, answer_in=2.0 if is_sound else 0.03))
            await asyncio.wait_for(upstream.sent.wait(), 2)
            if isinstance(end, Response):
                told = {end.headers.get(b"tag", b""), (end.body or b"")[:16]}
                others = {tagged(other) for other in range(len(upstream.plan)) if other != number}
                assert not told & others
                assert not any(b"stray" in one for one in told)
            if is_sound:
                tag = tagged(number)
                assert isinstance(end, Response)
                assert (end.status, end.headers[b"tag"], end.body) == (404, tag, tag)
        await until(lambda: transport.open_connections == transport.idle_connections)
        assert transport.idle_connections == 1
        assert len(server.complete) == len(upstream.plan)
