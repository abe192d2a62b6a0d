"""The record of one call of an operation: the source of its audit line and of its metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from app.wethod.call import Arguments
    from app.wethod.caller import Caller
    from schema.rest import RestOperation


class OperationRecord(msgspec.Struct, frozen=True, gc=False):
    """One call of an operation and its outcome.

    Attributes:
        operation: the operation.
        caller: the caller of the request.
        arguments: the arguments as given; only valid ones were sent.
        outcome: a member of the operation's union.
        attempts: requests to Wethod for this call, each with at least one byte written.
        shared: nothing was sent for this call, which waited for an equal one, or followed one in the same request.
            Either it has the success and the ``attempts`` of that one, or its outcome is unknown because that one may
            have acted.
        seconds: time from the resolver's call to the outcome.
        limit: the limit that refused the call before anything was sent: too many calls in progress, or a remembered
            429; None if neither did.
    """

    operation: RestOperation[Any, Any]
    caller: Caller
    arguments: Arguments
    outcome: Any
    attempts: int
    shared: bool
    seconds: float
    limit: Literal["in_flight", "rate"] | None = None
