"""The GraphQL types of a contact and of the result of its deletion."""

from __future__ import annotations

import enum
from typing import Annotated, TypeAlias

import strawberry
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from schema.errors import ErrorOutcome


# The only type without a description: its owner describes it, and composition warns about a second description.
@strawberry.federation.type(keys=[Key(fields=FieldSet("id"), resolvable=False)])
class Contact:
    """A reference to an entity that this subgraph cannot resolve."""

    id: strawberry.ID


@strawberry.enum(description="Evidence that the contact is gone.")
class DeletionEvidence(enum.Enum):
    """Evidence for a success."""

    RESPONSE = strawberry.enum_value("RESPONSE", description="Wethod answered that it deleted the contact.")
    ABSENCE = strawberry.enum_value(
        "ABSENCE",
        description="The answer to the first request was lost. Wethod answered the repeat with `not_found`.",
    )


@strawberry.type(description="The company no longer has the contact.")
class DeleteContactSuccess:
    """A 2xx that is a success, or the 404 of a repeat."""

    deleted_contact_id: strawberry.ID = strawberry.field(description="Id of the contact that is gone.")
    contact: Contact | None = strawberry.field(
        description="The contact that is gone, for caches that evict entities. Its other fields are null.",
    )
    message: str = strawberry.field(description="Human-readable description. Render it as text.")
    confirmed_by: DeletionEvidence = strawberry.field(description="Evidence that the contact is gone.")
    # Not in the schema: the audit records the status of the deciding response.
    status_code: strawberry.Private[int | None] = None


DeleteContactOutcome: TypeAlias = DeleteContactSuccess | ErrorOutcome

DeleteContactResult = Annotated[
    DeleteContactOutcome,
    strawberry.union(
        "DeleteContactResult",
        description=(
            "Outcome of a delete: a success, or one error that says what is known about the contact. "
            "Select `... on WethodError` as the default branch: members may be added."
        ),
    ),
]


@strawberry.type(description="Outcome for one id; entries keep the order of `ids`.")
class DeleteContactsEntry:
    """One id of a list, and its outcome."""

    id: strawberry.ID = strawberry.field(description="The id as given.")
    # Nullable, so that a failure of the gateway erases only its own entry.
    result: DeleteContactResult | None = strawberry.field(
        description="Outcome of the delete of this id. Null only if the gateway failed."
    )
