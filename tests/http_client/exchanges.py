"""Requests over our own transport, and servers that answer on command."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from app.headers import parse_headers
from app.http_client.transport import Interrupted, NotSent, Request, Response
from tests.faults.steps import Answer, Read
from tests.faults.transports import transport_to

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from app.headers import RawHeaders
    from app.http_client.transport import Transport
    from tests.faults.server import Connection, FaultServer
    from tests.faults.steps import Step
    from tests.faults.transports import AnyTransport

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


def gated(gate: Gate) -> tuple[Step, ...]:
    """Make a script that answers each request once the gate is open."""
    return (Read(), gate, Answer()) * 50


def response(status: int, fields: RawHeaders, body: bytes | None) -> Response:
    """Make the expected response, with field names in lower case."""
    return Response(status, parse_headers(fields), body)


async def outcome(transport: Transport, request: Request) -> Response | type[NotSent | Interrupted]:
    """Send a request: the response, or the class of what was raised."""
    try:
        return await transport.send(request)
    except (NotSent, Interrupted) as problem:
        return NotSent if isinstance(problem, NotSent) else Interrupted


def http1(server: FaultServer, **options: Any) -> AbstractAsyncContextManager[AnyTransport]:
    """Make a transport of our own to a server, as ``transport_to`` does."""
    return transport_to("http1", server.origin, **options)
