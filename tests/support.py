"""Helpers for many tests: a free port, JSON lines, waiting for a condition, an ASGI lifespan, HTTP without TLS."""

from __future__ import annotations

import asyncio
import inspect
import json
import socket
import ssl
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For httpx clients of servers without TLS: by default, each client loads the certificates of every authority."""


def free_port() -> int:
    """Return a port of the loopback address on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port: int = holder.getsockname()[1]
    return port


def json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the JSON lines of a file, such as the audit; the last one must be complete."""
    text = path.read_bytes()
    assert text == b"" or text.endswith(b"\n")
    return [json.loads(line) for line in text.splitlines()]


async def until(condition: Callable[[], object], seconds: float = 15) -> None:
    """Wait until a condition holds, where no event can be awaited: other processes, the kernel, files, logs.

    Args:
        condition: returns something true, or an awaitable of it.
        seconds: after this time the test fails.

    Raises:
        TimeoutError: the condition was never true.
    """
    async with asyncio.timeout(seconds):
        while True:
            holds = condition()
            if inspect.isawaitable(holds):
                holds = await holds
            if holds:
                return
            await asyncio.sleep(0.005)


async def settle() -> None:
    """Let the event loop run for 0.1 seconds, in turns: one sleep would be one turn after a pause of the process."""
    for _ in range(10):
        await asyncio.sleep(0.01)


async def alive(scope: Scope, receive: Receive, send: Send) -> None:
    """Start and end, as the lifespan of an application that does nothing else there."""
    assert scope["type"] == "lifespan"
    for what in ("startup", "shutdown"):
        assert (await receive())["type"] == f"lifespan.{what}"
        await send({"type": f"lifespan.{what}.complete"})


def with_lifespan(app: ASGIApp) -> ASGIApp:
    """Add a lifespan to an application that only answers requests."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        await (alive if scope["type"] == "lifespan" else app)(scope, receive, send)

    return wrapped
