"""The operation readContact: ``GET /api/contact/{id}``. It changes nothing, so it is neither audited nor shared."""

# ruff: noqa: ARG001, PLR2004 - each function takes all arguments of the operation; a status is a number

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, TypeAlias, get_args

import strawberry

from schema.context import Info
from schema.delete_contact import check
from schema.error_outcomes import DEFAULT_MESSAGES, from_error_response, unclear
from schema.error_outcomes import body_needed as default_body_needed
from schema.error_outcomes import from_no_response as error_from_no_response
from schema.errors import ErrorOutcome
from schema.json_codec import DecodeError, decode
from schema.rest import BodyNeed, Interrupted, NoResponse, Response, RestOperation
from schema.text import clean

MESSAGES = replace(
    DEFAULT_MESSAGES,
    by_reason={**DEFAULT_MESSAGES.by_reason, Interrupted: "Wethod gave no conclusive answer. It is safe to repeat."},
    unclear="Wethod's answer cannot be read. It is safe to repeat.",
    unexpected="Wethod answered with a status that it does not document.",
)


@strawberry.type(description="A contact as Wethod shows it.")
class ReadContactSuccess:
    """A 200 with a JSON object."""

    contact_id: strawberry.ID = strawberry.field(description="Id of the contact.")
    name: str | None = strawberry.field(description="First name.")
    surname: str | None = strawberry.field(description="Last name.")
    email: str | None = strawberry.field(description="E-mail address.")


ReadContactOutcome: TypeAlias = ReadContactSuccess | ErrorOutcome

ReadContactResult = Annotated[
    ReadContactOutcome, strawberry.union("ReadContactResult", description="Outcome of a read: a contact, or one error.")
]


def body_needed(status: int, headers: Mapping[bytes, bytes]) -> BodyNeed:
    """Wait for the contact, and for the body of a 4xx: it has Wethod's message."""
    return "whole" if status == 200 else default_body_needed(status, headers)


def from_response(response: Response, contact_id: str) -> ReadContactOutcome:
    """The outcome of a response."""
    if response.status == 200:
        return _contact(response, contact_id)
    return from_error_response(response, MESSAGES)


def from_no_response(reason: NoResponse, contact_id: str) -> ErrorOutcome:
    """The outcome of a call that no response decides."""
    return error_from_no_response(reason, MESSAGES)


def _contact(response: Response, contact_id: str) -> ReadContactOutcome:
    try:
        fields = decode(response.body or b"")
    except DecodeError:
        fields = None
    if not isinstance(fields, dict):
        return unclear(response.status, MESSAGES)
    texts = {name: clean(text) if isinstance(text := fields.get(name), str) else None for name in _TEXTS}
    return ReadContactSuccess(contact_id=strawberry.ID(contact_id), **texts)


_TEXTS = ("name", "surname", "email")

READ_CONTACT = RestOperation(
    name="readContact",
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


async def resolve_read_contact(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="Id of the contact.")],  # noqa: A002 - as in REST
) -> ReadContactOutcome:
    """Read one contact."""
    return await info.context.call(READ_CONTACT, contact_id=id)
