"""Hypothesis strategies for operations over a schema, most of them valid, and for their variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import (
    GraphQLBoolean,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_required_argument,
)
from hypothesis import strategies as st

from tests.execution.comparison import Case
from tests.execution.inputs import Choices, Inputs

if TYPE_CHECKING:
    from graphql import GraphQLNamedType


class Author:
    """Writes one operation.

    A response key always stands for the same field with the same arguments, so that selections merge instead of
    conflicting.
    """

    def __init__(self, choices: Choices, schema: GraphQLSchema, budget: int) -> None:
        self._choices = choices
        self._schema = schema
        self._budget = budget
        self.inputs = Inputs(choices, budget)
        self._keys: dict[str, str] = {}
        self._fragments: dict[str, tuple[GraphQLNamedType, str]] = {}

    def operation(self, kind: str) -> str:
        """The whole document."""
        root = self._schema.mutation_type if kind == "mutation" else self._schema.query_type
        assert root is not None
        selections = self._selections(root, 0)
        definitions = ", ".join(f"${name}: {text}" for name, (text, _) in self.inputs.variables.items())
        fragments = "".join(
            f"\nfragment {name} on {type_.name} {body}" for name, (type_, body) in self._fragments.items()
        )
        return f"{kind} Op{f'({definitions})' if definitions else ''} {selections}{fragments}"

    def _selections(self, type_: GraphQLNamedType, depth: int) -> str:
        parts = [self._selection(type_, depth) for _ in range(self._choices.pick([1, 2, 2, 3, 4]))]
        if self._choices.chance(15):
            parts.append(self._choices.pick(parts))
        return "{ " + " ".join(parts) + " }"

    def _selection(self, type_: GraphQLNamedType, depth: int) -> str:
        self._budget -= 1
        if self._choices.chance(8):
            return self._keyed("__typename", "String!", "") + self._directives()
        if isinstance(type_, GraphQLUnionType) or self._choices.chance(50 if is_abstract_type(type_) else 22):
            return self._fragment(type_, depth)
        assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
        fields = [
            (name, field)
            for name, field in type_.fields.items()
            if (depth < 5 and self._budget > 0) or not is_composite_type(get_named_type(field.type))
        ]
        if not fields:
            return "__typename"
        name, field = self._choices.pick(fields)
        return self._field(name, field, depth)

    def _field(self, name: str, field: GraphQLField, depth: int) -> str:
        text = self._keyed(name, str(field.type), self._arguments(field)) + self._directives()
        named = get_named_type(field.type)
        return f"{text} {self._selections(named, depth + 1)}" if is_composite_type(named) else text

    def _keyed(self, name: str, type_: str, arguments: str) -> str:
        meaning = f"{name}{arguments}: {type_}"
        key = name if self._choices.chance(70) else self._choices.pick(["a", "b", "c"])
        while self._keys.setdefault(key, meaning) != meaning:
            key += "_"
        return f"{name}{arguments}" if key == name else f"{key}: {name}{arguments}"

    def _fragment(self, type_: GraphQLNamedType, depth: int) -> str:
        candidates: list[GraphQLNamedType] = [type_]
        if is_abstract_type(type_):
            candidates += self._schema.get_possible_types(type_)
        if isinstance(type_, GraphQLObjectType):
            candidates += type_.interfaces
        condition = self._choices.pick(candidates)
        known = [name for name, (on, _) in self._fragments.items() if on is condition]
        if known and self._choices.chance(50):
            return f"...{self._choices.pick(known)}{self._directives()}"
        if self._budget <= 0:
            return "__typename"
        if self._choices.chance(50):
            on = "" if condition is type_ and self._choices.chance(30) else f" on {condition.name}"
            return f"...{on}{self._directives()} {self._selections(condition, depth + 1)}"
        body = self._selections(condition, depth + 1)
        name = f"F{len(self._fragments)}"
        self._fragments[name] = (condition, body)
        return f"...{name}{self._directives()}"

    def _directives(self) -> str:
        if not self._choices.chance(15):
            return ""
        directive = self._choices.pick(["skip", "include"])
        condition = self._choices.pick(["true", "false", "$yes", "$no", "$perhaps"])
        if condition.startswith("$"):
            text = "Boolean = true" if condition == "$perhaps" else "Boolean!"
            self.inputs.variables.setdefault(condition[1:], (text, GraphQLBoolean))
        return f" @{directive}(if: {condition})"

    def _arguments(self, field: GraphQLField) -> str:
        parts = [
            f"{name}: {self.inputs.literal(argument.type, argument)}"
            for name, argument in field.args.items()
            if self._choices.chance(60) or is_required_argument(argument)
        ]
        return f"({', '.join(parts)})" if parts else ""


@st.composite
def cases(draw: st.DrawFn, schema: GraphQLSchema, budget: int = 12) -> Case:
    """A document with up to about ``budget`` selections, and two sets of variables."""
    author = Author(Choices(draw), schema, budget)
    source = author.operation("mutation" if draw(st.booleans()) else "query")
    first, second = author.inputs.values(), author.inputs.values()
    # The first set comes again: by then the plan knows the classes of values and the conditions.
    return Case(source, (first, second, first), hide_suggestions=draw(st.booleans()))
