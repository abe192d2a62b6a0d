"""From a resolved value to what the response carries (GraphQL §6.4.3, *Value Completion*)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from graphql.type import is_abstract_type, is_leaf_type, is_list_type, is_non_null_type

from app.execution.leaves import leaf_completion
from app.execution.lists import ListCompletion
from app.execution.objects import abstract_completion, object_completion

if TYPE_CHECKING:
    from graphql import GraphQLObjectType, GraphQLOutputType
    from graphql.pyutils import Path

    from app.execution.run import Complete, Run
    from app.execution.site import Site


def completion(type_: GraphQLOutputType, site: Site) -> Complete:
    """What completes a value of this type at this site; it raises whatever keeps the value from being of the type."""
    if is_non_null_type(type_):
        return _non_null(completion(type_.of_type, site), site)
    if is_list_type(type_):
        return ListCompletion(type_.of_type, completion(type_.of_type, site), site).complete
    if is_leaf_type(type_):
        return leaf_completion(type_)
    if is_abstract_type(type_):
        return abstract_completion(type_, site)
    return object_completion(cast("GraphQLObjectType", type_), site)


def _non_null(complete_nullable: Complete, site: Site) -> Complete:
    message = f"Cannot return null for non-nullable field {site.name}."

    def complete(run: Run, value: Any, path: Path, at: Path) -> Any:
        completed = complete_nullable(run, value, path, at)
        if completed is None:
            raise TypeError(message)
        return completed

    return complete
