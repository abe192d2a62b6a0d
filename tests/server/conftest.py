"""Programs that a test starts. None outlives the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.server.processes import start

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator

    from tests.server.processes import Spawn


@pytest.fixture
async def spawn() -> AsyncIterator[Spawn]:
    """Start a program. uvloop's loop waits for each child when it is closed, so a child that is left is killed."""
    processes: list[asyncio.subprocess.Process] = []

    async def spawn_one(factory: str, **config: object) -> asyncio.subprocess.Process:
        processes.append(await start(factory, **config))
        return processes[-1]

    yield spawn_one
    for process in processes:
        if process.returncode is None:
            process.kill()
            await process.wait()
