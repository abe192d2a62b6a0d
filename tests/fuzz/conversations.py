"""The server's connections under mutated requests: the requests that the application gets, and the answers."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from app.server.config import ServerConfig
from app.server.connection import Connection
from app.server.lifecycle import Lifecycle
from app.server.state import WorkerState
from tests.fuzz.mutations import in_a_row, mutate, split
from tests.fuzz.reference import read_requests
from tests.fuzz.requests import CORPUS, LIMIT
from tests.server.serving import read, reply
from tests.server.wire import CLIENT, Wire, play

if TYPE_CHECKING:
    import random

    from starlette.types import Receive, Scope, Send

_STATUS = re.compile(rb"HTTP/1\.1 ([0-9]{3}) ")
_TOO_LONG = {b"414", b"431"}


@dataclass(frozen=True, slots=True)
class Reading:
    """The requests and answers that a connection made of some bytes.

    Attributes:
        asked: method and body of the requests that the application read to their end.
        statuses: of the answers, in order; a 100 is left out.
    """

    asked: tuple[tuple[str, bytes], ...]
    statuses: tuple[bytes, ...]

    @property
    def too_long(self) -> bool:
        return bool(self.statuses) and self.statuses[-1] in _TOO_LONG


async def converse(pieces: list[bytes]) -> Reading:
    asked: list[tuple[str, bytes]] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.suppress(ConnectionError):
            body = await read(receive)
            asked.append((scope["method"], body))
            await reply(send, 200, b"")

    state = WorkerState(ServerConfig(max_header_bytes=LIMIT), Lifecycle())
    connection = Connection(application, state, set(), CLIENT)
    wire = Wire(pieces)
    connection.connection_made(wire)
    await play(wire, connection, state, max_idle_turns=6)
    statuses = [cast("bytes", status) for status in _STATUS.findall(wire.written) if status != b"100"]
    return Reading(tuple(asked), tuple(statuses))


async def check(rng: random.Random) -> None:
    """Send one input in two ways and compare.

    Raises:
        AssertionError: the requests differ from the RFC's, or differ in pieces.
    """
    await examine(in_a_row(rng, mutate(rng, CORPUS)), rng)


async def examine(packets: list[bytes], rng: random.Random) -> None:
    """Compare the readings of one input in these packets and in others."""
    data = b"".join(packets)
    whole = await converse(packets)
    apart = await converse(split(rng, data))
    expected = [(request.method.decode(), request.body) for request in read_requests(data)]
    for reading in (whole, apart):
        assert list(reading.asked) == expected[: len(reading.asked)]
        assert set(reading.statuses) <= {b"200", b"400", b"408", b"503", *_TOO_LONG}
        assert reading.statuses[: len(reading.asked)] == (b"200",) * len(reading.asked)
        assert len(reading.statuses) <= len(reading.asked) + 1
    if whole.too_long or apart.too_long:
        shorter, longer = sorted((whole.asked, apart.asked), key=len)
        assert longer[: len(shorter)] == shorter
    else:
        assert whole == apart
