"""A Wethod whose connections follow scripts, and which keeps every request that it reads."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from app.http_client.transport import Origin
from tests.faults.steps import SOUND, Present, Steps, WithoutTls
from tests.faults.wire import Wire
from tests.support import until

if TYPE_CHECKING:
    import ssl
    from collections.abc import Coroutine
    from types import TracebackType


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request as it came over the wire.

    Attributes:
        connection: number of the connection, from 0.
        data: its bytes, as far as they were read.
        complete: true if it was read to its end.
    """

    connection: int
    data: bytes
    complete: bool

    @property
    def line(self) -> bytes:
        return self.data.partition(b"\r\n")[0]

    @property
    def target(self) -> bytes:
        return self.line.split(b" ")[1]

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        lines = self.data.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
        return [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)]


class ConnectionOverError(Exception):
    """The client closed the connection where the script expected a request."""


class Connection:
    """One connection, as the steps of a script see it."""

    def __init__(self, number: int, wire: Wire, requests: list[SeenRequest]) -> None:
        self.wire = wire
        self.target = b"/"
        self.flooded = 0
        self._number = number
        self._requests = requests
        self._unread = b""

    async def read_request(self) -> None:
        """Read one request and keep it.

        Raises:
            ConnectionOverError: the client closed before the end; the part that came is kept as incomplete.
        """
        data = self._unread
        while len(data) < (size := _size_of_request(data)):
            chunk = await self.wire.receive()
            if not chunk:
                if data:
                    self._remember(data, complete=False)
                raise ConnectionOverError
            data += chunk
        self._unread = data[size:]
        self._remember(data[:size], complete=True)
        self.target = self._requests[-1].target

    async def read_part(self) -> None:
        """Read a few bytes, and keep them as an incomplete request."""
        self._remember(await self.wire.receive(10), complete=False)

    def _remember(self, data: bytes, *, complete: bool) -> None:
        self._requests.append(SeenRequest(self._number, data, complete))


def _size_of_request(data: bytes) -> int:
    """The size of the first request in the data; more than the data has while its head is incomplete."""
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end:
        return len(data) + 1
    length = re.search(rb"\r\ncontent-length: *([0-9]+)", head, re.IGNORECASE)
    return len(head + end) + (int(length[1]) if length else 0)


class FaultServer:
    """An upstream on a loopback socket, in the event loop of the test.

    Args:
        connections: the script of the first connection, of the second, and so on.
        then: the script of every connection after those.
        tls: speaks TLS with this context; without one the scripts write to the socket itself.

    Attributes:
        requests: every request that was read, whole or in part, in order.
        accepted: number of connections accepted.
        open: number of connections that neither end has closed.
        then: the script of every connection from now on that has none of its own.
        flooded: bytes sent by the connections that flood.
    """

    def __init__(self, *connections: Steps, then: Steps = SOUND, tls: ssl.SSLContext | None = None) -> None:
        self._scripts = iter(connections)
        self.then = then
        self._tls = tls
        self._socket = socket.socket()
        self._tasks: set[asyncio.Task[None]] = set()
        self._errors: list[BaseException] = []
        self.requests: list[SeenRequest] = []
        self.accepted = 0
        self.flooded = 0

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def origin(self) -> Origin:
        return Origin("http" if self._tls is None else "https", "127.0.0.1", self.port)

    @property
    def url(self) -> str:
        return f"{self.origin.scheme}://127.0.0.1:{self.port}"

    @property
    def open(self) -> int:
        return len(self._tasks) - 1

    @property
    def complete(self) -> list[SeenRequest]:
        """The requests whose head was read to its end: Wethod could process those."""
        return [request for request in self.requests if request.complete]

    async def all_closed(self) -> None:
        await until(lambda: not self.open)

    async def __aenter__(self) -> Self:
        self._socket.settimeout(0)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(1024)
        self._start(self._accept())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._socket.close()
        if self._errors and error is None:
            raise self._errors[0]

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self._socket)
            client.settimeout(0)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._start(self._converse(client, next(self._scripts, self.then), self.accepted))
            self.accepted += 1

    async def _converse(self, client: socket.socket, script: Steps, number: int) -> None:
        wire = Wire(client, self._tls)
        connection = Connection(number, wire, self.requests)
        try:
            # OSError: the client may close at any time.
            with contextlib.suppress(OSError, ConnectionOverError):
                opening = 1 if isinstance(script[0], Present | WithoutTls) else 0
                for step in script[:opening]:
                    await step.play(connection)
                await wire.shake_hands()
                for step in script[opening:]:
                    await step.play(connection)
        finally:
            self.flooded += connection.flooded
            wire.close()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._errors.append(error)
