"""The errors of every operation: from a rejection by Wethod, from an unclear response, from no response.

An operation brings its own messages; these functions choose the member and read Wethod's text. ``body_needed`` and
``is_unclear`` belong together: they keep a 202 and the page of a proxy from being a success.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from schema.envelope import read_error_body
from schema.errors import (
    ErrorOutcome,
    WethodForbiddenError,
    WethodNotFoundError,
    WethodOutcomeUnknownError,
    WethodPreconditionFailedError,
    WethodRateLimitedError,
    WethodResponse,
    WethodUnauthorizedError,
    WethodUnavailableError,
    WethodUnexpectedResponseError,
    WethodValidationError,
)
from schema.rest import (
    AuditBlocked,
    BodyNeed,
    Failed,
    Interrupted,
    Invalid,
    NoConnection,
    NoResponse,
    NoTime,
    NotSent,
    Overloaded,
    RateLimited,
    Response,
    Skipped,
    Stopped,
    Unauthorized,
    WaitEnded,
)
from schema.retry_after import read_retry_after
from schema.text import skip_invisible

# Match it in a list, too. A list is not valid, but many recipients take its last member (RFC 9110 §8.3).
_HTML = re.compile(rb"(?:\A|,)\s*text/html\s*(?:[;,]|\Z)", re.IGNORECASE)

REJECTIONS: Mapping[int, tuple[type[ErrorOutcome], str]] = {
    400: (WethodValidationError, "invalid_data"),
    401: (WethodUnauthorizedError, "unauthorized"),
    403: (WethodForbiddenError, "forbidden"),
    404: (WethodNotFoundError, "not_found"),
    412: (WethodPreconditionFailedError, "precondition_failure"),
    429: (WethodRateLimitedError, "too_many_requests"),
}
"""The statuses that Wethod documents for a rejection: the member, and the gateway's key if Wethod gives none."""

NO_RESPONSE: Mapping[type, tuple[type[WethodUnavailableError | WethodOutcomeUnknownError], str]] = {
    Overloaded: (WethodUnavailableError, "overloaded"),
    NotSent: (WethodUnavailableError, "not_sent"),
    NoConnection: (WethodUnavailableError, "not_sent"),
    NoTime: (WethodUnavailableError, "not_sent"),
    Stopped: (WethodUnavailableError, "not_sent"),
    Failed: (WethodUnavailableError, "not_sent"),
    AuditBlocked: (WethodUnavailableError, "not_sent"),
    Interrupted: (WethodOutcomeUnknownError, "outcome_unknown"),
    WaitEnded: (WethodOutcomeUnknownError, "outcome_unknown"),
}
"""The reasons for a missing response that carry no further data: the member and its key."""


@dataclass(frozen=True, slots=True)
class ErrorMessages:
    """The messages of one operation.

    Attributes:
        by_status: for a rejection without a message of Wethod.
        by_reason: for each class of ``NO_RESPONSE``.
        overloaded_caller: too many calls of this token are in progress.
        unclear: the response does not show the outcome.
        unexpected: the status is not documented.
        skipped: Wethod answered an earlier call of the same list with 401 or 429.
    """

    by_status: Mapping[int, str]
    by_reason: Mapping[type, str]
    overloaded_caller: str
    unclear: str
    unexpected: str
    skipped: str


DEFAULT_MESSAGES = ErrorMessages(
    by_status={
        400: "Wethod found the request invalid.",
        401: "Wethod did not accept the token.",
        403: "The token's owner may not do this.",
        404: "The company has nothing of this id.",
        412: "The state of the data forbids this.",
        429: "Wethod allows this token no more requests for now.",
    },
    by_reason={
        NotSent: "Wethod could not be reached. Nothing was sent; it is safe to repeat.",
        NoConnection: "No connection to Wethod became free in time. Nothing was sent; it is safe to repeat.",
        NoTime: "The request's time was used up before this was sent. It is safe to repeat.",
        Stopped: "The gateway stopped before this was sent. It is safe to repeat.",
        Failed: "The gateway failed before this was sent. It is safe to repeat.",
        AuditBlocked: "The gateway cannot write its audit. Nothing was sent; repeat later.",
        Overloaded: "Too many calls are in progress here. Nothing was sent; repeat later.",
        Interrupted: "The request was sent and no conclusive answer came. Wethod may have acted.",
        WaitEnded: "Not sent: the outcome of an equal call is unknown. Wethod may have acted.",
    },
    overloaded_caller="Too many calls of this token are in progress here. Nothing was sent; repeat later.",
    unclear="Wethod's answer does not say if Wethod acted.",
    unexpected="Wethod answered with a status that it does not document. Wethod may have acted.",
    skipped="Not sent, because an earlier call of this list was refused for the whole token.",
)
"""Messages that fit every operation; an operation with more to say about its effect replaces them."""


def body_needed(status: int, headers: Mapping[bytes, bytes]) -> BodyNeed:
    """Return the part of a body to wait for: all of a 4xx, the first character of a 200 with the type ``text/html``.

    A 4xx has Wethod's message. The character decides whether such a 200 is Wethod's success or the page of a proxy.
    """
    if status == 200:  # noqa: PLR2004 - the status itself
        return "first" if _is_html(headers) else "none"
    return "whole" if 400 <= status < 500 else "none"  # noqa: PLR2004 - the class of statuses


def is_unclear(response: Response) -> bool:
    """Return whether a 2xx does not say if Wethod acted: a 202, or a 200 that is the page of a proxy."""
    # A 202 defers the action (RFC 9110 §15.3.3). Symfony sends text/html if a response sets no type, and the page of a
    # proxy has the same type: only the first character distinguishes them.
    if response.body == b"" or response.status != 200:  # noqa: PLR2004 - the status itself
        return response.status == 202  # noqa: PLR2004 - the status itself
    return _is_html(response.headers) and (response.body is None or skip_invisible(response.body).startswith(b"<"))


def _is_html(headers: Mapping[bytes, bytes]) -> bool:
    return _HTML.search(headers.get(b"content-type", b"")) is not None


def from_error_response(response: Response, messages: ErrorMessages) -> ErrorOutcome:
    """The outcome of a response that is no success. Handles every status and body; never raises."""
    status = response.status
    if not 300 <= status < 500:  # noqa: PLR2004 - the classes of statuses; redirects are not followed
        return unclear(status, messages)
    message = messages.by_status.get(status, messages.unexpected)
    body = read_error_body(response.body, response.max_text_bytes - len(message))
    member, key = REJECTIONS.get(status, (WethodUnexpectedResponseError, "unexpected_response"))
    outcome = member(
        key=body.key or key,
        message=(body.message or message) + body.cut,
        status_code=status,
        response=body.envelope,
    )
    if isinstance(outcome, WethodValidationError):
        outcome.failures = list(body.failures)
    elif isinstance(outcome, WethodRateLimitedError):
        outcome.retry_after_seconds = read_retry_after(response.headers, time.time())
    return outcome


def unclear(status: int, messages: ErrorMessages) -> WethodOutcomeUnknownError:
    """The outcome of a response that does not say if Wethod acted."""
    return WethodOutcomeUnknownError(
        key="outcome_unknown", message=messages.unclear, status_code=status, response=WethodResponse(headers=[])
    )


def from_no_response(reason: NoResponse, messages: ErrorMessages) -> ErrorOutcome:
    """The outcome of a call that no response decides. Handles every ``NoResponse``."""
    match reason:
        case Unauthorized(message):
            return WethodUnauthorizedError(key="unauthorized", message=message)
        case Invalid(failures):
            message = "The request was refused before anything was sent. See `failures`."
            return WethodValidationError(key="invalid_data", message=message, failures=list(failures))
        case RateLimited(seconds):
            message = "Wethod allows this token no more requests for now. Nothing was sent."
            return WethodRateLimitedError(key="too_many_requests", message=message, retry_after_seconds=seconds)
        case Skipped(after):
            assert isinstance(after, WethodUnauthorizedError | WethodRateLimitedError)  # noqa: S101 - see app/wethod/call_list.py
            return replace(after, message=messages.skipped, status_code=None, response=None)
        case _:
            member, key = NO_RESPONSE[type(reason)]
            by_token = isinstance(reason, Overloaded) and reason.by_token
            return member(key=key, message=messages.overloaded_caller if by_token else messages.by_reason[type(reason)])
