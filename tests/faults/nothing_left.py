"""Fail a test whose transport leaves sockets or tasks behind."""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.support import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def sockets() -> int:
    found = 0
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - of descriptors, not of files
        try:
            found += stat.S_ISSOCK(os.fstat(int(name)).st_mode)
        except OSError:
            continue  # the listing's own descriptor
    return found


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Fail unless sockets and tasks become as many as before."""
    before = sockets(), len(asyncio.all_tasks())
    yield
    await until(lambda: (sockets(), len(asyncio.all_tasks())) == before)
