"""The gateway as a program: ``serve`` in processes of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("WETHOD_", "GATEWAY_", "OTEL_"))}
"""The environment of the tests without settings of the gateway."""


class Program:
    """A running ``serve``.

    Attributes:
        process: the parent process.
        url: the base URL at which it listens.
        log: the lines of its standard error so far.
    """

    def __init__(self, process: asyncio.subprocess.Process, url: str, log: list[str]) -> None:
        self.process = process
        self.url = url
        self.log = log

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def wait(self, seconds: float = 15) -> int:
        return await asyncio.wait_for(self.process.wait(), seconds)

    def workers(self) -> list[int]:
        """Return the process ids of the live workers; the resource tracker is another child."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("latin-1").split()
        return [int(pid) for pid in children if b"app.server" in _command_of(pid)]


def _command_of(pid: str) -> bytes:
    """Return the command line of a process; nothing once it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


@contextlib.asynccontextmanager
async def running(
    upstream_url: str | None,
    environ: Mapping[str, str] | None = None,
    *,
    arguments: Sequence[str] = (),
    stdout: Path | None = None,
    while_starting: Callable[[asyncio.subprocess.Process], Awaitable[None]] | None = None,
) -> AsyncIterator[Program]:
    """Run ``serve`` before an upstream, on an ephemeral port; kill it at the end if it is still running.

    Args:
        upstream_url: Wethod's base URL; None for an embedded sandbox.
        environ: further settings.
        arguments: further arguments.
        stdout: a file for its standard output.
        while_starting: called as soon as the process exists.
    """
    defaults = {
        "GATEWAY_AUDIT_LOG": "off",
        "GATEWAY_LOG_FORMAT": "console",
        "GATEWAY_DRAIN_DELAY_SECONDS": "0",
    }
    if upstream_url is not None:
        defaults["WETHOD_BASE_URL"] = upstream_url
    target = ("--sandbox",) if upstream_url is None else ()
    with contextlib.ExitStack() as files:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app", "serve", "--port", "0", *target, *arguments),
            env=CLEAN | defaults | dict(environ or {}),
            stdout=files.enter_context(stdout.open("wb")) if stdout else None,
            stderr=asyncio.subprocess.PIPE,
        )
    if while_starting is not None:
        await while_starting(process)
    assert process.stderr
    log: list[str] = []
    url = ""
    while not url:
        line = (await process.stderr.readline()).decode()
        assert line, log
        log.append(line)
        if match := re.search(r"listens on (\S+)/graphql", line):
            url = match[1]

    async def drain() -> None:
        assert process.stderr
        while line := await process.stderr.readline():
            log.append(line.decode())

    reading = asyncio.create_task(drain())
    try:
        yield Program(process, url, log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await reading
