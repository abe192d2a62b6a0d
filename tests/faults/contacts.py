"""A Wethod that has contacts, deletes them, and fails in planned ways before or after a delete."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import socket
import struct
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.upstream import read_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.upstream import Asked


class End(enum.Enum):
    KEEP = enum.auto()
    CLOSE = enum.auto()
    RESET = enum.auto()
    HANG = enum.auto()


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The behaviour for one request.

    Attributes:
        name: its name in a failing example.
        acts: the contact is deleted, if it is there.
        data: the bytes to send; None for the true answer, a 200 or Wethod's own 404.
        end: the end of the connection after that.
        extra: bytes after the true answer.
        interim: bytes before the true answer.
    """

    name: str
    acts: bool
    data: bytes | None = None
    end: End = End.KEEP
    extra: bytes = b""
    interim: bytes = b""

    @property
    def answers(self) -> bool:
        """True if a complete head of a final answer is sent."""
        return self.data is None or (self.data.startswith(b"HTTP/1.1 ") and b"\r\n\r\n" in self.data)

    @property
    def is_true(self) -> bool:
        return self.data is None


def _status(status: int, content_type: bytes = b"application/json", body: bytes = b"") -> bytes:
    head = b"HTTP/1.1 %d Whatever\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
    return head % (status, content_type, len(body)) + body


SOUND = Behaviour("sound", acts=True)
_OTHERS_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

BEHAVIOURS = [
    SOUND,
    Behaviour("closes behind the truth", acts=True, end=End.CLOSE),
    Behaviour("resets behind the truth", acts=True, end=End.RESET),
    Behaviour("answers twice", acts=True, extra=_OTHERS_ANSWER),
    Behaviour("adds half an answer", acts=True, extra=b"HTTP/1.1 200 "),
    Behaviour("interim with a length", acts=True, interim=b"HTTP/1.1 104 Odd\r\nContent-Length: 9\r\n\r\n"),
    Behaviour(
        "interim with close", acts=True, interim=b"HTTP/1.1 103 Hints\r\nConnection: close\r\n\r\n", end=End.CLOSE
    ),
    Behaviour("closes before", acts=False, data=b"", end=End.CLOSE),
    Behaviour("closes after", acts=True, data=b"", end=End.CLOSE),
    Behaviour("resets before", acts=False, data=b"", end=End.RESET),
    Behaviour("resets after", acts=True, data=b"", end=End.RESET),
    Behaviour("hangs before", acts=False, data=b"", end=End.HANG),
    Behaviour("hangs after", acts=True, data=b"", end=End.HANG),
    Behaviour("cuts the head after", acts=True, data=b"HTTP/1.1 200 OK\r\nContent-", end=End.CLOSE),
    Behaviour("cuts the head before", acts=False, data=b"HTTP/1.1 404 Not Found\r\n", end=End.CLOSE),
    Behaviour("talks garbage after", acts=True, data=b"\x00\x01\x02\r\n\r\n", end=End.CLOSE),
    Behaviour("cuts the body after", acts=True, data=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", end=End.CLOSE),
    Behaviour("500 before", acts=False, data=_status(500)),
    Behaviour("500 after", acts=True, data=_status(500)),
    Behaviour("502 page after", acts=True, data=_status(502, b"text/html", b"<h1>Bad Gateway</h1>")),
    Behaviour("202", acts=False, data=_status(202)),
    Behaviour("sign-in page", acts=False, data=_status(200, b"text/html", b"<form>")),
    Behaviour("redirect", acts=False, data=_status(302)),
    Behaviour("400", acts=False, data=_status(400, body=b'{"key":"invalid_data","failures":{"id":"odd"}}')),
    Behaviour("401", acts=False, data=_status(401)),
    Behaviour("403", acts=False, data=_status(403)),
    Behaviour("404 of a proxy", acts=False, data=_status(404, b"text/html", b"<h1>Not Found</h1>")),
    Behaviour("412", acts=False, data=_status(412)),
    Behaviour("429", acts=False, data=_status(429)),
]


@dataclass(frozen=True, slots=True)
class HandledDelete:
    """A DELETE that was read.

    Attributes:
        request_id: the id of the GraphQL request that it was sent for.
        contact: the contact's id.
        behaviour: the behaviour for it.
        deleted: it deleted the contact.
    """

    request_id: str
    contact: int
    behaviour: Behaviour
    deleted: bool


@dataclass(slots=True)
class Contacts:
    """One company's contacts.

    Attributes:
        present: ids of those that are there.
        plan: the behaviour for each of the next requests; it is ``SOUND`` for all later ones.
        refusals: how many of the next connections are reset before anything is read.
        handled: every DELETE that was read, in order.
    """

    present: set[int] = field(default_factory=set)
    plan: deque[Behaviour] = field(default_factory=deque)
    refusals: int = 0
    handled: list[HandledDelete] = field(default_factory=list)
    port: int = 0
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def arrive(self) -> None:
        self._server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def leave(self) -> None:
        assert self._server is not None
        self._server.close()
        self.hang_up()
        await self._server.wait_closed()

    def hang_up(self) -> None:
        """Close every connection, those that wait for a request included."""
        for writer in self._writers:
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self.refusals:
                self.refusals -= 1
                _reset(writer)
                return
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while await self._handle(await read_request(reader), reader, writer):
                    pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _handle(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        behaviour = self.plan.popleft() if self.plan else SOUND
        contact = int(asked.target.rpartition("/")[2])
        request_id = (asked.header("X-Request-ID") or b"").decode()
        there = contact in self.present
        if behaviour.acts:
            self.present.discard(contact)
        self.handled.append(HandledDelete(request_id, contact, behaviour, there and behaviour.acts))
        truth = _status(200) if there else _status(404, body=b'{"key":"not_found","message":"Contact not found"}')
        writer.write(behaviour.interim + truth + behaviour.extra if behaviour.data is None else behaviour.data)
        await writer.drain()
        if behaviour.end is End.HANG:
            await reader.read()
        elif behaviour.end is End.RESET:
            # The reset must not overtake the answer.
            await asyncio.sleep(0.01 if behaviour.is_true else 0)
            _reset(writer)
        return behaviour.end is End.KEEP


def _reset(writer: asyncio.StreamWriter) -> None:
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextlib.asynccontextmanager
async def contacts() -> AsyncIterator[Contacts]:
    running = Contacts()
    await running.arrive()
    try:
        yield running
    finally:
        await running.leave()
