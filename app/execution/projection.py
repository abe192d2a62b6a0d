"""Projection: turns the value of a resolver into its part of the answer, by plain attributes only.

The attributes to read depend only on the selection set and the class of the value. So the steps for a class are made
once, for its first value. Everything else is left to graphql-core: a field that computes, a value of another class, an
attribute that raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from app.execution.graphql_core import COERCE_INT, EXACT_CLASSES
from app.execution.strawberry_types import enum_names, object_type_of, plain_attribute

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import FieldNode, GraphQLLeafType, GraphQLOutputType, SelectionSetNode

    from app.execution.selection_set import Selections

    Convert: TypeAlias = Callable[[Any], Any]

    Step: TypeAlias = tuple[str, str, type, bool, Convert | None]
    """The reading of one field: key, name, exact, nullable, convert. A named tuple is slower to unpack.

    key: the response name. name: the attribute. exact: the class whose instances go into the answer as they are.
    nullable: None is allowed. convert: converts any other value; None if there must be none.
    """


class UnprojectableError(Exception):
    """A field or a value is not projected; graphql-core completes it."""


class _Converted:
    """A placeholder for ``exact``. No value has this class, so every value goes through ``convert``."""


class Projection:
    """A reader of the fields that merged selection sets select from an object.

    Args:
        selections: the selection sets of the operation.
        type_: the type that the field returns, as an object, interface or union.
        sets: the selection sets of the field's nodes.
    """

    __slots__ = ("_classes", "_nested", "_selections", "_sets", "_type")

    def __init__(self, selections: Selections, type_: GraphQLOutputType, sets: tuple[SelectionSetNode, ...]) -> None:
        self._selections = selections
        self._type = type_
        self._sets = sets
        self._classes: dict[type, tuple[dict[str, Any], tuple[Step, ...]]] = {}
        # Types that share a field, as the members of an interface do, share its projection.
        self._nested: dict[tuple[int, ...], Projection] = {}

    def project(self, value: Any) -> dict[str, Any]:
        """Project one object.

        Raises:
            UnprojectableError: the value does not fit exactly. Reading an attribute may raise anything else.
        """
        known = self._classes.get(type(value))
        if known is None:
            known = self._classes[type(value)] = self._steps(type(value))
        blank, steps = known
        result = blank.copy()
        for key, name, exact, nullable, convert in steps:
            item = getattr(value, name)
            if type(item) is exact:
                result[key] = item
            elif item is None:
                if not nullable:
                    raise UnprojectableError
            elif convert is None:
                raise UnprojectableError
            else:
                result[key] = convert(item)
        return result

    def _steps(self, class_: type) -> tuple[dict[str, Any], tuple[Step, ...]]:
        schema = self._selections.schema
        type_ = object_type_of(class_, self._type, schema)
        if type_ is None:
            raise UnprojectableError
        blank: dict[str, Any] = {}
        steps: list[Step] = []
        for key, nodes in self._selections.collect(self._sets, type_).items():
            blank[key] = None
            name = nodes[0].name.value
            if name == "__typename":
                blank[key] = type_.name
                continue
            field = type_.fields[name]
            attribute = plain_attribute(field)
            if attribute is None:
                raise UnprojectableError
            steps.append((key, attribute, *self._conversion(field.type, nodes)))
        return blank, tuple(steps)

    def _conversion(self, type_: GraphQLOutputType, nodes: list[FieldNode]) -> tuple[type, bool, Convert | None]:
        """Decide how the values of a field's type are read: exact class, nullable, how to convert others."""
        nullable = not is_non_null_type(type_)
        inner = get_nullable_type(type_)
        if is_list_type(inner):
            return _Converted, nullable, _list(*self._conversion(inner.of_type, nodes))
        if is_leaf_type(inner):
            return _leaf(inner, nullable=nullable)
        return _Converted, nullable, self._child(cast("GraphQLOutputType", inner), nodes).project

    def _child(self, type_: GraphQLOutputType, nodes: list[FieldNode]) -> Projection:
        sets = tuple(node.selection_set for node in nodes if node.selection_set is not None)
        key = tuple(map(id, sets))  # the nodes live as long as the document
        child = self._nested.get(key)
        if child is None:
            child = self._nested[key] = Projection(self._selections, type_, sets)
        return child


def projector(selections: Selections, type_: GraphQLOutputType, nodes: list[FieldNode]) -> Convert:
    """Return a function that projects the value of a root field.

    Raises:
        UnprojectableError: no value of the field's type is projected.
    """
    return _item(*Projection(selections, type_, ())._conversion(type_, nodes))  # noqa: SLF001 - its own helper


def _leaf(type_: GraphQLLeafType, *, nullable: bool) -> tuple[type, bool, Convert | None]:
    exact = EXACT_CLASSES.get(type_.coerce_output_value)
    if exact is not None:
        return exact, nullable, None
    if type_.coerce_output_value == COERCE_INT:
        return _Converted, nullable, _int
    names = enum_names(type_)
    if names is None:
        raise UnprojectableError
    return _Converted, nullable, names.__getitem__


def _int(value: Any) -> int:
    if type(value) is not int or not GRAPHQL_MIN_INT <= value <= GRAPHQL_MAX_INT:
        raise UnprojectableError
    return value


def _item(exact: type, nullable: bool, convert: Convert | None) -> Convert:  # noqa: FBT001 - the order of a step
    def convert_item(item: Any) -> Any:
        if type(item) is exact or (item is None and nullable):
            return item
        if item is None or convert is None:
            raise UnprojectableError
        return convert(item)

    return convert_item


def _list(exact: type, nullable: bool, convert: Convert | None) -> Convert:  # noqa: FBT001 - the order of a step
    convert_item = _item(exact, nullable, convert)

    def convert_list(value: Any) -> list[Any]:
        if type(value) is not list and type(value) is not tuple:
            raise UnprojectableError
        return list(map(convert_item, value))

    return convert_list
