"""A stand-in for Wethod on a real socket: it answers by a script, and records the requests."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    target: str
    headers: tuple[tuple[str, bytes], ...]
    body: bytes

    def header(self, name: str) -> bytes | None:
        """The value of a header; None if it is absent. A repeated header fails the test."""
        values = [value for key, value in self.headers if key == name.lower()]
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None


@dataclass(frozen=True, slots=True)
class Answer:
    """Bytes to send, and what then happens to the connection.

    Attributes:
        data: sent as they are.
        close: close the connection after them; otherwise it stays open.
        delay_seconds: the wait before them.
        after: they wait for this event too.
    """

    data: bytes = b""
    close: bool = False
    delay_seconds: float = 0.0
    after: asyncio.Event | None = None


def answer(
    status: int = 200,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    content_type: str = "application/json",
    delay_seconds: float = 0.0,
) -> Answer:
    fields = {"Content-Type": content_type, "Content-Length": str(len(body)), **(headers or {})}
    head = f"HTTP/1.1 {status} Whatever\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return Answer(head.encode("latin-1") + b"\r\n" + body, delay_seconds=delay_seconds)


LOST = Answer(close=True)
"""Hang up without a byte."""

HANGING = Answer()
"""Never answer."""

Script: TypeAlias = "Sequence[Answer] | Callable[[Asked], Answer]"


@dataclass(slots=True)
class Upstream:
    """A running server.

    Attributes:
        url: its base URL.
        script: answers in turn, the last one repeatedly; or a function of the request.
        asked: every request whose head arrived, in order.
        connections: number of connections accepted.
    """

    script: Script
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _arrival: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        # uvloop raises RuntimeError for a socket that hang_up has closed.
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, RuntimeError):
            while True:
                asked = await read_request(reader)
                position = len(self.asked)
                self.asked.append(asked)
                self._arrival.set()
                script = self.script
                reply = script(asked) if callable(script) else script[min(position, len(script) - 1)]
                await asyncio.sleep(reply.delay_seconds)
                if reply.after is not None:
                    await reply.after.wait()
                writer.write(reply.data)
                await writer.drain()
                if reply.close:
                    break
        writer.close()

    async def asked_for(self, count: int) -> None:
        """Wait until this number of requests has arrived.

        Raises:
            TimeoutError: they did not arrive within 15 s.
        """
        async with asyncio.timeout(15):
            while len(self.asked) < count:
                self._arrival.clear()
                await self._arrival.wait()

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.close()


async def read_request(reader: asyncio.StreamReader) -> Asked:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head[:-4].split(b"\r\n")
    method, target, _ = first.decode("latin-1").split(" ")
    pairs = [line.partition(b":") for line in lines]
    headers = tuple((name.decode("latin-1").lower(), value.strip()) for name, _, value in pairs)
    length = int(dict(headers).get("content-length", b"0"))
    return Asked(method, target, headers, await reader.readexactly(length))


@contextlib.asynccontextmanager
async def upstream(script: Script, port: int = 0) -> AsyncIterator[Upstream]:
    """Run a Wethod on a loopback port, by default an ephemeral one."""
    running = Upstream(script)
    server = await asyncio.start_server(running.serve, "127.0.0.1", port)
    running.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield running
    finally:
        server.close()
        running.hang_up()
        await server.wait_closed()
