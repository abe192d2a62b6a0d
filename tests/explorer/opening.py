"""Measures how long GraphiQL takes to open with an empty cache: ``python -m tests.explorer.opening [TIMES]``."""

from __future__ import annotations

import asyncio
import statistics
import sys

from tests.explorer.browser import browse, chromium
from tests.explorer.gateway import sandbox_gateway


async def measure(times: int) -> list[float]:
    """The seconds from asking for the page to an editor that takes keys, each time with a profile of its own."""
    found = []
    async with sandbox_gateway() as origin, chromium() as browser:
        for _ in range(times):
            async with browse(browser, origin) as explorer:
                found.append(await explorer.open(f"{origin}/graphql"))
    return found


if __name__ == "__main__":
    seconds = asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
    sys.stdout.write(
        f"GraphiQL takes keys after {statistics.median(seconds):.2f} s "
        f"(median of {len(seconds)}; {min(seconds):.2f} to {max(seconds):.2f})\n"
    )
