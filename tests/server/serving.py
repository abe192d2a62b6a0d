"""A server in the test's own event loop, and a client that sends exactly the given bytes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.server.config import ServerConfig
from app.server.lifecycle import Lifecycle
from app.server.run import serve_app
from tests.support import with_lifespan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from starlette.types import ASGIApp, Receive, Scope, Send

    from app.server.server import GatewayServer

PATIENCE_SECONDS = 10.0
"""Time that a test waits for something that should come at once."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def half_close(self) -> None:
        self._writer.write_eof()

    def reset(self) -> None:
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def answer(self, *, head_only: bool = False, seconds: float = PATIENCE_SECONDS) -> Answer:
        async with asyncio.timeout(seconds):
            head = await self._reader.readuntil(b"\r\n\r\n")
            line, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
            names = [item.partition(": ")[0] for item in lines]
            assert len(names) == len(set(names)), f"a header came twice: {names}"
            headers = {name: value for name, _, value in (item.partition(": ") for item in lines)}
            status = int(line.split(" ")[1])
            if head_only or status in {100, 204, 304}:
                body = b""
            elif headers.get("transfer-encoding") == "chunked":
                body = await self._chunks()
            elif "content-length" in headers:
                body = await self._reader.readexactly(int(headers["content-length"]))
            else:
                body = await self._reader.read()
        return Answer(status, headers, body)

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self._reader.readline(), 16):
            body += await self._reader.readexactly(size)
            assert await self._reader.readexactly(2) == b"\r\n"
        assert await self._reader.readexactly(2) == b"\r\n"
        return body

    async def rest(self, seconds: float = PATIENCE_SECONDS) -> bytes:
        """Read up to the end of the connection, which must come."""
        async with asyncio.timeout(seconds):
            return await self._reader.read()

    async def silence(self, seconds: float) -> bool:
        """Return true if the connection stays open without a byte for this number of seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._reader.read(1)
        except TimeoutError:
            return True
        return False


@contextlib.asynccontextmanager
async def connect(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        # Not closed: a test that fails must not wait for a server that does not read.
        writer.transport.abort()


class Served:
    """A server, which counts its own responses by status in ``refused``."""

    def __init__(self, server: GatewayServer, lifecycle: Lifecycle, url: str) -> None:
        self.server = server
        self.port = int(url.rpartition(":")[2])
        self.refused: Counter[int] = Counter()
        lifecycle.on_refusal = lambda status: self.refused.update([status])

    def connect(self) -> AbstractAsyncContextManager[Client]:
        return connect(self.port)

    async def ask(self, data: bytes) -> Answer:
        async with self.connect() as client:
            await client.send(data)
            return await client.answer()


@contextlib.asynccontextmanager
async def serving(app: ASGIApp | None = None, **config: Any) -> AsyncIterator[Served]:
    """Serve an application on an ephemeral port; the echo by default."""
    lifecycle = Lifecycle()
    async with serve_app(app or echo, ServerConfig(**config), lifecycle) as (url, server):
        yield Served(server, lifecycle, url)


async def read(receive: Receive) -> bytes:
    """The request's whole body.

    Raises:
        ConnectionError: the client closed the connection before its end.
    """
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        body += bytes(message["body"])
        if not message["more_body"]:
            return body


async def reply(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


@with_lifespan
async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await read(receive)
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "raw_path": scope["raw_path"].decode("ascii"),
        "query": scope["query_string"].decode("ascii"),
        "version": scope["http_version"],
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
        "body": body.decode("latin-1"),
    }
    await reply(send, 200, json.dumps(seen).encode(), (b"content-type", b"application/json"))


def request(
    target: bytes = b"/echo", body: bytes = b"", method: bytes = b"POST", *headers: bytes, version: bytes = b"1.1"
) -> bytes:
    lines = [method + b" " + target + b" HTTP/" + version, b"Host: test", *headers]
    if body or method == b"POST":
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def send_in_pieces(client: Client, pieces: list[bytes]) -> None:
    """Send the pieces with short pauses, until the peer closes the connection."""
    try:
        for piece in pieces:
            await client.send(piece)
            await asyncio.sleep(0.01)
    except ConnectionError:
        return
