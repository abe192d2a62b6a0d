"""Permits, such as to hold a connection, shared fairly between those that ask."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from app.http_client.transport import NotSent


def share_of(limit: int) -> int:
    """Return how many of ``limit`` one share key may hold at a time: three quarters, and at least one."""
    return max(1, limit * 3 // 4)


class Permits:
    """At most ``limit`` permits, acquired and released under a share key, such as a token.

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
        self._limit_per_share = share_of(limit)
        self._held: dict[bytes, int] = {}
        # The result of a waiter is true if it was given a permit. These are OrderedDicts because a plain dict keeps a
        # hole for each removed first entry, and finding the new first entry then takes longer each time.
        self._waiters: OrderedDict[bytes, OrderedDict[asyncio.Future[bool], None]] = OrderedDict()
        self.free = limit
        self.waiting = 0
        self.waits = 0
        self.closed = False

    def acquire_nowait(self, share: bytes) -> bool:
        """Acquire a permit if one is free for this share."""
        held = self._held.get(share, 0)
        # A waiter is not overtaken: while a permit is free, only shares at their limit wait.
        if not self.free or (share and held >= self._limit_per_share):
            return False
        self.free -= 1
        self._held[share] = held + 1
        return True

    async def acquire(self, share: bytes, until: float) -> None:
        """Acquire a permit.

        Args:
            share: the share key.
            until: event loop time in seconds; the end of the wait.

        Raises:
            NotSent: no permit became free in time, or the permits are closed.
        """
        self.check_open()
        granted = self.acquire_nowait(share) or await self._wait(share, until)
        if granted and self.closed:
            self.release(share)
        self.check_open()
        if not granted:
            raise NotSent("no connection became free in time", reason="connection")

    def release(self, share: bytes) -> None:
        """Give a permit back, to the next waiter if there is one."""
        self.free += 1
        held = self._held[share] - 1
        if held:
            self._held[share] = held
        else:
            del self._held[share]
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

    async def _wait(self, share: bytes, until: float) -> bool:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        self._waiters.setdefault(share, OrderedDict())[waiter] = None
        timer = loop.call_at(until, _settle, waiter)
        self.waiting += 1
        self.waits += 1
        try:
            return await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled() and waiter.result():
                self.release(share)
            raise
        finally:
            timer.cancel()
            self.waiting -= 1
            waiters = self._waiters.get(share)
            if waiters is not None:
                waiters.pop(waiter, None)
                if not waiters:
                    del self._waiters[share]

    def _serve_next(self) -> None:
        """Give the permit that was released to the first share that waits and may have it."""
        for share, waiters in self._waiters.items():
            waiter = next((waiter for waiter in waiters if not waiter.done()), None)
            if waiter is not None and self.acquire_nowait(share):
                waiter.set_result(True)
                del waiters[waiter]
                self._waiters.move_to_end(share)
                return


def _settle(waiter: asyncio.Future[bool]) -> None:
    if not waiter.done():
        waiter.set_result(False)
