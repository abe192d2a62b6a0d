"""The operation deleteContact: its REST side, its outcome tables, its messages and its resolver."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, cast, get_args

import strawberry

from schema.contact import Contact, DeleteContactOutcome, DeleteContactsEntry, DeleteContactSuccess, DeletionEvidence
from schema.context import Info
from schema.envelope import read_key
from schema.error_outcomes import ErrorMessages, body_needed, from_error_response, is_unclear, unclear
from schema.error_outcomes import from_no_response as error_from_no_response
from schema.errors import WethodFailure, WethodNotFoundError
from schema.rest import (
    AuditBlocked,
    Failed,
    Interrupted,
    NoConnection,
    NoResponse,
    NoTime,
    NotSent,
    Overloaded,
    Response,
    RestOperation,
    Stopped,
    WaitEnded,
)

_LARGEST_ID = 2**63 - 1
_ID = re.compile(r"[1-9][0-9]{0,18}")
_AUDITED_ID = re.compile(r"[0-9]{1,20}")

MESSAGES = ErrorMessages(
    by_status={
        400: "Wethod found the request invalid.",
        401: "Wethod did not accept the token.",
        403: "The token's owner may not delete contacts: crm.edit is needed.",
        404: "The company has no such contact.",
        412: "The contact is in a state that forbids its deletion.",
        429: "Wethod allows this token no more requests for now.",
    },
    by_reason={
        NotSent: "Wethod could not be reached. Nothing was sent and nothing was deleted; it is safe to repeat.",
        NoConnection: "No connection to Wethod became free in time. "
        "Nothing was sent and nothing was deleted; it is safe to repeat.",
        NoTime: "The request's time was used up before this delete was sent. "
        "Nothing was deleted; it is safe to repeat.",
        Stopped: "The gateway stopped before this delete was sent. Nothing was deleted; it is safe to repeat.",
        Failed: "The gateway failed before this delete was sent. Nothing was deleted; it is safe to repeat.",
        AuditBlocked: "The gateway cannot write its audit. Nothing was sent and nothing was deleted; repeat later.",
        Overloaded: "Too many deletes are in progress here. Nothing was sent and nothing was deleted; repeat later.",
        Interrupted: "The request was sent and no conclusive answer came. The contact may be gone; repeating is safe.",
        WaitEnded: "Not sent: the outcome of an equal delete is unknown. The contact may be gone; repeating is safe.",
    },
    overloaded_caller="Too many deletes of this token are in progress here. "
    "Nothing was sent and nothing was deleted; repeat later.",
    unclear="Wethod's answer does not say if the contact was deleted. It may be gone; repeating is safe.",
    unexpected="Wethod answered with a status that it does not document. The contact may be gone: look at it first.",
    skipped="Not sent, because an earlier delete of this list was refused for the whole token. Nothing was deleted.",
)

_DELETED = {
    # By name: before Python 3.13 the hash of an enum's member is computed in Python.
    DeletionEvidence.RESPONSE.name: "Contact successfully deleted.",
    DeletionEvidence.ABSENCE.name: "The company has no such contact any more.",
}


def check(contact_id: str) -> Sequence[WethodFailure]:
    """Check the id: ASCII digits, no leading zero, 1 to 2^63-1.

    Nothing else may reach the request target: ``..`` would send the DELETE to the parent path.
    """
    if _ID.fullmatch(contact_id) and int(contact_id) <= _LARGEST_ID:
        return ()
    return (WethodFailure(field="id", message=f"Must be a whole number from 1 to {_LARGEST_ID}."),)


def from_response(response: Response, contact_id: str) -> DeleteContactOutcome:
    """The outcome of the response to the first request (docs/outcomes.md).

    Handles every status and body; never raises.
    """
    status = response.status
    if 200 <= status < 300:  # noqa: PLR2004 - the class of statuses, RFC 9110 §15.3
        if is_unclear(response):
            return unclear(status, MESSAGES)
        return _deleted(contact_id, DeletionEvidence.RESPONSE, status)
    return from_error_response(response, MESSAGES)


def from_repeat(response: Response, contact_id: str) -> DeleteContactOutcome:
    """The outcome of the response to the repeat: only a success or Wethod's own "not found" decides."""
    outcome = from_response(response, contact_id)
    if isinstance(outcome, DeleteContactSuccess):
        return outcome
    # A proxy's 404 has no such key, and does not show that the contact is gone.
    if isinstance(outcome, WethodNotFoundError) and read_key(response.body) == "not_found":
        return _deleted(contact_id, DeletionEvidence.ABSENCE, response.status)
    return unclear(response.status, MESSAGES)


def from_no_response(reason: NoResponse, contact_id: str) -> DeleteContactOutcome:  # noqa: ARG001 - the operation's signature
    """The outcome of a delete that no response decides."""
    return error_from_no_response(reason, MESSAGES)


def audit_fields(outcome: DeleteContactOutcome, contact_id: str) -> Mapping[str, object]:  # noqa: ARG001 - the operation's signature
    """The fields of the audit record that only a delete has."""
    # Anything but a short number may be a token that was pasted in the wrong place.
    return {"contactId": contact_id if _AUDITED_ID.fullmatch(contact_id) else f"({len(contact_id)} characters)"}


def _deleted(contact_id: str, evidence: DeletionEvidence, status: int) -> DeleteContactSuccess:
    id_ = strawberry.ID(contact_id)
    return DeleteContactSuccess(
        deleted_contact_id=id_,
        contact=Contact(id=id_),
        message=_DELETED[evidence._name_],
        confirmed_by=evidence,
        status_code=status,
    )


DELETE_CONTACT = RestOperation(
    name="deleteContact",
    method="DELETE",
    path="/api/contact/{contact_id}",
    check=check,
    outcomes=get_args(DeleteContactOutcome),
    body_needed=body_needed,
    from_response=from_response,
    from_repeat=from_repeat,
    from_no_response=from_no_response,
    idempotent=True,
    shared=True,
    audited=True,
    audit_fields=audit_fields,
)


async def resolve_delete(
    info: Info,
    id: Annotated[  # noqa: A002 - the REST parameter's own name
        strawberry.ID,
        strawberry.argument(description="Id of the contact: a whole number from 1, in decimal digits."),
    ],
) -> DeleteContactOutcome:
    """Delete one contact."""
    return await info.context.call(DELETE_CONTACT, id)


async def resolve_delete_many(
    info: Info,
    ids: Annotated[
        list[strawberry.ID],
        strawberry.argument(description="Ids of contacts: whole numbers from 1, in decimal digits."),
    ],
) -> list[DeleteContactsEntry]:
    """Delete many contacts, several at a time."""
    # An exception in the place of an outcome becomes the error of its own entry.
    outcomes = cast("Sequence[DeleteContactOutcome | None]", await info.context.call_many(DELETE_CONTACT, ids))
    return [DeleteContactsEntry(id=id_, result=outcome) for id_, outcome in zip(ids, outcomes, strict=True)]
