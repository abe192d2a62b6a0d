"""A timer on the event loop: measures the loop's delay and retries what could not be written."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = 0.25
_RETRY_SECONDS = 0.005


class EventLoopMonitor:
    """Two timers on the running event loop.

    Args:
        on_tick: called four times a second with the delay of the loop, in seconds.
        retry: called at each tick, and every few milliseconds while it returns False.
    """

    def __init__(self, on_tick: Callable[[float], None], retry: Callable[[], bool]) -> None:
        self._on_tick = on_tick
        self._retry = retry
        self._tick_timer: asyncio.TimerHandle | None = None
        self._retry_timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def start(self) -> None:
        """Start the timers."""
        # The loop's own clock may be cached and coarse.
        self._due = time.perf_counter() + _SECONDS
        self._tick_timer = asyncio.get_running_loop().call_later(_SECONDS, self._tick)

    def stop(self) -> None:
        """Stop the timers."""
        for timer in (self._tick_timer, self._retry_timer):
            if timer is not None:
                timer.cancel()
        self._tick_timer = self._retry_timer = None

    async def settle(self, seconds: float) -> None:
        """Call ``retry`` for up to ``seconds`` until it returns True."""
        until = time.perf_counter() + seconds
        while not self._retry() and time.perf_counter() < until:  # noqa: ASYNC110 - a full disk sends no event
            await asyncio.sleep(_RETRY_SECONDS)

    def _tick(self) -> None:
        delay = max(0.0, time.perf_counter() - self._due)
        # First, so that an exception below does not stop the monitor.
        self.start()
        self._on_tick(delay)
        if self._retry_timer is None:
            self._try_again()

    def _try_again(self) -> None:
        done = self._retry()
        self._retry_timer = None if done else asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._try_again)
