"""Requests over the transport of our own, which has to leave nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.headers import parse_headers
from app.http_client.http1 import Http1Transport
from app.http_client.transport import ConnectionOptions, Interrupted, NotSent, Request, Response
from tests.faults.certificates import authority
from tests.faults.steps import Answer, Read
from tests.faults.transports import body_needed
from tests.support import until

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from app.headers import RawHeaders
    from app.http_client.transport import Origin, Transport
    from tests.faults.server import Connection, FaultServer
    from tests.faults.steps import Step

HEADERS: RawHeaders = ((b"Authorization", b"Bearer t0ken"), (b"Wethod-Company", b"acme"))

LOOPS = [
    pytest.param(("asyncio", {"use_uvloop": False}), id="asyncio"),
    pytest.param(("asyncio", {"use_uvloop": True}), id="uvloop"),
]
"""Backends of anyio's plugin: the loop that Python brings, and the one that serves in production."""


@dataclass(slots=True)
class Gate:
    """Hold every script back until it is opened."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0
    most: int = 0

    async def play(self, connection: Connection) -> None:
        """Do it."""
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await self.opened.wait()
        self.waiting -= 1


def gated(gate: Gate, times: int = 50) -> tuple[Step, ...]:
    """Make a script that answers each request once the gate is open."""
    return (Read(), gate, Answer()) * times


def delete(
    target: bytes = b"/api/contact/7",
    *,
    headers: RawHeaders = HEADERS,
    send_in: float = 2.0,
    answer_in: float = 2.0,
    fresh: bool = False,
    share: bytes = b"",
    body: bytes | None = None,
) -> Request:
    """Make a request, its times given from now on, in seconds."""
    now = asyncio.get_running_loop().time()
    return Request(
        b"DELETE", target, headers, now + send_in, now + answer_in, body_needed, share=share, body=body, fresh=fresh
    )


def response(status: int, fields: RawHeaders, body: bytes | None, *, reused: bool = False) -> Response:
    """Make the response that is expected, its names in lower case."""
    return Response(status, parse_headers(fields), body, reused)


async def outcome(transport: Transport, request: Request) -> Response | type[NotSent | Interrupted]:
    """Send a request: the response, or the class of what was raised."""
    try:
        return await transport.send(request)
    except (NotSent, Interrupted) as problem:
        return type(problem)


def open_sockets() -> int:
    """Count the sockets of this process; event loops open other files at any time."""
    return sum(
        link.readlink().name.startswith("socket:") for link in Path("/proc/self/fd").iterdir() if link.is_symlink()
    )


@contextlib.asynccontextmanager
async def http1_to(
    origin: Origin,
    *,
    ssl_context: ssl.SSLContext | None = None,
    max_connections: int = 3,
    connect_timeout_seconds: float = 1.0,
    idle_seconds: float = 2.0,
) -> AsyncIterator[Http1Transport]:
    """Make a transport; closed, it holds no connection, no waiter, no task."""
    tasks = asyncio.all_tasks()
    transport = Http1Transport(
        ConnectionOptions(
            origin,
            ssl_context=ssl_context if ssl_context is not None or origin.scheme == "http" else authority().client(),
            connect_timeout_seconds=connect_timeout_seconds,
            max_connections=max_connections,
            idle_seconds=idle_seconds,
        )
    )
    try:
        yield transport
    finally:
        await transport.aclose()
    assert (transport.open_connections, transport.idle_connections, transport.waiting) == (0, 0, 0)
    await until(lambda: asyncio.all_tasks() <= tasks)


@contextlib.asynccontextmanager
async def http1(
    server: FaultServer, *, max_connections: int = 3, connect_timeout_seconds: float = 1.0, idle_seconds: float = 2.0
) -> AsyncIterator[Http1Transport]:
    """Make a transport to a server; closed, it holds no socket either, and the server sees them all closed."""
    before = open_sockets()
    async with http1_to(
        server.origin,
        max_connections=max_connections,
        connect_timeout_seconds=connect_timeout_seconds,
        idle_seconds=idle_seconds,
    ) as transport:
        try:
            yield transport
        finally:
            # Its scripts' ends wait for this.
            await transport.aclose()
            await until(lambda: server.open == 0)
    assert open_sockets() == before
