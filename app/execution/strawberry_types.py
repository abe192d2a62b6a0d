"""The parts of Strawberry that are not a stable public interface.

tests/execution/test_libraries.py fails if one of them changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import strawberry
from graphql import get_named_type, is_object_type
from strawberry.schema.schema_converter import CustomGraphQLEnumType, GraphQLCoreConverter
from strawberry.types.base import StrawberryList, StrawberryObjectDefinition, StrawberryOptional
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver
from strawberry.types.info import Info

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from graphql import (
        GraphQLField,
        GraphQLLeafType,
        GraphQLObjectType,
        GraphQLOutputType,
        GraphQLSchema,
    )

StrawberryInfo = Info
"""The ``info`` of a resolver, made of graphql-core's info and Strawberry's definition of the field."""

_PLAIN_ARGUMENTS = (str, int, float, bool, strawberry.ID)
"""Types of arguments that Strawberry passes to a resolver as graphql-core coerces them."""


def has_default_configuration(schema: GraphQLSchema) -> bool:
    """Return whether Strawberry calls resolvers, reads attributes and handles directives in its default way."""
    made_by = getattr(schema, "_strawberry_schema", None)
    return (
        isinstance(made_by, strawberry.Schema)
        and made_by.config.info_class is Info
        and made_by.config.default_resolver is getattr
        and not made_by.exception_handlers
        and not made_by.extensions
        # Our execution supports only ``@skip`` and ``@include``.
        and not made_by.directives
        and not made_by.config.enable_experimental_incremental_execution
    )


def _definition(field: GraphQLField) -> StrawberryField | None:
    """Find Strawberry's definition of a field; None if the field does more than its definition says."""
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if (
        not isinstance(definition, StrawberryField)
        or type(definition).get_result is not StrawberryField.get_result
        or definition.extensions
    ):
        return None
    return definition


def plain_attribute(field: GraphQLField) -> str | None:
    """Name the attribute that a field reads; None if it does anything else."""
    definition = _definition(field)
    if definition is None or definition.base_resolver is not None or field.args:
        return None
    # Strawberry marks its own function that reads an attribute. ``field.resolve`` may have been replaced.
    return definition.python_name if getattr(field.resolve, "_is_default", False) else None


@dataclass(frozen=True, slots=True)
class Resolver:
    """The function behind a root field.

    Attributes:
        function: takes the arguments by keyword.
        is_async: it is a coroutine function.
        names: Python's name of each argument, by its name in GraphQL.
        info: the keyword of Strawberry's ``Info``; None if the function does not take it.
        definition: the second argument of ``Info``; None if the function does not take it.
    """

    function: Callable[..., Any]
    is_async: bool
    names: Mapping[str, str]
    info: str | None = None
    definition: Any = None


def resolver_of(field: GraphQLField) -> Resolver | None:
    """Find the function behind a field; None if Strawberry does more than call it."""
    definition = _definition(field)
    resolver = definition.base_resolver if definition is not None else None
    if (
        definition is None
        or type(resolver) is not StrawberryResolver
        or getattr(field.resolve, "__module__", None) != GraphQLCoreConverter.__module__
        or resolver.self_parameter is not None
        or resolver.parent_parameter is not None
        or resolver.root_parameter is not None
        or len(definition.arguments) != len(field.args)
        or not all(_is_plain(argument.type) for argument in definition.arguments)
    ):
        return None
    names = [argument.python_name for argument in definition.arguments]
    return Resolver(
        function=cast("Callable[..., Any]", resolver.wrapped_func),
        is_async=definition.is_async,
        names=dict(zip(field.args, names, strict=True)),
        info=resolver.info_parameter.name if resolver.info_parameter else None,
        definition=definition,
    )


def _is_plain(type_: object) -> bool:
    while type(type_) in (StrawberryOptional, StrawberryList):
        type_ = cast("StrawberryOptional | StrawberryList", type_).of_type
    return type_ in _PLAIN_ARGUMENTS


def declared_calls(field: GraphQLField) -> object:
    """Read the calls that a field declares: their number, or the name of a list with an element for each, or None."""
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return definition.metadata.get("calls") if isinstance(definition, StrawberryField) else None


def object_type_of(class_: type, returned: GraphQLOutputType, schema: GraphQLSchema) -> GraphQLObjectType | None:
    """Find the object type that all instances of a class have; None if the class alone does not determine it.

    Args:
        class_: the class of a value.
        returned: the type of the field that returns the value.
        schema: the schema.
    """
    definition = class_.__dict__.get("__strawberry_definition__")
    named = get_named_type(returned)
    if (
        not isinstance(definition, StrawberryObjectDefinition)
        or definition.is_graphql_generic
        or definition.is_type_of is not None
        or any(interface.resolve_type is not None for interface in definition.interfaces)
        or issubclass(class_, BaseException)
        or class_.__getattribute__ is not object.__getattribute__
    ):
        return None
    type_ = schema.type_map.get(definition.name)
    if (
        not is_object_type(type_)
        or type_.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF) is not definition
        or not (type_ is named or schema.is_sub_type(cast("Any", named), type_))
    ):
        return None
    return type_


def enum_names(type_: GraphQLLeafType) -> dict[Any, str] | None:
    """Map the members of a Python enum to their names in GraphQL; None for any other leaf type."""
    if type(type_) is not CustomGraphQLEnumType:
        return None
    members: Iterable[Any] = type_.wrapped_cls
    return {member: type_.coerce_output_value(member) for member in members}
