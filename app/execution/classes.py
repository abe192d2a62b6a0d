"""What the class of a value alone says of its type in the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strawberry.schema.schema_converter import CustomGraphQLEnumType, GraphQLCoreConverter
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.cast import TYPE_CAST_ATTRIBUTE

from app.execution.provenance import IS_TYPE_OF, RESOLVE_INTERFACE, RESOLVE_UNION, knows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql import GraphQLAbstractType, GraphQLLeafType, GraphQLObjectType


def enum_class(leaf: GraphQLLeafType) -> type | None:
    """The Python enum of which a leaf type serialises each member always to the same name."""
    if type(leaf) is not CustomGraphQLEnumType or leaf.wrapped_cls.__hash__ is None:
        return None
    return leaf.wrapped_cls


def is_cast(value: object) -> bool:
    """Whether ``strawberry.cast`` has given a value a type that its class does not tell."""
    return getattr(value, TYPE_CAST_ATTRIBUTE, None) is not None


def follows_from_class(value: object, object_type: GraphQLObjectType, abstract: GraphQLAbstractType | None) -> bool:
    """Whether every value of this class that is not cast is of this type.

    To be asked once the schema's own ``resolve_type`` and ``is_type_of`` have said so of one value: true where both
    are Strawberry's, which look at the class alone unless it is generic or decides by itself what an instance is.

    Args:
        value: an instance of the class.
        object_type: its type in the schema.
        abstract: the interface or union that was resolved, if any.
    """
    class_ = type(value)
    expected: object = object_type.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    definition = getattr(class_, "__strawberry_definition__", None)
    return (
        isinstance(definition, StrawberryObjectDefinition)
        and definition is expected
        and not definition.is_graphql_generic
        and not is_cast(value)
        and not issubclass(class_, Exception)
        and class_.__getattribute__ is object.__getattribute__
        and _inherits_plainly(class_, (definition.origin,))
        and _is_type_of_follows(class_, object_type.is_type_of)
        and _resolve_type_follows(class_, abstract)
    )


def _is_type_of_follows(class_: type, is_type_of: object) -> bool:
    if is_type_of is None:
        return True
    known = knows(is_type_of, IS_TYPE_OF)
    return known is not None and _inherits_plainly(class_, known.get("possible_types", ()))


def _resolve_type_follows(class_: type, abstract: GraphQLAbstractType | None) -> bool:
    if abstract is None or knows(abstract.resolve_type, RESOLVE_UNION) is not None:
        return True
    interface = (knows(abstract.resolve_type, RESOLVE_INTERFACE) or {}).get("interface")
    return isinstance(interface, StrawberryObjectDefinition) and _inherits_plainly(class_, (interface.origin,))


def _inherits_plainly(class_: type, origins: Iterable[type]) -> bool:
    """Whether a class inherits from one of these, none of which has a say of its own in ``isinstance``."""
    return any(issubclass(class_, each) for each in origins) and all(type(each) is type for each in origins)
