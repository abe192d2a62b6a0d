"""What is refused before anything is sent, in the design's order: token, input, a remembered 429."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from schema.errors import WethodFailure, WethodRateLimitedError, WethodUnauthorizedError, WethodValidationError

if TYPE_CHECKING:
    from app.wethod.caller import Caller
    from app.wethod.rate_limits import Throttle

_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_LARGEST_ID = 2**63 - 1
_DIGITS = len(str(_LARGEST_ID))


def is_contact_id(value: str) -> bool:
    """Whether a value is an id as Wethod has them: ASCII digits, no leading zero, 1 … 2^63-1.

    Nothing else may reach a request target: ``..`` would send the DELETE to the parent path.
    """
    return _ID.fullmatch(value) is not None and (len(value) < _DIGITS or int(value) <= _LARGEST_ID)


def refuse(
    caller: Caller, contact_id: str, throttle: Throttle
) -> WethodUnauthorizedError | WethodValidationError | WethodRateLimitedError | None:
    """The refusal of a delete that need not be sent; None where it may be."""
    if caller.authorization is None:
        return WethodUnauthorizedError(key="unauthorized", message=caller.authorization_problem)
    valid_id = is_contact_id(contact_id)
    if caller.failures or not valid_id:
        failures = (
            [] if valid_id else [WethodFailure(field="id", message=f"Must be a whole number from 1 to {_LARGEST_ID}.")]
        )
        return WethodValidationError(
            key="invalid_data",
            message="The request was refused before anything was sent. See `failures`.",
            failures=[*failures, *caller.failures],
        )
    seconds = throttle.remaining_seconds(caller.authorization)
    if seconds is not None:
        return WethodRateLimitedError(
            key="too_many_requests",
            message="Wethod allows this token no more requests for now; it was not asked again.",
            retry_after_seconds=seconds,
        )
    return None
