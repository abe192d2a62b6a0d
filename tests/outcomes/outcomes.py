"""The outcomes that a client can get, with every member, for tests that compare exact JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

TRANSPORTS = pytest.mark.parametrize("transport", ["http1", "httpx"])

EMPTY_RESPONSE: dict[str, object] = {
    "headers": [],
    "content": None,
    "version": None,
    "statusCode": None,
    "statusText": None,
    "charset": None,
    "callback": None,
    "encodingOptions": 64,
}
UNKNOWN_ANSWER = "Wethod's answer does not say if the contact was deleted. It may be gone; repeating is safe."
INTERRUPTED = "The request was sent and no conclusive answer came. The contact may be gone; repeating is safe."
UNEXPECTED = "Wethod answered with a status that it does not document. The contact may be gone: look at it first."
STOPPED = "The gateway stopped before this delete was sent. Nothing was deleted; it is safe to repeat."
WAIT_ENDED = "Not sent: the outcome of an equal delete is unknown. The contact may be gone; repeating is safe."
NOT_SENT = "Wethod could not be reached. Nothing was sent and nothing was deleted; it is safe to repeat."

ROUTERS = "Routers drop it unless configured to forward it."
NO_TOKEN = f"The header Authorization did not arrive. It carries the caller's Wethod token. {ROUTERS}"
BAD_ID = {"field": "id", "message": "Must be a whole number from 1 to 9223372036854775807."}
BAD_COMPANY = {"field": "Wethod-Company", "message": "Must be the sub-domain of a company, such as acme."}


def deleted(contact_id: str, evidence: str = "RESPONSE") -> dict[str, Any]:
    messages = {
        "RESPONSE": "Contact successfully deleted.",
        "ABSENCE": "The company has no such contact any more.",
    }
    return {
        "__typename": "DeleteContactSuccess",
        "deletedContactId": contact_id,
        "contact": {"__typename": "Contact", "id": contact_id},
        "message": messages[evidence],
        "confirmedBy": evidence,
    }


def success(evidence: str = "RESPONSE") -> dict[str, Any]:
    """The success of the contact that most tests delete."""
    return deleted("7", evidence)


def error(
    member: str, key: str, message: str, status: int | None, response: object = EMPTY_RESPONSE, **more: object
) -> dict[str, Any]:
    if status is None:
        response = None
    return {"__typename": member, "key": key, "message": message, "statusCode": status, "response": response, **more}


def unknown(status: int | None = None) -> dict[str, Any]:
    message = INTERRUPTED if status is None else UNKNOWN_ANSWER
    return error("WethodOutcomeUnknownError", "outcome_unknown", message, status)


def rejection(status: int, key: str | None = None, message: str | None = None, **more: object) -> dict[str, Any]:
    """A documented rejection, with the gateway's own message by default."""
    member, own_key, own_message = {
        400: ("WethodValidationError", "invalid_data", "Wethod found the request invalid."),
        401: ("WethodUnauthorizedError", "unauthorized", "Wethod did not accept the token."),
        403: ("WethodForbiddenError", "forbidden", "The token's owner may not delete contacts: crm.edit is needed."),
        404: ("WethodNotFoundError", "not_found", "The company has no such contact."),
        412: (
            "WethodPreconditionFailedError",
            "precondition_failure",
            "The contact is in a state that forbids its deletion.",
        ),
        429: ("WethodRateLimitedError", "too_many_requests", "Wethod allows this token no more requests for now."),
    }[status]
    extra: dict[int, dict[str, object]] = {400: {"failures": []}, 429: {"retryAfterSeconds": None}}
    return error(member, key or own_key, message or own_message, status, **(extra.get(status, {}) | more))


def unauthorized(message: str) -> dict[str, Any]:
    """The refusal of a request without a usable token; nothing is sent."""
    return error("WethodUnauthorizedError", "unauthorized", message, None)


def invalid(*failures: dict[str, str]) -> dict[str, Any]:
    """The refusal of bad input; nothing is sent."""
    message = "The request was refused before anything was sent. See `failures`."
    return error("WethodValidationError", "invalid_data", message, None, failures=list(failures))


def words(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def unavailable(message: str = NOT_SENT, key: str = "not_sent") -> dict[str, Any]:
    return error("WethodUnavailableError", key, message, None)
