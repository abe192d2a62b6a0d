"""An in-memory transport for one server connection, and requests for it."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING, Any

from tests.server.serving import request

if TYPE_CHECKING:
    import socket

    from app.server.connection import Connection
    from app.server.state import WorkerState

CLIENT = ("203.0.113.7", 4711)
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
    """A transport that delivers the given pieces, and none while reading is paused.

    Attributes:
        unsent: the bytes that the client has not read yet.
    """

    def __init__(self, pieces: list[bytes]) -> None:
        super().__init__()
        self.pieces = deque(pieces)
        self.written = b""
        self.socket: socket.socket | None = None
        self.unsent = 0
        self.closed = self.aborted = self.eof = self.paused = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return the socket that a test has set; nothing else is known."""
        return self.socket if name == "socket" else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.eof
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        assert not self.paused
        self.paused = True

    def resume_reading(self) -> None:
        assert self.paused
        self.paused = False

    def is_reading(self) -> bool:
        return not self.paused

    def is_closing(self) -> bool:
        return self.closed

    def write_eof(self) -> None:
        self.eof = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True


async def play(wire: Wire, connection: Connection, state: WorkerState, *, max_idle_turns: int) -> None:
    """Deliver the pieces, wait for the last answer, and end the connection; no task may be left."""
    idle_turns = written = 0
    while not wire.closed and idle_turns < max_idle_turns:
        if wire.pieces and not wire.paused:
            connection.data_received(wire.pieces.popleft())
            idle_turns = 0
        await asyncio.sleep(0)
        idle_turns = idle_turns + 1 if len(wire.written) == written else 0
        written = len(wire.written)
    if not wire.closed:
        connection.expire(math.inf)
    connection.connection_lost(None)
    if state.tasks:
        await asyncio.wait(state.tasks, timeout=1)
    assert not state.tasks
