"""The operation updateEmail: a ``PATCH`` with a JSON body. It is not idempotent: never repeated, never shared."""

# ruff: noqa: ARG001, PLR2004 - each function takes all arguments of the operation; a status is a number

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, TypeAlias, get_args

import strawberry

from schema.context import Info
from schema.delete_contact import check as check_id
from schema.error_outcomes import DEFAULT_MESSAGES, body_needed, from_error_response, is_unclear
from schema.error_outcomes import from_no_response as error_from_no_response
from schema.errors import ErrorOutcome, WethodFailure
from schema.rest import NoResponse, Response, RestOperation


@strawberry.type(description="The contact has the new address.")
class UpdateEmailSuccess:
    """A 2xx that is not unclear."""

    contact_id: strawberry.ID = strawberry.field(description="Id of the contact.")


UpdateEmailOutcome: TypeAlias = UpdateEmailSuccess | ErrorOutcome

UpdateEmailResult = Annotated[
    UpdateEmailOutcome,
    strawberry.union("UpdateEmailResult", description="Outcome of a change: a success, or one error."),
]


def check(contact_id: str, email: str) -> Sequence[WethodFailure]:
    """Check the id and the address."""
    failures = list(check_id(contact_id))
    if "@" not in email:
        failures.append(WethodFailure(field="email", message="Must be an e-mail address."))
    return failures


def body(contact_id: str, email: str) -> Mapping[str, str]:
    """The fields to change."""
    return {"email": email}


def from_response(response: Response, contact_id: str, email: str) -> UpdateEmailOutcome:
    """The outcome of a response."""
    if 200 <= response.status < 300 and not is_unclear(response):
        return UpdateEmailSuccess(contact_id=strawberry.ID(contact_id))
    return from_error_response(response, DEFAULT_MESSAGES)


def from_no_response(reason: NoResponse, contact_id: str, email: str) -> ErrorOutcome:
    """The outcome of a call that no response decides."""
    return error_from_no_response(reason, DEFAULT_MESSAGES)


UPDATE_EMAIL = RestOperation(
    name="updateEmail",
    method="PATCH",
    path="/api/contact/{contact_id}",
    check=check,
    body=body,
    outcomes=get_args(UpdateEmailOutcome),
    body_needed=body_needed,
    from_response=from_response,
    from_no_response=from_no_response,
)


async def resolve_update_email(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="Id of the contact.")],  # noqa: A002 - as in REST
    email: Annotated[str, strawberry.argument(description="The new address.")],
) -> UpdateEmailOutcome:
    """Change the address of one contact."""
    return await info.context.call(UPDATE_EMAIL, contact_id=id, email=email)
