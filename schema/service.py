"""What ``_service`` answers: the SDL, printed once."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import strawberry
    from graphql import GraphQLObjectType


def print_once(schema: strawberry.federation.Schema) -> None:
    """Keep the SDL; Strawberry prints it anew for each ``sdl`` that is asked for, which takes 1.5 ms."""
    service = cast("GraphQLObjectType", schema._schema.type_map["_Service"])  # noqa: SLF001 - Strawberry's only way
    sdl = functools.cache(schema.as_str)
    service.fields["sdl"].resolve = lambda _source, _info: sdl()
