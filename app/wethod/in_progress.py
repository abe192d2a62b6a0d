"""The calls in progress of one worker: their bound, each token's share of it, and the calls themselves."""

from __future__ import annotations

import asyncio
import operator
from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from app.http_client.permits import Permits
from schema.rest import Overloaded

if TYPE_CHECKING:
    from app.http_client.transport import Request
    from app.wethod.call_context import CallContext
    from app.wethod.rest_request import Arguments
    from schema.rest import NoResponse, RestOperation

_WRITTEN = operator.attrgetter("written")

CallKey: TypeAlias = tuple[object, ...]
"""Operation, token, company, version and arguments: calls that are equal in all of them are equal."""


class Places:
    """The places for calls in progress.

    One token holds at most three quarters of them, at least one, so that a slow Wethod for one caller leaves room
    for the others.

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


class CallInProgress(msgspec.Struct, eq=False):
    """One call, from its checks to its outcome; equal calls may wait for it.

    Attributes:
        context: the caller's request.
        operation: the operation.
        arguments: its arguments, as given.
        requests: the requests that were made for it: none, one, or one and its repeat.
        outcome: its outcome; None while it is in progress.
        shared: it waited for an equal call and ended by that one.
        refused: the reason not to send it, which the checks before the sender found; None if they found none.
        key: the key by which equal calls find it; None if they do not.
    """

    context: CallContext
    operation: RestOperation[Any, Any]
    arguments: Arguments
    requests: list[Request] = []
    outcome: Any = None
    shared: bool = False
    refused: NoResponse | None = None
    key: CallKey | None = None
    # Made by the first that waits: most calls have none.
    _ended: asyncio.Future[None] | None = None

    __repr__ = object.__repr__  # the key holds the token

    @property
    def attempts(self) -> int:
        """The number of requests of which at least one byte was written."""
        return sum(map(_WRITTEN, self.requests))

    def without_response(self, reason: NoResponse) -> Any:
        """Return the outcome of a call that has no response."""
        return self.operation.from_no_response(reason, *self.arguments)

    def end(self, outcome: object) -> None:
        """Publish the outcome."""
        self.outcome = outcome
        if self._ended is not None:
            self._ended.set_result(None)

    async def wait(self, deadline: float) -> None:
        """Wait until it ends, at most until ``deadline`` (event loop time in seconds)."""
        loop = asyncio.get_running_loop()
        if self._ended is None:
            self._ended = loop.create_future()
        # asyncio.wait never cancels the future: others wait for it too.
        await asyncio.wait((self._ended,), timeout=max(0.0, deadline - loop.time()))
