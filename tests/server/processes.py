"""A program under test, in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.server.serving import Client, connect, request

if TYPE_CHECKING:
    import signal
    from collections.abc import AsyncIterator, Awaitable, Callable

Spawn: TypeAlias = "Callable[..., Awaitable[asyncio.subprocess.Process]]"
ROOT = Path(__file__).parent.parent.parent


class Program:
    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def end(self, seconds: float = 20) -> tuple[int, str]:
        """Wait for its end; return the exit code and the log."""
        async with asyncio.timeout(seconds):
            _, log = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, log.decode()

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator[Client]:
        async with connect(self.port) as client:
            yield client

    async def ask(self, target: str = "/") -> tuple[int, dict[str, Any], bool]:
        """Send a request over a new connection; return the status, the JSON, and if the answer ended the connection."""
        async with self.connect() as client:
            await client.send(request(target.encode()))
            answer = await client.answer()
            return answer.status, answer.json, answer.headers.get("connection") == "close"

    async def refuses(self) -> bool:
        try:
            async with self.connect():
                return False
        except (ConnectionRefusedError, ConnectionResetError):
            return True


async def start(factory: str, **config: object) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.server.program",
        factory,
        json.dumps(config),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@contextlib.asynccontextmanager
async def running(factory: str = "working", **config: object) -> AsyncIterator[Program]:
    """Start the program, wait until it answers, and end it after the test."""
    process = await start(factory, **config)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            url = (await process.stdout.readline()).decode().strip()
        assert url, (await process.communicate())[1].decode()
        yield Program(process, int(url.rpartition(":")[2]))
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
