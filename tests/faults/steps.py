"""The steps of a hostile upstream on one connection."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from tests.faults.certificates import Certificate, authority

if TYPE_CHECKING:
    from tests.faults.server import Connection


class Step(Protocol):
    """One thing that an upstream does."""

    async def play(self, connection: Connection) -> None:
        """Do it."""
        ...


Steps: TypeAlias = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class WithoutTls:
    """Speak plainly even where the client expects TLS. Only as the first step of a script."""

    async def play(self, connection: Connection) -> None:
        """Do it."""
        connection.wire.set_tls(None)


@dataclass(frozen=True, slots=True)
class Present:
    """Show another certificate than the server's own. Only as the first step of a script."""

    certificate: Certificate

    async def play(self, connection: Connection) -> None:
        """Do it."""
        connection.wire.set_tls(authority().server(self.certificate))


@dataclass(frozen=True, slots=True)
class Arrive:
    """Wait until bytes have arrived, and do not read them."""

    async def play(self, connection: Connection) -> None:
        """Do it."""
        await connection.wire.arrival()


@dataclass(frozen=True, slots=True)
class Read:
    """Read a request to the end of its head; a DELETE has no more."""

    async def play(self, connection: Connection) -> None:
        """Do it; where the client goes away before, the connection is over."""
        await connection.read_request()


@dataclass(frozen=True, slots=True)
class ReadPart:
    """Read the first bytes of a request and no more."""

    size: int = 10

    async def play(self, connection: Connection) -> None:
        """Do it."""
        await connection.read_part(self.size)


@dataclass(frozen=True, slots=True)
class Send:
    """Send bytes."""

    data: bytes

    async def play(self, connection: Connection) -> None:
        """Do it."""
        await connection.wire.send(self.data)


@dataclass(frozen=True, slots=True)
class SendBelowTls:
    """Send bytes into a TLS connection that are not TLS."""

    data: bytes

    async def play(self, connection: Connection) -> None:
        """Do it."""
        await connection.wire.send_below_tls(self.data)


@dataclass(frozen=True, slots=True)
class Trickle:
    """Send bytes one by one."""

    data: bytes
    every_seconds: float

    async def play(self, connection: Connection) -> None:
        """Do it."""
        for position in range(len(self.data)):
            await connection.wire.send(self.data[position : position + 1])
            await asyncio.sleep(self.every_seconds)


@dataclass(frozen=True, slots=True)
class Flood:
    """Send the same bytes until the client goes away."""

    data: bytes

    async def play(self, connection: Connection) -> None:
        """Do it."""
        chunk = self.data * (16 * 1024 // len(self.data) + 1)
        while True:
            await connection.wire.send(chunk)
            connection.flooded += len(chunk)
            await asyncio.sleep(0)  # a socket that takes all at once would never let the client have its turn


@dataclass(frozen=True, slots=True)
class Relay:
    """Be a proxy's tunnel to a loopback port."""

    port: int

    async def play(self, connection: Connection) -> None:
        """Do it, until either end is done."""
        await connection.wire.relay(self.port)


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for a while."""

    seconds: float

    async def play(self, connection: Connection) -> None:
        """Do it."""
        await asyncio.sleep(self.seconds)


@dataclass(frozen=True, slots=True)
class Hang:
    """Do nothing until the client goes away."""

    async def play(self, connection: Connection) -> None:
        """Do it."""
        await connection.wire.departure()


@dataclass(frozen=True, slots=True)
class Close:
    """Close with a FIN, and without a word in TLS."""

    async def play(self, connection: Connection) -> None:
        """Do it; the socket itself stays until the client has closed, since unread bytes would make it a RST."""
        connection.wire.finish()
        await connection.wire.departure()


@dataclass(frozen=True, slots=True)
class CloseProperly:
    """Close with TLS's notice, where there is TLS, and a FIN."""

    async def play(self, connection: Connection) -> None:
        """Do it."""
        await connection.wire.notify_close()
        await Close().play(connection)


@dataclass(frozen=True, slots=True)
class Reset:
    """Close with a RST."""

    async def play(self, connection: Connection) -> None:
        """Do it."""
        connection.wire.reset()


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer the request that was read last with a complete head and body; the target comes back in a header."""

    status: bytes = b"200 OK"
    headers: bytes = b""
    body: bytes = b""

    async def play(self, connection: Connection) -> None:
        """Do it."""
        await connection.wire.send(
            b"HTTP/1.1 %b\r\nContent-Location: %b\r\nContent-Length: %d\r\n%b\r\n%b"
            % (self.status, connection.target, len(self.body), self.headers, self.body)
        )


@dataclass(frozen=True, slots=True)
class Serve:
    """Answer every further request on the connection alike."""

    answer: Answer

    async def play(self, connection: Connection) -> None:
        """Do it."""
        while True:
            await connection.read_request()
            await self.answer.play(connection)


SOUND: Steps = (Serve(Answer()),)
"""An upstream that deletes whatever it is asked to."""
