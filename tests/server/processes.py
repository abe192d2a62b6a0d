"""A program under test, in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.server.serving import Client, connect, request

if TYPE_CHECKING:
    import signal
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

ROOT = Path(__file__).parent.parent.parent


class Program:
    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port
        self._log = b""

    async def log_until(self, count: int, text: bytes) -> None:
        """Read the log until it has a text this many times."""
        assert self.process.stderr is not None
        async with asyncio.timeout(60):
            while self._log.count(text) < count:
                self._log += await self.process.stderr.readline()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def end(self, seconds: float = 60) -> tuple[int, str]:
        """Wait for its end; return the exit code and the log."""
        async with asyncio.timeout(seconds):
            _, rest = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, (self._log + rest).decode()

    def connect(self) -> AbstractAsyncContextManager[Client]:
        return connect(self.port)

    async def ask(self, target: str = "/") -> tuple[int, dict[str, Any], bool]:
        """Send a request over a new connection; return the status, the JSON, and if the answer ended the connection."""
        async with self.connect() as client:
            await client.send(request(target.encode()))
            answer = await client.answer()
            return answer.status, answer.json, answer.headers.get("connection") == "close"


@contextlib.asynccontextmanager
async def started(factory: str = "working", *, port: int = 0, **config: Any) -> AsyncIterator[Program]:
    """Start the program, and end it after the test: uvloop's loop waits for each child when it is closed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.server.program", factory, json.dumps({"port": port, **config})),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Program(process, port)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@contextlib.asynccontextmanager
async def running(factory: str = "working", **config: Any) -> AsyncIterator[Program]:
    """Start the program, and wait until it answers."""
    async with started(factory, **config) as program:
        assert program.process.stdout is not None
        async with asyncio.timeout(60):
            url = (await program.process.stdout.readline()).decode().strip()
        assert url, await program.end()
        program.port = int(url.rpartition(":")[2])
        yield program
