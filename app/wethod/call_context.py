"""What every call of one GraphQL request has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
