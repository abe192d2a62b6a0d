"""Counts what a transport may leave behind."""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


def sockets() -> int:
    """Number of sockets that this process has open."""
    found = 0
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - of descriptors, not of files
        try:
            found += stat.S_ISSOCK(os.fstat(int(name)).st_mode)
        except OSError:
            continue  # the listing's own descriptor
    return found


async def eventually(holds: Callable[[], bool], seconds: float = 1.0) -> None:
    """Wait until something holds, and no longer than that; whoever waits checks."""
    until = asyncio.get_running_loop().time() + seconds
    while not holds() and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110 - the kernel tells no event
        await asyncio.sleep(0.002)


@asynccontextmanager
async def nothing_left(grace_seconds: float = 1.0) -> AsyncIterator[None]:
    """Fail unless sockets and tasks are again as many as before, at the latest after the grace."""
    before = sockets(), len(asyncio.all_tasks())
    yield
    await eventually(lambda: (sockets(), len(asyncio.all_tasks())) == before, grace_seconds)
    assert (sockets(), len(asyncio.all_tasks())) == before, "sockets, tasks"
