"""Every operation has an outcome and a message for each reason to have no response."""

from __future__ import annotations

from typing import Any, get_args, get_origin

import pytest

from schema.delete_contact import MESSAGES
from schema.error_outcomes import DEFAULT_MESSAGES, NO_RESPONSE, REJECTIONS, ErrorMessages, from_no_response
from schema.errors import WethodError, WethodUnauthorizedError
from schema.rest import Invalid, NoResponse, RateLimited, Skipped, Unauthorized

WITH_VALUES: dict[type, Any] = {
    Unauthorized: Unauthorized("No header."),
    Invalid: Invalid(()),
    RateLimited: RateLimited(1),
    Skipped: Skipped(WethodUnauthorizedError(key="unauthorized", message="")),
}
REASONS = [get_origin(reason) or reason for reason in get_args(NoResponse)]
NO_RESPONSES: dict[str, NoResponse] = {reason.__name__: WITH_VALUES.get(reason) or reason() for reason in REASONS}
"""Every reason to have no response, by its name."""


@pytest.mark.parametrize("messages", [MESSAGES, DEFAULT_MESSAGES], ids=["deleteContact", "default"])
@pytest.mark.parametrize("reason", NO_RESPONSES.values(), ids=NO_RESPONSES)
def test_every_reason_has_an_outcome(reason: NoResponse, messages: ErrorMessages) -> None:
    outcome = from_no_response(reason, messages)
    assert isinstance(outcome, WethodError)
    assert outcome.status_code is None
    assert outcome.message


@pytest.mark.parametrize("messages", [MESSAGES, DEFAULT_MESSAGES], ids=["deleteContact", "default"])
def test_every_status_and_reason_has_a_message(messages: ErrorMessages) -> None:
    assert messages.by_status.keys() == REJECTIONS.keys()
    assert messages.by_reason.keys() == NO_RESPONSE.keys()
