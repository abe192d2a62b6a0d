"""Permits, such as for a connection, shared fairly between keys."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from app.http_client.transport import NotSent


def share_of(limit: int) -> int:
    """Return how many of ``limit`` permits one key may hold at a time: three quarters, and at least one."""
    return max(1, limit * 3 // 4)


class Permits:
    """At most ``limit`` permits, acquired and released under a key, such as a token.

    One key holds at most three quarters of the permits, and at least one. Waiters are served round robin by key, and in
    the order of arrival within a key. Requests with an empty key have no limit of their own.

    Args:
        limit: number of permits.

    Attributes:
        free: number of permits that are not held.
        waiting: requests that wait for a permit.
        waits: requests that had to wait, since the start.
        closed: no permit is given any more.
    """

    def __init__(self, limit: int) -> None:
        self._limit_per_key = share_of(limit)
        self._held: dict[bytes, int] = {}
        # The result of a waiter is true if it was given a permit. These are OrderedDicts because a plain dict keeps a
        # hole for each removed first entry, and finding the new first entry then takes longer each time.
        self._waiters: OrderedDict[bytes, OrderedDict[asyncio.Future[bool], None]] = OrderedDict()
        self.free = limit
        self.waiting = 0
        self.waits = 0
        self.closed = False

    def acquire_nowait(self, key: bytes) -> bool:
        """Acquire a permit if one is free for this key."""
        held = self._held.get(key, 0)
        # A waiter is not overtaken: while a permit is free, only keys at their limit wait.
        if not self.free or (key and held >= self._limit_per_key):
            return False
        self.free -= 1
        self._held[key] = held + 1
        return True

    async def acquire(self, key: bytes, until: float) -> None:
        """Acquire a permit.

        Args:
            key: the key.
            until: event loop time in seconds; the end of the wait.

        Raises:
            NotSent: no permit became free in time, or the permits are closed.
        """
        self.check_open()
        granted = self.acquire_nowait(key) or await self._wait(key, until)
        if granted and self.closed:
            self.release(key)
        self.check_open()
        if not granted:
            raise NotSent("no connection became free in time", reason="connection")

    def release(self, key: bytes) -> None:
        """Give a permit back, to the next waiter if there is one."""
        self.free += 1
        held = self._held[key] - 1
        if held:
            self._held[key] = held
        else:
            del self._held[key]
        if self._waiters:
            self._serve_next()

    def check_open(self) -> None:
        """Raise ``NotSent`` if the permits are closed."""
        if self.closed:
            raise NotSent("the gateway stops", transient=False, reason="stopped")

    def close(self) -> None:
        """End every wait; permits that are held can still be released."""
        self.closed = True
        for waiters in self._waiters.values():
            for waiter in waiters:
                _settle(waiter)

    async def _wait(self, key: bytes, until: float) -> bool:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        self._waiters.setdefault(key, OrderedDict())[waiter] = None
        timer = loop.call_at(until, _settle, waiter)
        self.waiting += 1
        self.waits += 1
        try:
            return await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled() and waiter.result():
                self.release(key)
            raise
        finally:
            timer.cancel()
            self.waiting -= 1
            waiters = self._waiters.get(key)
            if waiters is not None:
                waiters.pop(waiter, None)
                if not waiters:
                    del self._waiters[key]

    def _serve_next(self) -> None:
        """Give the released permit to the first waiting key that is below its limit."""
        for key, waiters in self._waiters.items():
            waiter = next((waiter for waiter in waiters if not waiter.done()), None)
            if waiter is not None and self.acquire_nowait(key):
                waiter.set_result(True)
                del waiters[waiter]
                self._waiters.move_to_end(key)
                return


def _settle(waiter: asyncio.Future[bool]) -> None:
    if not waiter.done():
        waiter.set_result(False)
