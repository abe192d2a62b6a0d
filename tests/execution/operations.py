"""Hypothesis strategies for valid operations over a schema, with few directives, and for their variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLBoolean,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
)
from hypothesis import strategies as st

if TYPE_CHECKING:
    from graphql import GraphQLInputType, GraphQLNamedType, GraphQLSchema

LITERALS = {
    "ID": [*map(str, range(16)), '"one"', "9007199254740993"],
    "Int": ["0", "1", "-7"],
    "String": ['"text"', '""'],
    "Boolean": ["true", "false"],
}
VALUES: dict[str, list[object]] = {
    "ID": [*range(16), "one", 9007199254740993],
    "Int": [0, 1, -7],
    "String": ["text", ""],
    "Boolean": [True, False],
}
MISTAKES: list[object] = [None, True, 3, 2**53 + 1, 0.5, 1e3, "", "text", [], [1], [None], {}, {"a": 1}]


@dataclass(frozen=True, slots=True)
class Case:
    """A valid document of one operation, and values for its variables, which may be wrong."""

    source: str
    variables: dict[str, object]


class _Author:
    """An author of one operation.

    A response name always stands for the same field with the same arguments, so that selections merge.
    """

    def __init__(self, draw: st.DrawFn, schema: GraphQLSchema) -> None:
        self._draw = draw
        self._schema = schema
        self._budget = 12
        self._keys: dict[str, str] = {}
        self._fragments: dict[str, tuple[GraphQLNamedType, str]] = {}
        self.variables: dict[str, tuple[str, GraphQLInputType]] = {}

    def chance(self, percent: int) -> bool:
        return int(self._draw(st.integers(0, 99))) < percent

    def pick(self, options: list[Any]) -> Any:
        return options[self._draw(st.integers(0, len(options) - 1))]

    def operation(self, kind: str) -> str:
        root = self._schema.mutation_type if kind == "mutation" else self._schema.query_type
        assert root is not None
        selections = self._selections(root, 0)
        definitions = ", ".join(f"${name}: {text}" for name, (text, _) in self.variables.items())
        fragments = "".join(
            f"\nfragment {name} on {type_.name} {body}" for name, (type_, body) in self._fragments.items()
        )
        return f"{kind} Op{f'({definitions})' if definitions else ''} {selections}{fragments}"

    def values(self) -> dict[str, object]:
        """Write values for the variables: mostly right; some null, missing, extra, or of another type."""
        values = {name: self._value(type_) for name, (_, type_) in self.variables.items() if not self.chance(12)}
        return values | ({"extra": 1} if self.chance(10) else {})

    def _selections(self, type_: GraphQLNamedType, depth: int) -> str:
        parts = [self._selection(type_, depth) for _ in range(self.pick([1, 2, 2, 3, 4]))]
        if self.chance(15):
            parts.append(self.pick(parts))
        return "{ " + " ".join(parts) + " }"

    def _selection(self, type_: GraphQLNamedType, depth: int) -> str:
        self._budget -= 1
        if self.chance(8):
            return self._keyed("__typename", "String!", "") + self._directive()
        if isinstance(type_, GraphQLUnionType) or self.chance(50 if is_abstract_type(type_) else 20):
            return self._fragment(type_, depth)
        assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
        fields = [
            (name, field)
            for name, field in type_.fields.items()
            if not name.startswith("_")
            and ((depth < 5 and self._budget > 0) or not is_composite_type(get_named_type(field.type)))
        ]
        if not fields:
            return "__typename"
        name, field = self.pick(fields)
        return self._field(name, field, depth)

    def _field(self, name: str, field: GraphQLField, depth: int) -> str:
        text = self._keyed(name, str(field.type), self._arguments(field)) + self._directive()
        named = get_named_type(field.type)
        return f"{text} {self._selections(named, depth + 1)}" if is_composite_type(named) else text

    def _keyed(self, name: str, type_: str, arguments: str) -> str:
        meaning = f"{name}{arguments}: {type_}"
        key = name if self.chance(70) else self.pick(["a", "b", "c"])
        while self._keys.setdefault(key, meaning) != meaning:
            key += "_"
        return f"{name}{arguments}" if key == name else f"{key}: {name}{arguments}"

    def _fragment(self, type_: GraphQLNamedType, depth: int) -> str:
        candidates: list[GraphQLNamedType] = [type_]
        if is_abstract_type(type_):
            candidates += self._schema.get_possible_types(type_)
        if isinstance(type_, GraphQLObjectType):
            candidates += type_.interfaces
        condition = self.pick(candidates)
        known = [name for name, (on, _) in self._fragments.items() if on is condition]
        if known and self.chance(50):
            return f"...{self.pick(known)}{self._directive()}"
        if self._budget <= 0:
            return "__typename"
        body = self._selections(condition, depth + 1)
        if self.chance(50):
            on = "" if condition is type_ and self.chance(30) else f" on {condition.name}"
            return f"...{on}{self._directive()} {body}"
        name = f"F{len(self._fragments)}"
        self._fragments[name] = (condition, body)
        return f"...{name}{self._directive()}"

    def _directive(self) -> str:
        if not self.chance(5):
            return ""
        value = self.pick(["true", "false", "$yes", "$brief"])
        if value.startswith("$"):
            text = "Boolean = false" if value == "$brief" else "Boolean!"
            self.variables.setdefault(value[1:], (text, GraphQLBoolean))
        return f" @{self.pick(['skip', 'include'])}(if: {value})"

    def _arguments(self, field: GraphQLField) -> str:
        parts = [
            f"{name}: {self._literal(argument.type)}"
            for name, argument in field.args.items()
            if is_required_argument(argument) or self.chance(60)
        ]
        return f"({', '.join(parts)})" if parts else ""

    def _literal(self, type_: GraphQLInputType) -> str:
        if self.chance(40):
            return self._variable(type_)
        if not is_non_null_type(type_) and self.chance(10):
            return "null"
        inner = get_nullable_type(type_)
        if is_list_type(inner):
            return "[" + ", ".join(self._literal(inner.of_type) for _ in range(self.pick([0, 1, 2, 3]))) + "]"
        return str(self.pick(LITERALS[str(inner)]))

    def _variable(self, type_: GraphQLInputType) -> str:
        known = [name for name, (_, of) in self.variables.items() if of == type_]
        if known and self.chance(50):
            return f"${self.pick(known)}"
        name, text = f"v{len(self.variables)}", str(type_)
        if self.chance(30):
            # A nullable variable may stand where null is not allowed, if it has a default (GraphQL §5.8.5).
            text = f"{get_nullable_type(type_)} = {self._constant(type_)}"
        self.variables[name] = (text, type_)
        return f"${name}"

    def _constant(self, type_: GraphQLInputType) -> str:
        inner = get_nullable_type(type_)
        return f"[{self._constant(inner.of_type)}]" if is_list_type(inner) else str(self.pick(LITERALS[str(inner)]))

    def _value(self, type_: GraphQLInputType) -> object:
        if self.chance(12):
            return self.pick(MISTAKES)
        inner = get_nullable_type(type_)
        if is_list_type(inner):
            return [self._value(inner.of_type) for _ in range(self.pick([0, 1, 2]))]
        return self.pick(VALUES[str(inner)])


@st.composite
def cases(draw: st.DrawFn, schema: GraphQLSchema, kind: str | None = None) -> Case:
    """Draw a document with up to about a dozen selections, and variables for it."""
    author = _Author(draw, schema)
    source = author.operation(kind or ("mutation" if draw(st.booleans()) else "query"))
    return Case(source, author.values())
