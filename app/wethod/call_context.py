"""The context of a call of Wethod: shared with the other calls of its GraphQL request, or of its own in a list."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from schema import rest

if TYPE_CHECKING:
    from app.http_client.transport import Request
    from app.wethod.caller import Caller


class CallContext:
    """The caller, the time and the words of one request.

    Args:
        caller: the caller.
        deadline: event loop time in seconds at which every call has its outcome.
        max_words: bytes of Wethod's words that each call may show.

    Attributes:
        token: the key of remembered rate limits and of fair shares.
        held_back: the reason why no further call is sent, such as a stop; None if there is none.
        first_request: the first request that was made; None before that.
    """

    __slots__ = ("caller", "deadline", "first_request", "held_back", "max_words", "token")

    def __init__(self, caller: Caller, deadline: float, max_words: int) -> None:
        self.caller = caller
        self.deadline = deadline
        self.max_words = max_words
        self.token = caller.authorization or b""
        self.held_back: rest.NoResponse | None = None
        self.first_request: Request | None = None

    def absorb_cancellation(self) -> rest.NoResponse:
        """Absorb the cancellation of this task by a stop or a withdrawal. Return why nothing more is sent."""
        self.held_back = self.held_back or rest.Stopped()
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        return self.held_back


class ListedCallContext(CallContext):
    """The context of one call of a list, which can be withdrawn until its first byte is written.

    Args:
        request: the context of the GraphQL request.
        skipped: the reason not to send the call; None if it may be sent.
    """

    __slots__ = ("_task",)

    def __init__(self, request: CallContext, skipped: rest.Skipped[object] | None) -> None:
        super().__init__(request.caller, request.deadline, request.max_words)
        self.held_back = skipped or request.held_back
        self._task = asyncio.current_task()

    def withdraw(self, skipped: rest.Skipped[object]) -> None:
        """Send nothing more for the call. If it waits for a connection, it ends at once.

        A request that was written keeps its own outcome, and so does a call that waits for an equal one.
        """
        self.held_back = skipped
        if self._task is not None and self.first_request is not None and not self.first_request.written:
            self._task.cancel()
