"""The connections to Wethod under mutated replies: the outcome, and whether another request may follow."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.headers import parse_headers
from app.http_client.connection import Connection
from app.http_client.transport import Interrupted, Request, Response
from tests.faults.transports import body_needed
from tests.fuzz.mutations import in_a_row, mutate, split
from tests.fuzz.reference import read_answer
from tests.fuzz.replies import CORPUS, first_character

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

SOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnext"
NEXT = Response(404, parse_headers(((b"content-length", b"4"),)), b"next")


class Owner:
    def on_open(self, connection: Connection) -> None:
        """Do nothing."""

    def on_idle(self, connection: Connection) -> None:
        """Do nothing."""

    def on_end(self, connection: Connection) -> None:
        """Do nothing."""

    def on_closed(self, connection: Connection) -> None:
        """Do nothing."""


class Line(asyncio.Transport):
    """A transport that keeps what is written, on a socket that never receives."""

    def __init__(self, quiet: socket.socket) -> None:
        super().__init__()
        self._quiet = quiet
        self._over = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._quiet if name == "socket" else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self._over
        assert data

    def is_closing(self) -> bool:
        return self._over

    def close(self) -> None:
        self._over = True

    abort = close


@dataclass(frozen=True, slots=True)
class Result:
    """The result of an exchange.

    Attributes:
        response: the caller's response; None for `Interrupted`.
        usable: another request may follow.
    """

    response: Response | None
    usable: bool


def connect(quiet: socket.socket) -> Connection:
    connection = Connection(Owner(), asyncio.get_running_loop(), idle_seconds=60)
    connection.connection_made(Line(quiet))
    return connection


def exchange(connection: Connection, pieces: Iterable[bytes], *, ended: bool) -> Result:
    """Send a request, and feed the connection these pieces."""
    now = asyncio.get_running_loop().time()
    request = Request(b"DELETE", b"/", (), now + 60, now + 60, body_needed)
    pending = connection.exchange(request, b"DELETE / HTTP/1.1\r\n\r\n")
    for piece in pieces:
        connection.data_received(piece)
    if ended:
        connection.eof_received()
    usable = connection.is_usable(now)
    if not pending.done():
        connection.end("the input is over")
    try:
        response = pending.result()
    except Interrupted:
        return Result(None, usable)
    body = response.body
    if body_needed(response.status, response.headers) == "first":
        body = first_character(body)
    # Which request of a connection it was does not matter here.
    return Result(Response(response.status, response.headers, body), usable)


def end(connection: Connection, result: Result) -> None:
    """Send another request if the connection is usable, and end the connection."""
    if result.usable:
        assert exchange(connection, [SOUND], ended=False) == Result(NEXT, usable=True)
    connection.end("the input is over")
    connection.connection_lost(None)


def check(rng: random.Random) -> None:
    """Feed two connections one input and compare.

    Raises:
        AssertionError: the result differs in pieces, or has more than the RFC allows.
    """
    examine(in_a_row(rng, mutate(rng, CORPUS)), rng)


def examine(packets: list[bytes], rng: random.Random) -> None:
    """Compare the outcome of each packet, alone and behind the others."""
    if not packets:
        return
    quiet, other = socket.socketpair()
    with quiet, other:
        together = connect(quiet)
        for number, packet in enumerate(packets, 1):
            ended = number == len(packets) and rng.random() < 0.5
            expected = alone(quiet, packet, rng, ended=ended)
            result = exchange(together, [packet], ended=ended)
            assert result == expected
            if not result.usable:
                break
        end(together, result)


def alone(quiet: socket.socket, data: bytes, rng: random.Random, *, ended: bool) -> Result:
    """The result of one packet on a new connection, whole and in pieces."""
    both = []
    for pieces in ([data], split(rng, data)):
        connection = connect(quiet)
        both.append(exchange(connection, pieces, ended=ended))
        end(connection, both[-1])
    whole, apart = both
    assert whole == apart
    expected = read_answer(data, ended=ended)
    if whole.response is not None:
        headers = parse_headers(expected.fields)
        assert (whole.response.status, whole.response.headers) == (expected.status, headers)
        if whole.response.body and body_needed(expected.status, headers) == "whole":
            assert whole.response.body == expected.body
    assert not whole.usable or (expected.keeps_alive and not ended)
    return whole
