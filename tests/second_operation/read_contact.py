"""The operation contact: ``GET /api/contact/{id}``. It changes nothing, so it is neither audited nor shared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeAlias, get_args

import strawberry

from schema.context import Info
from schema.delete_contact import check
from schema.error_outcomes import DEFAULT_MESSAGES, from_error_response, unclear
from schema.error_outcomes import from_no_response as error_from_no_response
from schema.errors import ErrorOutcome
from schema.json_codec import DecodeError, decode
from schema.rest import BodyNeed, NoResponse, Response, RestOperation
from schema.text import clean


@strawberry.type(description="A contact as Wethod shows it.")
class ContactDetails:
    """The fields of a contact that this gateway passes on."""

    id: strawberry.ID
    name: str | None
    surname: str | None
    email: str | None


ReadContactOutcome: TypeAlias = ContactDetails | ErrorOutcome

ReadContactResult = Annotated[ReadContactOutcome, strawberry.union("ReadContactResult")]


def body_needed(status: int, headers: Mapping[bytes, bytes]) -> BodyNeed:
    """Wait for the contact, and for the words of a 4xx."""
    return "whole" if status == 200 or 400 <= status < 500 else "none"


def from_response(response: Response, contact_id: str) -> ReadContactOutcome:
    """The outcome of a response."""
    if response.status == 200:
        return _contact(response, contact_id)
    return from_error_response(response, DEFAULT_MESSAGES)


def from_no_response(reason: NoResponse, contact_id: str) -> ErrorOutcome:
    """The outcome of a call that no response decides."""
    return error_from_no_response(reason, DEFAULT_MESSAGES)


def _contact(response: Response, contact_id: str) -> ReadContactOutcome:
    try:
        fields = decode(response.body or b"")
    except DecodeError:
        fields = None
    if not isinstance(fields, dict):
        return unclear(response.status, DEFAULT_MESSAGES)
    texts = {name: clean(text) if isinstance(text := fields.get(name), str) else None for name in _TEXTS}
    return ContactDetails(id=strawberry.ID(contact_id), **texts)


_TEXTS = ("name", "surname", "email")

READ_CONTACT = RestOperation(
    name="contact",
    method="GET",
    path="/api/contact/{contact_id}",
    check=check,
    outcomes=get_args(ReadContactOutcome),
    body_needed=body_needed,
    from_response=from_response,
    from_repeat=from_response,
    from_no_response=from_no_response,
    idempotent=True,
)


async def resolve_contact(info: Info, id: strawberry.ID) -> ReadContactOutcome:  # noqa: A002 - the REST parameter's own name
    """Read one contact."""
    return await info.context.call(READ_CONTACT, contact_id=id)
