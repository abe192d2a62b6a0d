"""What is behind a field's resolver, where Strawberry made it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from strawberry.relay.types import GlobalID
from strawberry.schema.compat import is_scalar
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.base import StrawberryMaybe, StrawberryOptional
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver
from strawberry.types.info import Info

from app.execution.provenance import CONVERT_AND_CALL, READ_ATTRIBUTE, RESOLVE, RESOLVE_ASYNC, knows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graphql import GraphQLField


def attribute(field: GraphQLField) -> str | None:
    """The attribute of the source that a field without a resolver reads; None where it does anything else."""
    known = knows(field.resolve, READ_ATTRIBUTE)
    definition = known.get("field") if known is not None and not field.args else None
    if (
        not isinstance(definition, StrawberryField)
        or type(definition).get_result is not StrawberryField.get_result
        or definition.base_resolver is not None
        or definition.default_resolver is not getattr
    ):
        return None
    return definition.python_name


@dataclass(frozen=True, slots=True)
class ResolverFunction:
    """The function behind a field's resolver, and how Strawberry would call it.

    Attributes:
        function: a plain function or method; an async one where the resolver is.
        field: what Strawberry's ``Info`` is made of, beside graphql-core's.
        names: Python's name of each argument by GraphQL's.
        takes_self: the source is the first positional argument.
        source_name: the keyword that takes the source, if any.
        info_name: the keyword that takes ``Info``, if any.
    """

    function: Callable[..., Any]
    field: StrawberryField
    names: Mapping[str, str]
    takes_self: bool
    source_names: tuple[str, ...]
    info_name: str | None


def resolver_function(field: GraphQLField) -> ResolverFunction | None:
    """The function that a field's resolver calls with its arguments as they are.

    None where Strawberry does more than that: extensions, permissions, exception handlers, arguments it converts,
    another class of ``Info``, generators.
    """
    definition, converter = _behind(field)
    if definition is None or converter is None or converter.config.info_class is not Info:
        return None
    resolver = definition.base_resolver
    names = _unconverted(definition, converter)
    if (
        type(resolver) is not StrawberryResolver
        or not _is_plain(resolver.wrapped_func, is_async=definition.is_async)
        or names is None
        or names.keys() != field.args.keys()
        or any(argument.out_name for argument in field.args.values())
    ):
        return None
    return ResolverFunction(
        function=cast("Callable[..., Any]", resolver.wrapped_func),
        field=definition,
        names=names,
        takes_self=resolver.self_parameter is not None,
        source_names=tuple(
            parameter.name for parameter in (resolver.parent_parameter, resolver.root_parameter) if parameter
        ),
        info_name=resolver.info_parameter.name if resolver.info_parameter else None,
    )


def _behind(field: GraphQLField) -> tuple[StrawberryField | None, GraphQLCoreConverter | None]:
    """What a resolver that does nothing but convert arguments and call a function is made from."""
    outer = knows(field.resolve, RESOLVE, RESOLVE_ASYNC) or {}
    inner = knows(outer.get("_get_result_with_extensions"), CONVERT_AND_CALL) or {}
    definition, converter = inner.get("field"), inner.get("self")
    if (
        outer.get("field_exception_handlers") != ()
        or not isinstance(definition, StrawberryField)
        or not isinstance(converter, GraphQLCoreConverter)
        or type(definition).get_result is not StrawberryField.get_result
        or definition.extensions
    ):
        return None, None
    return definition, converter


def _is_plain(function: object, *, is_async: bool) -> bool:
    """Whether calling a function runs it, or makes a coroutine of it where it is an async one.

    An async generator is neither, and what is only marked as a coroutine function may raise before it is awaited.
    """
    code = getattr(function, "__code__", None)
    return callable(function) and (not is_async or (code is not None and bool(code.co_flags & inspect.CO_COROUTINE)))


def _unconverted(field: StrawberryField, converter: GraphQLCoreConverter) -> dict[str, str] | None:
    """Python's name of each argument by GraphQL's, where none is converted on its way to the resolver."""
    names: dict[str, str] = {}
    for argument in field.arguments:
        type_ = argument.type
        while isinstance(type_, StrawberryOptional) and not isinstance(type_, StrawberryMaybe):
            type_ = type_.of_type
        plain = is_scalar(type_, converter.scalar_registry) or isinstance(type_, StrawberryEnumDefinition)
        if type_ is GlobalID or not (plain or has_enum_definition(type_)):
            return None
        names[converter.config.name_converter.from_argument(argument)] = argument.python_name
    # Strawberry's own wrappers have parameters of these names.
    return None if {"_source", "info"} & (names.keys() | set(names.values())) else names
