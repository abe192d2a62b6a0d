"""Two tables: what Wethod's status means, and what it means that no status came.

The status alone decides what happened; the body only adds words.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from app.http_client.transport import content_type
from schema.contact import Contact, DeleteContactOutcome, DeleteContactSuccess, DeletionEvidence
from schema.envelope import read_envelope
from schema.errors import (
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
from schema.retry_after import read_retry_after

if TYPE_CHECKING:
    from app.http_client.transport import Reply

Rejected: TypeAlias = (
    WethodValidationError
    | WethodUnauthorizedError
    | WethodForbiddenError
    | WethodNotFoundError
    | WethodPreconditionFailedError
    | WethodRateLimitedError
)
"""The members that a documented rejection stands for."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A documented rejection: its member, and the gateway's words where Wethod lends none."""

    member: type[Rejected]
    key: str
    message: str


REJECTIONS: dict[int, Rejection] = {
    400: Rejection(WethodValidationError, "invalid_data", "Wethod found the request invalid."),
    401: Rejection(WethodUnauthorizedError, "unauthorized", "Wethod did not accept the token."),
    403: Rejection(WethodForbiddenError, "forbidden", "The token's owner may not delete contacts: crm.edit is needed."),
    404: Rejection(WethodNotFoundError, "not_found", "The company has no such contact."),
    412: Rejection(
        WethodPreconditionFailedError, "precondition_failure", "The contact is in a state that forbids its deletion."
    ),
    429: Rejection(WethodRateLimitedError, "too_many_requests", "Wethod allows this token no more requests for now."),
}


class NoReply(enum.Enum):
    """Why there is no status, each in the gateway's words."""

    NOT_SENT = "Wethod could not be reached. Nothing was sent and nothing was deleted; it is safe to repeat."
    NO_TIME = "The request's time was used up before this delete was sent. Nothing was deleted; it is safe to repeat."
    OVERLOADED = "Too many deletes are in progress here. Nothing was sent and nothing was deleted; repeat later."
    INTERRUPTED = "The request was sent and no conclusive answer came. The contact may be gone; repeating is safe."
    JOINED = (
        "Another request is deleting this contact, and this one's time was used up before its answer came. "
        "The contact may be gone; repeating is safe."
    )


NO_REPLY: dict[NoReply, tuple[type[WethodUnavailableError | WethodOutcomeUnknownError], str]] = {
    NoReply.NOT_SENT: (WethodUnavailableError, "not_sent"),
    NoReply.NO_TIME: (WethodUnavailableError, "not_sent"),
    NoReply.OVERLOADED: (WethodUnavailableError, "overloaded"),
    NoReply.INTERRUPTED: (WethodOutcomeUnknownError, "outcome_unknown"),
    NoReply.JOINED: (WethodOutcomeUnknownError, "outcome_unknown"),
}


def from_no_reply(why: NoReply) -> WethodUnavailableError | WethodOutcomeUnknownError:
    """The outcome where no status came."""
    member, key = NO_REPLY[why]
    return member(key=key, message=why.value)


_UNKNOWN_ANSWER = "Wethod's answer does not tell whether the contact was deleted. It may be gone; repeating is safe."
_UNEXPECTED = "Wethod answered with a status that it does not document. Whether the contact was deleted is not known."
_DELETED = {
    # By name: before Python 3.13 a member's own hash is a function in Python.
    DeletionEvidence.RESPONSE.name: "Contact successfully deleted.",
    DeletionEvidence.ABSENCE.name: "The company has no such contact any more.",
}


def from_reply(reply: Reply, contact_id: str) -> DeleteContactOutcome:
    """The outcome that an answer to the first attempt stands for. Pure, and total over statuses and bodies."""
    status = reply.status
    if 200 <= status < 300:  # noqa: PLR2004 - the class of statuses, RFC 9110 section 15.3
        if _is_inconclusive(reply):
            return unknown(status)
        return deleted(contact_id, DeletionEvidence.RESPONSE, status)
    rejection = REJECTIONS.get(status)
    if rejection is not None:
        return _rejected(rejection, reply)
    if 300 <= status < 500:  # noqa: PLR2004 - redirects are not followed; a 4xx of no documented meaning
        return WethodUnexpectedResponseError(
            key="unexpected_response", message=_UNEXPECTED, status_code=status, response=WethodResponse(headers=[])
        )
    return unknown(status)


def from_repeat(reply: Reply, contact_id: str) -> DeleteContactOutcome:
    """The outcome that an answer to the repeat stands for: only a success or Wethod's own absence is conclusive."""
    outcome = from_reply(reply, contact_id)
    if isinstance(outcome, DeleteContactSuccess):
        return outcome
    # A 404 of a proxy has no such key; only Wethod's own says that the contact is gone.
    if isinstance(outcome, WethodNotFoundError) and read_envelope(reply.body).key == "not_found":
        return deleted(contact_id, DeletionEvidence.ABSENCE, reply.status)
    return unknown(reply.status)


def deleted(contact_id: str, evidence: DeletionEvidence, status: int) -> DeleteContactSuccess:
    """The contact is gone, as an answer of that status shows."""
    return DeleteContactSuccess(
        deleted_contact_id=contact_id,  # type: ignore[arg-type]
        contact=Contact(id=contact_id),  # type: ignore[arg-type]
        message=_DELETED[evidence._name_],
        confirmed_by=evidence,
        status_code=status,
    )


def unknown(status: int) -> WethodOutcomeUnknownError:
    """An answer came, and it does not tell."""
    return WethodOutcomeUnknownError(
        key="outcome_unknown", message=_UNKNOWN_ANSWER, status_code=status, response=WethodResponse(headers=[])
    )


def _is_inconclusive(reply: Reply) -> bool:
    # 202 defers the deed (RFC 9110 section 15.3.3); a page with content is some proxy's, not Wethod's answer,
    # and a page of which nothing came cannot be told from one.
    if reply.status == 202:  # noqa: PLR2004 - the status itself
        return True
    return reply.status == 200 and reply.body != b"" and content_type(reply.headers) == b"text/html"  # noqa: PLR2004


def _rejected(rejection: Rejection, reply: Reply) -> Rejected:
    lent = read_envelope(reply.body)
    outcome = rejection.member(
        key=lent.key or rejection.key,
        message=lent.message or rejection.message,
        status_code=reply.status,
        response=lent.response,
    )
    if isinstance(outcome, WethodValidationError):
        outcome.failures = list(lent.failures)
    elif isinstance(outcome, WethodRateLimitedError):
        outcome.retry_after_seconds = read_retry_after(reply.headers)
    return outcome
