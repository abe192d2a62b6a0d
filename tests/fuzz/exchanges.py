"""The connections to Wethod under mutated replies: what the caller is told, and whether another request may follow."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.http_client.connection import Connection
from app.http_client.transport import BodyNeed, Interrupted, Reply, body_need
from tests.fuzz.mutations import in_a_row, mutate, split
from tests.fuzz.reference import read_answer
from tests.fuzz.replies import CORPUS

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

SOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnext"
NEXT = Reply(404, ((b"content-length", b"4"),), b"next")


class Owner:
    """Who is told what becomes of a connection, and does not care."""

    def made(self, connection: Connection) -> None:
        """It is open."""

    def rested(self, connection: Connection) -> None:
        """It rests."""

    def ended(self, connection: Connection) -> None:
        """It ends."""

    def lost(self, connection: Connection) -> None:
        """It is closed."""


class Line(asyncio.Transport):
    """Takes what is written, on a socket on which nothing ever arrives."""

    def __init__(self, quiet: socket.socket) -> None:
        super().__init__()
        self._quiet = quiet
        self._over = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """The socket; no TLS."""
        return self._quiet if name == "socket" else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take it."""
        assert not self._over
        assert data

    def is_closing(self) -> bool:
        """Whether it is over."""
        return self._over

    def close(self) -> None:
        """The end."""
        self._over = True

    abort = close


@dataclass(frozen=True, slots=True)
class Told:
    """What became of an exchange.

    Attributes:
        reply: what its caller was told; None for `Interrupted`.
        usable: another request may follow.
    """

    reply: Reply | None
    usable: bool


def connect(quiet: socket.socket) -> Connection:
    """A connection."""
    connection = Connection(Owner(), asyncio.get_running_loop(), idle_seconds=60)
    connection.connection_made(Line(quiet))
    return connection


def exchange(connection: Connection, pieces: Iterable[bytes], *, ended: bool) -> Told:
    """Ask, and let the connection hear these pieces."""
    now = asyncio.get_running_loop().time()
    pending = connection.exchange(b"DELETE / HTTP/1.1\r\n\r\n", now + 60)
    for piece in pieces:
        connection.data_received(piece)
    if ended:
        connection.eof_received()
    usable = connection.is_usable(now)
    if not pending.done():
        connection.end("the input is over")
    try:
        reply = pending.result()
    except Interrupted:
        return Told(None, usable)
    if body_need(reply.status, reply.headers) is BodyNeed.FIRST_BYTE and reply.body:
        reply = Reply(reply.status, reply.headers, reply.body[:1])
    return Told(reply, usable)


def end(connection: Connection, told: Told) -> None:
    """Ask once more where that may be, and end the connection."""
    if told.usable:
        assert exchange(connection, [SOUND], ended=False) == Told(NEXT, usable=True)
    connection.end("the input is over")
    connection.connection_lost(None)


class Target:
    """The connections, with the one socket that they all have."""

    def __init__(self) -> None:
        self._quiet, self._other = socket.socketpair()

    def close(self) -> None:
        """Close it."""
        self._quiet.close()
        self._other.close()

    def check(self, chance: random.Random) -> None:
        """Let two connections hear one input and compare.

        Raises:
            AssertionError: it is told otherwise in pieces, or more is told than the RFC says.
        """
        self.examine(in_a_row(chance, mutate(chance, CORPUS)), chance)

    def examine(self, packets: list[bytes], chance: random.Random) -> None:
        """Compare what is told of each packet, alone and behind the others."""
        if not packets:
            return
        together = connect(self._quiet)
        for number, packet in enumerate(packets, 1):
            ended = number == len(packets) and chance.random() < 0.5
            alone = self._alone(packet, chance, ended=ended)
            told = exchange(together, [packet], ended=ended)
            assert told == alone
            if not told.usable:
                break
        end(together, told)

    def _alone(self, data: bytes, chance: random.Random, *, ended: bool) -> Told:
        """What is told of one packet on a connection of its own, whole and in pieces."""
        both = []
        for pieces in ([data], split(chance, data)):
            connection = connect(self._quiet)
            both.append(exchange(connection, pieces, ended=ended))
            end(connection, both[-1])
        whole, apart = both
        assert whole == apart
        expected = read_answer(data, ended=ended)
        if whole.reply is not None:
            assert (whole.reply.status, whole.reply.headers) == (expected.status, expected.fields)
            if whole.reply.body and body_need(expected.status, expected.fields) is BodyNeed.WHOLE:
                assert whole.reply.body == expected.body
        assert not whole.usable or (expected.keeps_alive and not ended)
        return whole
