"""The limit on the calls in progress of one worker, and each token's share of it."""

from __future__ import annotations

from collections import defaultdict

from app.http_client.permits import Permits
from schema.rest import Overloaded


class Places:
    """The places for calls in progress.

    One token holds at most three quarters of them, and at least one: if Wethod is slow for one caller, the others still
    find a place.

    Args:
        limit: number of places.

    Attributes:
        by_operation: calls in progress, by the operation's name.
    """

    def __init__(self, limit: int) -> None:
        self._permits = Permits(limit)
        self.by_operation: defaultdict[str, int] = defaultdict(int)

    def acquire(self, operation: str, token: bytes) -> Overloaded | None:
        """Acquire a place. Return ``Overloaded`` if none is free for this token, otherwise None."""
        if not self._permits.acquire_nowait(token):
            return Overloaded(by_token=self._permits.free > 0)
        self.by_operation[operation] += 1
        return None

    def release(self, operation: str, token: bytes) -> None:
        """Release a place."""
        self._permits.release(token)
        self.by_operation[operation] -= 1
