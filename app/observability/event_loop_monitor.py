"""A look a few times a second: how late the event loop is, and whether something waits to be written."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = 0.25
_RETRY_SECONDS = 0.005


class Pulse:
    """Two timers on the running event loop.

    Args:
        beat: called four times a second, with how late the loop was, in seconds.
        retry: called until it returns True: at each beat, and every few milliseconds while it returns False.
    """

    def __init__(self, beat: Callable[[float], None], retry: Callable[[], bool]) -> None:
        self._beat = beat
        self._retry = retry
        self._beating: asyncio.TimerHandle | None = None
        self._retrying: asyncio.TimerHandle | None = None
        self._due = 0.0

    def start(self) -> None:
        """Begin."""
        # The loop's own clock may be cached, and coarse.
        self._due = time.perf_counter() + _SECONDS
        self._beating = asyncio.get_running_loop().call_later(_SECONDS, self._on_beat)

    def stop(self) -> None:
        """End."""
        for timer in (self._beating, self._retrying):
            if timer is not None:
                timer.cancel()
        self._beating = self._retrying = None

    async def settle(self, seconds: float) -> None:
        """Call ``retry`` until it returns True, at most so long."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not self._retry() and loop.time() < until:  # noqa: ASYNC110 - a full disk tells nobody when it is not
            await asyncio.sleep(_RETRY_SECONDS)

    def _on_beat(self) -> None:
        late = max(0.0, time.perf_counter() - self._due)
        self.start()
        self._beat(late)
        if self._retrying is None:
            self._on_retry()

    def _on_retry(self) -> None:
        loop = asyncio.get_running_loop()
        self._retrying = None if self._retry() else loop.call_later(_RETRY_SECONDS, self._on_retry)
