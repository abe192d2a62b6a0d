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
        stopped: a stop has cancelled the request, and no further call is sent for it.
        token: the key of remembered rate limits and of fair shares.
    """

    __slots__ = ("caller", "deadline", "max_words", "stopped", "token")

    def __init__(self, caller: Caller, deadline: float, max_words: int) -> None:
        self.caller = caller
        self.deadline = deadline
        self.max_words = max_words
        self.stopped = False
        self.token = caller.authorization or b""

    @property
    def held_back(self) -> rest.NoResponse | None:
        """The reason why nothing more is sent; None if there is none."""
        return rest.Stopped() if self.stopped else None

    def sending(self, request: Request) -> None:
        """Note the request of a call before it is sent."""

    def absorb_cancellation(self) -> rest.NoResponse:
        """Absorb the cancellation of this task, and return the reason why nothing more is sent."""
        self.stopped = True
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        return rest.Stopped()


class ListedCallContext(CallContext):
    """The context of one call of a list, which can be withdrawn until its first byte is written.

    Args:
        request: the context of the GraphQL request.
        skipped: the reason not to send the call; None if it may be sent.
    """

    __slots__ = ("_request", "_task", "skipped")

    def __init__(self, request: CallContext, skipped: rest.Skipped[object] | None) -> None:
        super().__init__(request.caller, request.deadline, request.max_words)
        self.stopped = request.stopped
        self.skipped = skipped
        self._request: Request | None = None
        self._task = asyncio.current_task()

    @property
    def held_back(self) -> rest.NoResponse | None:
        """The reason why nothing more is sent; None if there is none."""
        return self.skipped or super().held_back

    def sending(self, request: Request) -> None:
        """Note the first request of the call."""
        self._request = self._request or request

    def withdraw(self, skipped: rest.Skipped[object]) -> None:
        """Send nothing more for the call. If it waits for a connection, it ends at once.

        A request that was written keeps its own outcome, and so does a call that waits for an equal one.
        """
        self.skipped = skipped
        if self._task is not None and self._request is not None and not self._request.written:
            self._task.cancel()

    def absorb_cancellation(self) -> rest.NoResponse:
        """Absorb the cancellation by a withdrawal or a stop, and return the reason why nothing more is sent."""
        stopped = super().absorb_cancellation()
        return self.skipped or stopped
