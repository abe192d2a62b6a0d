"""A task on the event loop that measures the loop's delay and retries what could not be written."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

_SECONDS = 0.25
_RETRY_SECONDS = 0.005


class EventLoopMonitor:
    """A monitor of the running event loop.

    Args:
        on_tick: called four times a second with the delay of the loop, in seconds.
        retry: called at each tick, and every few milliseconds while it returns False.
    """

    def __init__(self, on_tick: Callable[[float], None], retry: Callable[[], bool]) -> None:
        self._on_tick = on_tick
        self._retry = retry

    def start(self) -> None:
        """Start the task."""
        self._task = asyncio.create_task(self._watch())

    async def stop(self, seconds: float) -> None:
        """Stop the task, and call ``retry`` for up to ``seconds`` until it returns True."""
        self._task.cancel()
        await asyncio.wait([self._task])
        until = time.perf_counter() + seconds
        while not self._retry() and time.perf_counter() < until:  # noqa: ASYNC110 - a full disk sends no event
            await asyncio.sleep(_RETRY_SECONDS)

    async def _watch(self) -> None:
        while True:
            # The loop's own clock may be cached and coarse.
            due = time.perf_counter() + _SECONDS
            while (left := due - time.perf_counter()) > 0:  # noqa: ASYNC110 - as above
                await asyncio.sleep(left if self._retry() else min(left, _RETRY_SECONDS))
            try:
                self._on_tick(-left)
            except Exception:
                logger.exception("the event loop's delay could not be recorded")
