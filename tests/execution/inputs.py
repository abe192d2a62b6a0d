"""Literals, variables and their values, of the right kind mostly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    is_required_input_field,
)
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLInputType

    Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]
    Location: TypeAlias = GraphQLArgument | GraphQLInputField | None

_ANYTHING: list[object] = [
    *(None, True, 0, 1, 3, -1, 2**31, 2**53 + 1, 0.5, 1e3),
    *("", "text", "VALUE", "r", [], [1], [None], {}, {"text": "a"}),
]
_LITERALS = {
    "Int": ["0", "1", "2", "3", "-7"],
    "Float": ["0.5", "1", "1e3"],
    "String": ['"text"', '""', '"""block"""'],
    "Boolean": ["true", "false"],
    "ID": [*map(str, range(16)), '"one"', "9007199254740993"],
    "Odd": ["1", "3"],
    "Date": ['"2024-06-15"'],
    "JSON": ["1", '"text"', "[1, 2]", '{a: {b: null, c: [true, 1.5, "x"]}}', "null", "ANY"],
    "Bag": ["1", "[2, 3]"],
    "FieldSet": ['"id"'],
    "_Any": ["{}"],
}
_VALUES: dict[str, list[object]] = {
    "Int": [0, 1, -7, 3.0, 2**31],
    "Float": [0.5, 1, 10**400],
    "String": ["text", ""],
    "Boolean": [True, False],
    "ID": [*range(16), "one", 9007199254740993, 1.0],
    "Odd": [1, 3, 2],
    "Date": ["2024-06-15", "never"],
    "JSON": [1, "text", [1, {"a": None}], {"b": 2.5}],
    "Bag": [1, [2]],
    "FieldSet": ["id"],
    "_Any": [{}],
}


class Choices:
    """What hypothesis decides."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw

    def chance(self, percent: int) -> bool:
        """Whether something happens."""
        return int(self._draw(st.integers(0, 99))) < percent

    def pick(self, options: list[Any]) -> Any:
        """One of several."""
        return options[self._draw(st.integers(0, len(options) - 1))]


class Inputs:
    """Writes the arguments of one operation, and gathers the variables they mention.

    Attributes:
        variables: the definition and the type of each variable by name.
    """

    def __init__(self, choices: Choices, budget: int) -> None:
        self._choices = choices
        self._budget = budget
        self.variables: dict[str, tuple[str, GraphQLInputType]] = {}

    def values(self) -> dict[str, object]:
        """One set of variables: of the right kind, null, absent or of any kind."""
        return {name: self._value(type_) for name, (_, type_) in self.variables.items() if not self._choices.chance(15)}

    def literal(self, type_: GraphQLInputType, location: Location) -> str:
        """A literal or a variable that may stand in a place of this type."""
        if self._choices.chance(25):
            return self._variable(type_, location)
        if isinstance(type_, GraphQLNonNull):
            return self._plain(type_.of_type)
        return "null" if self._choices.chance(10) else self._plain(type_)

    def _plain(self, type_: GraphQLInputType) -> str:
        if isinstance(type_, GraphQLList):
            if self._choices.chance(10):
                return self._plain(type_.of_type)
            return (
                "["
                + ", ".join(self.literal(type_.of_type, None) for _ in range(self._choices.pick([0, 1, 2, 3])))
                + "]"
            )
        if isinstance(type_, GraphQLNonNull):
            return self._plain(type_.of_type)
        if isinstance(type_, GraphQLEnumType):
            return str(self._choices.pick(list(type_.values)))
        if isinstance(type_, GraphQLInputObjectType):
            self._budget -= 1
            fields = [
                f"{name}: {self.literal(field.type, field)}"
                for name, field in type_.fields.items()
                if is_required_input_field(field) or (self._budget > 0 and self._choices.chance(40))
            ]
            return "{" + ", ".join(fields) + "}"
        return str(self._choices.pick(_LITERALS[type_.name]))

    def _variable(self, type_: GraphQLInputType, location: Location) -> str:
        known = [name for name, (_, of) in self.variables.items() if of == type_]
        if known and self._choices.chance(50):
            return f"${self._choices.pick(known)}"
        name = f"v{len(self.variables)}"
        text = str(type_)
        if isinstance(type_, GraphQLNonNull) and location is not None and not self._choices.chance(70):
            text = str(type_.of_type)  # allowed where the location has a default of its own
        if self._choices.chance(30):
            text += f" = {self._constant(type_)}"
        self.variables[name] = (text, type_)
        return f"${name}"

    def _constant(self, type_: GraphQLInputType) -> str:
        if isinstance(type_, GraphQLNonNull):
            return self._constant(type_.of_type)
        if isinstance(type_, GraphQLList):
            return f"[{self._constant(type_.of_type)}]"
        if isinstance(type_, GraphQLInputObjectType):
            required = {name: field for name, field in type_.fields.items() if is_required_input_field(field)}
            return "{" + ", ".join(f"{name}: {self._constant(field.type)}" for name, field in required.items()) + "}"
        return self._plain(type_)

    def _value(self, type_: GraphQLInputType) -> object:
        if self._choices.chance(8):
            return self._choices.pick(_ANYTHING)
        if isinstance(type_, GraphQLNonNull):
            return self._value_of(type_.of_type)
        return None if self._choices.chance(5) else self._value_of(type_)

    def _value_of(self, type_: GraphQLInputType) -> object:
        if isinstance(type_, GraphQLList):
            return [self._value(type_.of_type) for _ in range(self._choices.pick([0, 1, 2]))]
        if isinstance(type_, GraphQLEnumType):
            return self._choices.pick(list(type_.values))
        if isinstance(type_, GraphQLInputObjectType):
            self._budget -= 1
            return {
                name: self._value(field.type)
                for name, field in type_.fields.items()
                if is_required_input_field(field) or (self._budget > -20 and self._choices.chance(40))
            }
        return self._choices.pick(_VALUES[str(type_)])
