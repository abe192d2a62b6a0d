"""Leaves: scalars and enums go into the response as their type coerces them (GraphQL §6.4.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import GRAPHQL_MAX_INT, GRAPHQL_MIN_INT, GraphQLBoolean, GraphQLID, GraphQLInt, GraphQLString
from graphql.pyutils import Undefined, inspect
from graphql.type import is_leaf_type, is_non_null_type

from app.execution.classes import enum_class

if TYPE_CHECKING:
    from graphql import GraphQLLeafType, GraphQLOutputType
    from graphql.pyutils import Path

    from app.execution.run import Complete, Run

_UNCHANGED: dict[object, type] = {
    GraphQLInt.coerce_output_value: int,
    GraphQLString.coerce_output_value: str,
    GraphQLID.coerce_output_value: str,
    GraphQLBoolean.coerce_output_value: bool,
}


def unchanged_class(type_: GraphQLOutputType) -> type | None:
    """The class whose instances a type, non-null or not, puts into the response as they are.

    Of integers only those for which ``is_within_int``.
    """
    nullable = type_.of_type if is_non_null_type(type_) else type_
    return _UNCHANGED.get(nullable.coerce_output_value) if is_leaf_type(nullable) else None


def is_within_int(value: Any) -> bool:
    """Whether GraphQL's Int can carry an integer."""
    return bool(GRAPHQL_MIN_INT <= value <= GRAPHQL_MAX_INT)


def leaf_completion(type_: GraphQLLeafType) -> Complete:
    """What completes a value of a leaf type."""
    coerce, enum = type_.coerce_output_value, enum_class(type_)

    def complete(_run: Run, value: Any, _path: Path, _at: Path) -> Any:
        if isinstance(value, Exception):
            raise value
        if value is None or value is Undefined:
            return None
        coerced = coerce(value)
        if coerced is None or coerced is Undefined:
            message = (
                f"Expected `{inspect(type_)}.coerce_output_value({inspect(value)})`"
                f" to return non-nullable value, returned: {inspect(coerced)}"
            )
            raise TypeError(message)
        return coerced

    if coerce is GraphQLInt.coerce_output_value:
        return _integer(complete)
    if coerce in _UNCHANGED:
        return _unchanged(_UNCHANGED[coerce], complete)
    return complete if enum is None else _member(enum, complete)


def _unchanged(class_: type, otherwise: Complete) -> Complete:
    def complete(run: Run, value: Any, path: Path, at: Path) -> Any:
        return value if type(value) is class_ else otherwise(run, value, path, at)

    return complete


def _integer(otherwise: Complete) -> Complete:
    def complete(run: Run, value: Any, path: Path, at: Path) -> Any:
        return value if type(value) is int and is_within_int(value) else otherwise(run, value, path, at)

    return complete


def _member(class_: type, otherwise: Complete) -> Complete:
    names: dict[Any, Any] = {}

    def complete(run: Run, value: Any, path: Path, at: Path) -> Any:
        if type(value) is not class_:
            return otherwise(run, value, path, at)
        name = names.get(value)
        if name is None:
            name = names[value] = otherwise(run, value, path, at)
        return name

    return complete
