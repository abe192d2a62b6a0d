"""The connections to Wethod under mutated replies: what the caller is told, and whether another request may follow."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.wethod.connection import Connection
from app.wethod.transport import BodyNeed, Interrupted, Reply, body_need
from tests.fuzz.mutations import mutate, split
from tests.fuzz.reference import read_answer
from tests.fuzz.replies import CORPUS

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

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


async def exchange(pieces: Sequence[bytes], *, ended: bool, quiet: socket.socket) -> Told:
    """Ask over a connection of one's own, and let it hear these pieces; then ask again where that may be."""
    loop = asyncio.get_running_loop()
    connection = Connection(Owner(), loop, idle_seconds=60)
    connection.connection_made(Line(quiet))
    pending = connection.exchange(b"DELETE / HTTP/1.1\r\n\r\n", loop.time() + 60)
    for piece in pieces:
        connection.data_received(piece)
    if ended:
        connection.eof_received()
    usable = connection.is_usable(loop.time())
    if usable and len(pieces) == 1:
        # What came in one piece is known when it comes again.
        again = connection.exchange(b"DELETE /again HTTP/1.1\r\n\r\n", loop.time() + 60)
        connection.data_received(pieces[0])
        assert again.result() == pending.result()
        assert connection.is_usable(loop.time())
    if usable:
        following = connection.exchange(b"DELETE /next HTTP/1.1\r\n\r\n", loop.time() + 60)
        connection.data_received(SOUND)
        assert following.result() == NEXT
    connection.end("the input is over")
    connection.connection_lost(None)
    try:
        reply = pending.result()
    except Interrupted:
        return Told(None, usable)
    if body_need(reply.status, reply.headers) is BodyNeed.FIRST_BYTE and reply.body:
        reply = Reply(reply.status, reply.headers, reply.body[:1])
    return Told(reply, usable)


class Target:
    """The connections, with the one socket that they all have."""

    def __init__(self) -> None:
        self._quiet, self._other = socket.socketpair()

    def close(self) -> None:
        """Close it."""
        self._quiet.close()
        self._other.close()

    async def check(self, chance: random.Random) -> None:
        """Let two connections hear one input and compare.

        Raises:
            AssertionError: it is told otherwise in pieces, or more is told than the RFC says.
        """
        await self.examine(mutate(chance, CORPUS), chance)

    async def examine(self, data: bytes, chance: random.Random) -> None:
        """Compare what is told of one input."""
        if not data:
            return
        ended = chance.random() < 0.5
        whole = await exchange([data], ended=ended, quiet=self._quiet)
        apart = await exchange(split(chance, data), ended=ended, quiet=self._quiet)
        assert whole == apart
        expected = read_answer(data, ended=ended)
        if whole.reply is not None:
            assert (whole.reply.status, whole.reply.headers) == (expected.status, expected.fields)
            if whole.reply.body and body_need(expected.status, expected.fields) is BodyNeed.WHOLE:
                assert whole.reply.body == expected.body
        assert not whole.usable or (expected.keeps_alive and not ended)
