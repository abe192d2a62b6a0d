"""The mutation, its union of outcomes, and the one Protocol through which the schema sees Wethod."""

from __future__ import annotations

import enum
import functools
from collections.abc import Awaitable, Mapping
from typing import Annotated, Protocol, TypeAlias

import strawberry
from graphql import GraphQLError, GraphQLID, GraphQLNamedType, GraphQLScalarType
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from schema.context import WethodContext
from schema.errors import (
    WethodForbiddenError,
    WethodNotFoundError,
    WethodOutcomeUnknownError,
    WethodPreconditionFailedError,
    WethodRateLimitedError,
    WethodUnauthorizedError,
    WethodUnavailableError,
    WethodUnexpectedResponseError,
    WethodValidationError,
)
from schema.service import print_once


# Not described, alone of all types: the words are its owner's, and a second description is a hint at composition.
@strawberry.federation.type(keys=[Key(fields=FieldSet("id"), resolvable=False)])
class Contact:
    """A reference to an entity that this subgraph cannot resolve."""

    id: strawberry.ID


@strawberry.enum(description="What shows that the contact is gone.")
class DeletionEvidence(enum.Enum):
    """How a success is known."""

    RESPONSE = strawberry.enum_value("RESPONSE", description="Wethod answered that it deleted the contact.")
    ABSENCE = strawberry.enum_value(
        "ABSENCE",
        description=("An earlier attempt went unanswered; its repeat was told that the company has no such contact."),
    )


@strawberry.type(description="The company does not have the contact any more.")
class DeleteContactSuccess:
    """A 2xx that is a success, or the 404 that a repeat was given."""

    deleted_contact_id: strawberry.ID = strawberry.field(description="Id of the contact that is gone.")
    contact: Contact | None = strawberry.field(
        description="The contact that is gone, for caches that evict by entity; its other fields are null.",
    )
    message: str = strawberry.field(description="Human-readable description; render it as text.")
    confirmed_by: DeletionEvidence = strawberry.field(description="What shows that the contact is gone.")
    # Not in the schema: an audit wants the status of the answer that decided, a client has no use for it.
    status_code: strawberry.Private[int | None] = None


DeleteContactOutcome: TypeAlias = (
    DeleteContactSuccess
    | WethodValidationError
    | WethodUnauthorizedError
    | WethodForbiddenError
    | WethodNotFoundError
    | WethodPreconditionFailedError
    | WethodRateLimitedError
    | WethodUnavailableError
    | WethodOutcomeUnknownError
    | WethodUnexpectedResponseError
)

DeleteContactResult = Annotated[
    DeleteContactOutcome,
    strawberry.union(
        "DeleteContactResult",
        description=(
            "How the delete ended: the contact is gone, or one error that says what is known. "
            "Select `... on WethodError` as the default branch: members may be added."
        ),
    ),
]


class Contacts(Protocol):
    """Wethod's contacts as the caller of one request may see them; the GraphQL context."""

    def delete(self, contact_id: str) -> Awaitable[DeleteContactOutcome]:
        """Delete one contact. Never raises for anything that Wethod or the network did."""
        ...

    def context(self) -> WethodContext:
        """What this request would forward, from its headers alone."""
        ...


Info: TypeAlias = strawberry.Info[Contacts, None]


def resolve_context(info: Info) -> WethodContext:
    """Answer from the request alone."""
    return info.context.context()


async def resolve_delete(
    info: Info,
    id: Annotated[  # noqa: A002 - the REST parameter's own name
        strawberry.ID,
        strawberry.argument(description="Id of the contact: a whole number from 1, in decimal digits."),
    ],
) -> DeleteContactOutcome:
    """One awaited call of the Protocol."""
    return await info.context.delete(id)


@strawberry.type(description="Nothing here reads Wethod's data.")
class Query:
    """The smallest query type that is of use."""

    # Root fields are nullable: one crash among aliased fields must not erase its siblings' results.
    wethod_context: WethodContext | None = strawberry.field(
        resolver=resolve_context,
        description=(
            "What this request would forward to Wethod, from its headers alone; nothing is sent. "
            "It shows whether a router passed the headers on."
        ),
    )


@strawberry.type(description="What can be changed.")
class Mutation:
    """The one mutation."""

    delete_contact: DeleteContactResult | None = strawberry.field(
        resolver=resolve_delete, description="Delete a contact. Required permission: crm.edit."
    )


def parse_id(value: object) -> str:
    """Take an ID from a JSON variable: a string as it is, an integer by its digits.

    A number with a fraction or an exponent has lost digits by the time it gets here:
    9007199254740993.0 would become another contact's id.

    Raises:
        GraphQLError: for every other kind of value.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise GraphQLError(
        "ID must be a string or an integer without fraction or exponent"
        if isinstance(value, float)
        else "ID must be a string or an integer"
    )


class ExactID(GraphQLScalarType):
    """GraphQL's ID, except that a JSON number is taken by its digits or not at all."""

    # graphql-core hands out its own ID for the name unless a class says otherwise.
    reserved_types: Mapping[str, GraphQLNamedType] = {}


EXACT_ID = ExactID(
    name="ID",
    description=GraphQLID.description,
    coerce_output_value=GraphQLID.coerce_output_value,
    coerce_input_value=parse_id,
    # Not parse_literal: GraphQLID's own is the default one, which reads 1e3 as a float and so as another id.
    coerce_input_literal=GraphQLID.coerce_input_literal,
)


@functools.cache
def build_schema() -> strawberry.federation.Schema:
    """Build the subgraph's schema; Federation 2.9 is what both composers take."""
    schema = strawberry.federation.Schema(
        query=Query,
        mutation=Mutation,
        federation_version="2.9",
        config=StrawberryConfig(
            scalar_map={
                strawberry.ID: ScalarDefinition(
                    name=EXACT_ID.name,
                    description=EXACT_ID.description,
                    specified_by_url=None,
                    serialize=EXACT_ID.serialize,
                    parse_value=EXACT_ID.parse_value,
                    parse_literal=EXACT_ID.parse_literal,
                    implementation=EXACT_ID,
                    origin=EXACT_ID,
                )
            }
        ),
    )
    print_once(schema)
    return schema
