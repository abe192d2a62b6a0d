"""Requests over our own transport, which must leave no socket or task."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from app.headers import parse_headers
from app.http_client.http1 import Http1Transport
from app.http_client.transport import Interrupted, NotSent, Request, Response
from tests.faults.nothing_left import nothing_left
from tests.faults.steps import Answer, Read
from tests.faults.transports import carrier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.headers import RawHeaders
    from app.http_client.transport import Origin, Transport
    from tests.faults.server import Connection, FaultServer
    from tests.faults.steps import Step

LOOPS = [
    pytest.param(("asyncio", {"use_uvloop": False}), id="asyncio"),
    pytest.param(("asyncio", {"use_uvloop": True}), id="uvloop"),
]
"""Backends of anyio's plugin: the loop that Python brings, and the one that serves in production."""


@dataclass(slots=True)
class Gate:
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0
    most: int = 0

    async def play(self, connection: Connection) -> None:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await self.opened.wait()
        self.waiting -= 1


def gated(gate: Gate, times: int = 50) -> tuple[Step, ...]:
    """Make a script that answers each request once the gate is open."""
    return (Read(), gate, Answer()) * times


def response(status: int, fields: RawHeaders, body: bytes | None, *, reused: bool = False) -> Response:
    """Make the expected response, with field names in lower case."""
    return Response(status, parse_headers(fields), body, reused)


async def outcome(transport: Transport, request: Request) -> Response | type[NotSent | Interrupted]:
    """Send a request: the response, or the class of what was raised."""
    try:
        return await transport.send(request)
    except (NotSent, Interrupted) as problem:
        return type(problem)


@contextlib.asynccontextmanager
async def http1(server: FaultServer, **options: float) -> AsyncIterator[Http1Transport]:
    """Make a transport to a server, and check that both ends of every connection are closed with it."""
    async with nothing_left(), http1_to(server.origin, **options) as transport:
        yield transport


@contextlib.asynccontextmanager
async def http1_to(origin: Origin, **options: Any) -> AsyncIterator[Http1Transport]:
    """Make a transport, and check that it holds no connection and no waiter once it is closed."""
    transport = carrier(
        "http1", origin, **{"max_connections": 3, "connect_seconds": 1.0, "idle_seconds": 2.0} | options
    )
    assert isinstance(transport, Http1Transport)
    try:
        yield transport
    finally:
        await transport.aclose()
    assert (transport.open_connections, transport.idle_connections, transport.waiting) == (0, 0, 0)
