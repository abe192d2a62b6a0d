"""Everything that the gateway offers: the root types, the ID scalar, the schema and the list of operations."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, cast

import strawberry
from graphql import GraphQLError, GraphQLID, GraphQLNamedType, GraphQLObjectType, GraphQLScalarType
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from schema.contact import DeleteContactResult, DeleteContactsEntry
from schema.context import WethodContext, resolve_context
from schema.delete_contact import DELETE_CONTACT, resolve_delete, resolve_delete_many
from schema.json_codec import LongInteger
from schema.rest import RestOperation

OPERATIONS: tuple[RestOperation[Any, Any], ...] = (DELETE_CONTACT,)
"""Every REST operation that a resolver calls."""


@strawberry.type(description="Queries. None of them changes Wethod's data.")
class Query:
    """The root query type."""

    # Root fields are nullable: one failure among aliased fields must not erase the results of the others.
    wethod_context: WethodContext | None = strawberry.field(
        resolver=resolve_context,
        description=(
            "What this request would forward to Wethod, by its headers. Nothing is sent. "
            "Use it to check that a router forwards the headers."
        ),
    )


@strawberry.type(description="Changes of Wethod's data.")
class Mutation:
    """The operations that change something."""

    delete_contact: DeleteContactResult | None = strawberry.field(
        resolver=resolve_delete, description="Delete a contact. Required permission: crm.edit."
    )
    delete_contacts: list[DeleteContactsEntry] | None = strawberry.field(
        resolver=resolve_delete_many,
        metadata={"calls": "ids"},
        description="Delete contacts, several at a time. Required permission: crm.edit. An id that occurs twice is "
        "deleted once. After the first answer that refuses the token (401 or 429), no further id is sent.",
    )


def parse_id(value: object) -> str:
    """Coerce an ID from a JSON variable: a string as it is, an integer by its digits.

    A number with a fraction or an exponent has lost digits when it arrives here:
    9007199254740993.0 would become another contact's id.

    Raises:
        GraphQLError: for every other kind of value.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, (int, LongInteger)) and not isinstance(value, bool):
        return str(value)
    raise GraphQLError(
        "ID must be a string or an integer without fraction or exponent"
        if isinstance(value, float)
        else "ID must be a string or an integer"
    )


class ExactID(GraphQLScalarType):
    """GraphQL's ID, except that a JSON number is read by its digits or refused."""

    # Without this, graphql-core returns its own scalar for the name ID.
    reserved_types: Mapping[str, GraphQLNamedType] = {}


EXACT_ID = ExactID(
    name="ID",
    description=GraphQLID.description,
    coerce_output_value=GraphQLID.coerce_output_value,
    coerce_input_value=parse_id,
    # Not ``parse_literal``: by default it reads 1e3 as a float, which would be another id.
    coerce_input_literal=GraphQLID.coerce_input_literal,
)


@functools.cache
def build_schema() -> strawberry.federation.Schema:
    """Build the subgraph's schema. It links the lowest version of Federation that it needs."""
    return subgraph(Query, Mutation)


def subgraph(query: type, mutation: type) -> strawberry.federation.Schema:
    """Build a Federation subgraph of two root types, with the exact ID scalar.

    Args:
        query: a Strawberry type.
        mutation: a Strawberry type.
    """
    schema = strawberry.federation.Schema(
        query=query,
        mutation=mutation,
        federation_version="2.0",
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
    # Strawberry prints the SDL again for each `sdl` of `_service`, which takes 1.5 ms.
    service = cast("GraphQLObjectType", schema._schema.type_map["_Service"])  # noqa: SLF001 - Strawberry has no public way
    sdl = functools.cache(schema.as_str)
    service.fields["sdl"].resolve = lambda _source, _info: sdl()
    return schema
