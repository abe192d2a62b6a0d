"""Every operation has an outcome and a message for each reason to have no response."""

from __future__ import annotations

from typing import Any, get_args, get_origin

import pytest

from schema.delete_contact import WORDS
from schema.error_outcomes import DEFAULT_WORDS, NO_RESPONSE, REJECTIONS, ErrorWords, from_no_response
from schema.errors import WethodError, WethodUnauthorizedError
from schema.rest import Invalid, NoResponse, RateLimited, Skipped, Unauthorized

REASONS = [get_origin(reason) or reason for reason in get_args(NoResponse)]
WITH_VALUES: dict[type, Any] = {
    Unauthorized: Unauthorized("No header."),
    Invalid: Invalid(()),
    RateLimited: RateLimited(1),
    Skipped: Skipped(WethodUnauthorizedError(key="unauthorized", message="")),
}


@pytest.mark.parametrize("words", [WORDS, DEFAULT_WORDS], ids=["deleteContact", "default"])
@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.__name__)
def test_every_reason_has_an_outcome(reason: type, words: ErrorWords) -> None:
    value: NoResponse = WITH_VALUES.get(reason) or reason()
    outcome = from_no_response(value, words)
    assert isinstance(outcome, WethodError)
    assert outcome.status_code is None
    assert outcome.message


@pytest.mark.parametrize("words", [WORDS, DEFAULT_WORDS], ids=["deleteContact", "default"])
def test_every_status_and_reason_has_words(words: ErrorWords) -> None:
    assert words.rejections.keys() == REJECTIONS.keys()
    assert words.no_response.keys() == NO_RESPONSE.keys()
