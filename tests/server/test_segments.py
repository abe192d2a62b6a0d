"""However the wire cuts a stream of bytes, it is the same requests: by chance, on a transport that cuts exactly."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import math
import socket
from collections import deque
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from app.server.config import ServerConfig
from app.server.connection import Connection
from app.server.lifecycle import Lifecycle
from app.server.state import WorkerState
from tests.server.serving import echo, request

if TYPE_CHECKING:
    import pytest
    from starlette.types import Receive, Scope, Send

CHUNKED = b"POST /chunked HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"

GOOD = [
    request(b"/get?a=b", method=b"GET"),
    request(b"/post", b'{"a": 1}'),
    request(b"/empty"),
    request(b"/long", b"x" * 3_000, b"POST", b"X: " + b"v" * 300),
    request(b"/upgrade", b"body", b"POST", b"Connection: upgrade", b"Upgrade: h2c"),
    CHUNKED + b"3\r\nabc\r\n1;e=f\r\nd\r\n0\r\n\r\n",
    CHUNKED + b"1\r\na\r\n0\r\nTrailer: dropped\r\n\r\n",
    b"\r\n" + request(b"/line-end"),
]

LAST = [
    b"",
    request(b"/close", b"{}", b"POST", b"Connection: close"),
    request(b"/old", version=b"1.0"),
    b"GARBAGE\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    request(b"/long", method=b"GET") + request(b"/", b"", b"GET", b"X: " + b"v" * 2_000),
    request(b"/half", b"12345")[:-1],
    CHUNKED + b"zz\r\n",
    request(b"/upgrade", b"", b"CONNECT"),
]


class Wire(asyncio.Transport):
    """Hands over exactly the pieces it is given, and none while reading is paused."""

    def __init__(self, pieces: list[bytes]) -> None:
        super().__init__()
        self.pieces = deque(pieces)
        self.written = b""
        self.socket: socket.socket | None = None
        self.closed = self.eof = self.paused = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """No names; a socket only for a test that sets one."""
        return self.socket if name == "socket" else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep what is sent."""
        assert not self.eof
        self.written += data

    def get_write_buffer_size(self) -> int:
        """Everything is away at once."""
        return 0

    def pause_reading(self) -> None:
        """Hand over nothing for now."""
        assert not self.paused
        self.paused = True

    def resume_reading(self) -> None:
        """Go on."""
        assert self.paused
        self.paused = False

    def is_closing(self) -> bool:
        """It has ended."""
        return self.closed

    def write_eof(self) -> None:
        """This side sends no more."""
        self.eof = True

    def close(self) -> None:
        """The end."""
        self.closed = True

    abort = close


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Echo what comes whole."""
    with contextlib.suppress(ConnectionError):
        await echo(scope, receive, send)


def connect(wire: Wire, lifespan_state: dict[str, Any]) -> tuple[Connection, WorkerState]:
    """A connection over a wire."""
    state = WorkerState(ServerConfig(max_header_bytes=1_024), Lifecycle())
    connection = Connection(app, state, lifespan_state, set())
    connection.connection_made(wire)
    return connection, state


async def converse(pieces: list[bytes]) -> bytes:
    """Send these pieces and return the connection's answers without dates."""
    wire = Wire(pieces)
    connection, state = connect(wire, {})
    await play(wire, connection, state, most_quiet_turns=10)
    return wire.written.replace(state.date, b"")


async def play(wire: Wire, connection: Connection, state: WorkerState, *, most_quiet_turns: int) -> None:
    """Hand the pieces over, wait until nothing moves any more, and end the connection: nothing is left behind."""
    quiet_turns = written = 0
    while not wire.closed and quiet_turns < most_quiet_turns:
        if wire.pieces and not wire.paused:
            connection.data_received(wire.pieces.popleft())
            quiet_turns = 0
        await asyncio.sleep(0)
        quiet_turns = quiet_turns + 1 if len(wire.written) == written else 0
        written = len(wire.written)
    if not wire.closed:
        connection.expire(math.inf)
    connection.connection_lost(None)
    if state.tasks:
        await asyncio.wait(state.tasks, timeout=1)
    assert not state.tasks


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data, cut at these places."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in itertools.pairwise(places)]


@given(
    st.lists(st.sampled_from(GOOD), max_size=6),
    st.sampled_from(LAST),
    st.lists(st.integers(0, 20_000), max_size=12),
)
def test_the_same_bytes_are_the_same_requests(good: list[bytes], last: bytes, cuts: list[int]) -> None:
    """Answers, their order and the refusal at the end do not depend on the packets."""
    data = b"".join([*good, last])
    whole = asyncio.run(converse([data] if data else []))
    assert asyncio.run(converse(split(data, cuts))) == whole
    assert whole.count(b"HTTP/1.1 200 OK") >= len(good)
    if len(data) < 2_000:
        assert asyncio.run(converse([data[at : at + 1] for at in range(len(data))])) == whole


@given(
    st.lists(
        st.one_of(st.binary(max_size=40), st.sampled_from([*GOOD, *LAST, b"\r\n", b"\r\n\r\n", b"0\r\n", b": "])),
        max_size=8,
    ),
    st.lists(st.integers(0, 20_000), max_size=6),
)
def test_no_bytes_break_a_connection(parts: list[bytes], cuts: list[int]) -> None:
    """Whatever comes, every answer is an application's or a refusal, and nothing is left behind."""
    answers = asyncio.run(converse(split(b"".join(parts), cuts)))
    for line in answers.split(b"\r\n"):
        if line.startswith(b"HTTP/"):
            assert line.split(b" ")[1] in {b"100", b"200", b"400", b"408", b"414", b"431", b"503"}


BODIES = [b"", b"{}", b"[]", b"\r\n", b"\r\n\r\n", b"{}\r\n", b'{"a": 1}', b'{"b": 2}', b"POST / HT"]

REQUESTS = [
    *GOOD,
    *(request(b"/post", body) for body in BODIES),
    *(request(b"/post", body, b"POST", b"X: 1") for body in BODIES),
    *(request(b"/post", body) + end for body in BODIES for end in (b"\r\n", b"\r\n\r\n")),
    request(b"/get", b"", b"GET"),
    request(b"/wait", b"{}", b"POST", b"Expect: 100-continue"),
    CHUNKED + b"2\r\n{}\r\n0\r\n\r\n",
    CHUNKED + b"2\r\n[]\r\n0\r\n\r\n",
]


@given(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=4), st.sampled_from(LAST), st.integers(1, 3))
def test_what_came_before_changes_nothing(kinds: list[bytes], last: bytes, times: int) -> None:
    """Each request is answered as on a connection of its own, however often it or its head came before."""
    pieces = [*(kinds * times), *([last] if last else [])]
    alone = b"".join(asyncio.run(converse([piece])) for piece in pieces)
    assert asyncio.run(converse(pieces)) == alone


def test_a_fault_of_ours_is_no_fault_of_the_clients(caplog: pytest.LogCaptureFixture) -> None:
    """An exception in a callback of the parser is a 500, and in the log."""
    caplog.set_level(logging.ERROR)

    class Broken(dict[str, Any]):
        def copy(self) -> dict[str, Any]:
            raise ZeroDivisionError

    async def ask() -> bytes:
        wire = Wire([])
        connection, _ = connect(wire, Broken())
        connection.data_received(request())
        return wire.written

    answer = asyncio.run(ask())
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"ZeroDivisionError" not in answer
    assert "ZeroDivisionError" in caplog.text


async def test_an_idle_connection_does_not_expire_on_unread_bytes() -> None:
    """A request that the kernel has, and the event loop has not read, would be reset: it is read and answered."""
    wire = Wire([])
    connection, _ = connect(wire, {})
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire.socket = ours
        theirs.sendall(request())
        an_hour_on = asyncio.get_running_loop().time() + 3_600
        connection.expire(an_hour_on)
        assert not wire.is_closing()
        connection.data_received(ours.recv(4096))
        for _ in range(5):
            await asyncio.sleep(0)
        assert wire.written.startswith(b"HTTP/1.1 200 ")
        connection.expire(an_hour_on)
        assert wire.is_closing()
    connection.connection_lost(None)
