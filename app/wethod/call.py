"""One call of an operation, and the GraphQL request that it belongs to."""

from __future__ import annotations

import asyncio
import operator
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from schema import rest

if TYPE_CHECKING:
    from app.http_client.transport import Request
    from app.wethod.caller import Caller
    from schema.rest import NoResponse, RestOperation

_WRITTEN = operator.attrgetter("written")

Arguments: TypeAlias = tuple[Any, ...]
"""The arguments of a call, in the order of the operation's parameters."""

CallKey: TypeAlias = tuple[object, ...]
"""Operation, token, company, version and arguments: calls that are equal in all of them are equal."""


class CallContext(msgspec.Struct, eq=False):
    """The state that all calls of one GraphQL request share.

    Attributes:
        caller: the caller.
        deadline: event loop time in seconds at which every call has its outcome.
        max_text_bytes: bytes of Wethod's text that each call may show.
        held_back: the reason why no further call is sent, such as a stop; None if there is none.
        unclear: operation and arguments of each call with an unclear outcome: Wethod may have acted.
    """

    caller: Caller
    deadline: float
    max_text_bytes: int
    held_back: NoResponse | None = None
    unclear: set[tuple[object, ...]] = set()  # a copy for each context

    def absorb_stop(self) -> NoResponse:
        """Absorb the cancellation of this task by a stop. Return why nothing more is sent."""
        self.held_back = self.held_back or rest.Stopped()
        _uncancel()
        return self.held_back


class CallInProgress(msgspec.Struct, eq=False):
    """One call, from its checks to its outcome; equal calls may wait for it.

    Attributes:
        context: the GraphQL request.
        operation: the operation.
        arguments: its arguments, as given.
        skipped: the reason not to send a call of a list, given before it starts or by ``withdraw``; None if there is
            none.
        task: the task of a call of a list; None for a single call.
        requests: the requests that were made for it: none, one, or one and its repeat.
        outcome: its outcome; None while it is in progress.
        shared: it waited for an equal call and ended with its outcome.
        refused: the reason not to send it, which the checks before the sender found; None if they found none.
        key: the key under which equal calls find it; None if they cannot.
    """

    context: CallContext
    operation: RestOperation[Any, Any]
    arguments: Arguments
    skipped: rest.Skipped[Any] | None = None
    task: asyncio.Task[Any] | None = None
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
        """The number of requests with at least one written byte."""
        return sum(map(_WRITTEN, self.requests))

    def without_response(self, reason: NoResponse) -> Any:
        """Return the outcome of a call that has no response."""
        return self.operation.from_no_response(reason, *self.arguments)

    def withdraw(self, skipped: rest.Skipped[Any]) -> None:
        """Send nothing more for a call of a list. If it waits for a connection, it ends at once.

        A request that was written keeps its own outcome, and so does a call that waits for an equal one.
        """
        self.skipped = skipped
        if self.task is not None and self.requests and not self.attempts:
            self.task.cancel()

    def absorb_cancellation(self) -> NoResponse:
        """Absorb the cancellation of this task by a withdrawal or a stop. Return why nothing more is sent."""
        if self.skipped is None:
            return self.context.absorb_stop()
        _uncancel()
        return self.skipped

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


def _uncancel() -> None:
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
