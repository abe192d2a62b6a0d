"""The schema as text: as routers compose it, and as clients see it."""

from __future__ import annotations

from typing import Any, cast

from graphql import (
    GraphQLObjectType,
    GraphQLSchema,
    introspection_from_schema,
    print_schema,
    specified_directives,
)

from schema.root import build_schema


def subgraph_sdl() -> str:
    """The SDL that routers compose, Federation's directives included. ``_service`` returns the same."""
    return build_schema().as_str().rstrip() + "\n"


def api_schema() -> GraphQLSchema:
    """The schema that a client sees, without Federation's types and fields."""
    subgraph = build_schema()._schema  # noqa: SLF001 - Strawberry has no public way
    query = cast("GraphQLObjectType", subgraph.query_type)  # every schema has one
    fields = {name: field for name, field in query.fields.items() if not name.startswith("_")}
    return GraphQLSchema(
        query=GraphQLObjectType(**(query.to_kwargs() | {"fields": fields})),
        mutation=subgraph.mutation_type,
        directives=specified_directives,
    )


def api_sdl() -> str:
    """The SDL for code generators."""
    return print_schema(api_schema()) + "\n"


def introspection(*, api: bool) -> dict[str, Any]:
    """The result of the introspection query, for tools that read JSON."""
    schema = api_schema() if api else build_schema()._schema  # noqa: SLF001 - as above
    return dict(introspection_from_schema(schema))
