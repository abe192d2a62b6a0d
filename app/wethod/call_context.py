"""The context of a call of Wethod: shared with the other calls of its GraphQL request, or of its own in a list."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from schema import rest

if TYPE_CHECKING:
    from app.http_client.transport import Request
    from app.wethod.caller import Caller


class CallContext(msgspec.Struct, eq=False):
    """The caller, the time and the words of one request.

    Attributes:
        caller: the caller.
        deadline: event loop time in seconds at which every call has its outcome.
        max_words: bytes of Wethod's words that each call may show.
        held_back: the reason why no further call is sent, such as a stop; None if there is none.
        first_request: the first request that was made; None before that.
        unclear: the calls of the GraphQL request after which Wethod may have acted: operation and arguments.
    """

    caller: Caller
    deadline: float
    max_words: int
    held_back: rest.NoResponse | None = None
    first_request: Request | None = None
    unclear: set[tuple[object, ...]] = set()  # a copy for each context

    def absorb_cancellation(self) -> rest.NoResponse:
        """Absorb the cancellation of this task by a stop or a withdrawal. Return why nothing more is sent."""
        self.held_back = self.held_back or rest.Stopped()
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        return self.held_back


class ListedCallContext(CallContext):
    """The context of one call of a list, which can be withdrawn until its first byte is written.

    The task that makes it is the task of the call.
    """

    _task: asyncio.Task[object] | None = msgspec.field(default_factory=asyncio.current_task)

    def withdraw(self, skipped: rest.Skipped[object]) -> None:
        """Send nothing more for the call. If it waits for a connection, it ends at once.

        A request that was written keeps its own outcome, and so does a call that waits for an equal one.
        """
        self.held_back = skipped
        if self._task is not None and self.first_request is not None and not self.first_request.written:
            self._task.cancel()
