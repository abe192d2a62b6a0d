"""The steps of a hostile upstream on one connection."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from tests.faults.certificates import Certificate, authority

if TYPE_CHECKING:
    from tests.faults.server import Connection


class Step(Protocol):
    async def play(self, connection: Connection) -> None: ...


Steps: TypeAlias = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class WithoutTls:
    """Use no TLS although the client expects it. Only as the first step of a script."""

    async def play(self, connection: Connection) -> None:
        connection.wire.set_tls(None)


@dataclass(frozen=True, slots=True)
class Present:
    """Use another certificate than the server's own. Only as the first step of a script."""

    certificate: Certificate

    async def play(self, connection: Connection) -> None:
        connection.wire.set_tls(authority().server(self.certificate))


@dataclass(frozen=True, slots=True)
class Arrive:
    """Wait until bytes have arrived, and do not read them."""

    async def play(self, connection: Connection) -> None:
        await connection.wire.arrival()


@dataclass(frozen=True, slots=True)
class Read:
    """Read a request to the end of its head; a DELETE has no body."""

    async def play(self, connection: Connection) -> None:
        """If the client closes first, the connection is over."""
        await connection.read_request()


@dataclass(frozen=True, slots=True)
class ReadPart:
    async def play(self, connection: Connection) -> None:
        await connection.read_part()


@dataclass(frozen=True, slots=True)
class Send:
    data: bytes

    async def play(self, connection: Connection) -> None:
        await connection.wire.send(self.data)


@dataclass(frozen=True, slots=True)
class SendBelowTls:
    """Send bytes into a TLS connection that are not TLS."""

    data: bytes

    async def play(self, connection: Connection) -> None:
        await connection.wire.send_below_tls(self.data)


@dataclass(frozen=True, slots=True)
class Trickle:
    data: bytes
    every_seconds: float

    async def play(self, connection: Connection) -> None:
        for position in range(len(self.data)):
            await connection.wire.send(self.data[position : position + 1])
            await asyncio.sleep(self.every_seconds)


@dataclass(frozen=True, slots=True)
class Flood:
    """Send the same bytes until the client goes away."""

    data: bytes

    async def play(self, connection: Connection) -> None:
        chunk = self.data * (16 * 1024 // len(self.data) + 1)
        while True:
            await connection.wire.send(chunk)
            connection.flooded += len(chunk)
            await asyncio.sleep(0)  # a socket that takes everything at once would never yield to the client


@dataclass(frozen=True, slots=True)
class Relay:
    port: int

    async def play(self, connection: Connection) -> None:
        await connection.wire.relay(self.port)


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float

    async def play(self, connection: Connection) -> None:
        await asyncio.sleep(self.seconds)


@dataclass(frozen=True, slots=True)
class Hang:
    async def play(self, connection: Connection) -> None:
        await connection.wire.departure()


@dataclass(frozen=True, slots=True)
class Close:
    async def play(self, connection: Connection) -> None:
        """Keep the socket until the client has closed, since unread bytes would turn the FIN into a RST."""
        connection.wire.finish()
        await connection.wire.departure()


@dataclass(frozen=True, slots=True)
class CloseProperly:
    """Close with TLS's notice, where there is TLS, and a FIN."""

    async def play(self, connection: Connection) -> None:
        await connection.wire.notify_close()
        await Close().play(connection)


@dataclass(frozen=True, slots=True)
class Reset:
    async def play(self, connection: Connection) -> None:
        connection.wire.reset()


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer the last request with a complete head and body; a header repeats the target."""

    status: bytes = b"200 OK"
    headers: bytes = b""
    body: bytes = b""

    async def play(self, connection: Connection) -> None:
        await connection.wire.send(
            b"HTTP/1.1 %b\r\nContent-Location: %b\r\nContent-Length: %d\r\n%b\r\n%b"
            % (self.status, connection.target, len(self.body), self.headers, self.body)
        )


@dataclass(frozen=True, slots=True)
class Serve:
    """Give every further request on the connection the same answer."""

    answer: Answer

    async def play(self, connection: Connection) -> None:
        while True:
            await connection.read_request()
            await self.answer.play(connection)


SOUND: Steps = (Serve(Answer()),)
"""An upstream that deletes every contact."""


def tunnel(port: int) -> Steps:
    """A proxy that opens a tunnel to a loopback port."""
    return (Read(), Send(b"HTTP/1.1 200 Connection established\r\n\r\n"), Relay(port))
