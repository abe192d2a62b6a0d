"""Hypothesis strategies for documents whose fields meet under few names, and whose variables are used at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_input_object_type,
    is_input_type,
    is_list_type,
    is_non_null_type,
)
from hypothesis import strategies as st

from tests.execution.inputs import Choices

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from graphql import GraphQLArgument, GraphQLField, GraphQLInputType, GraphQLNamedType, GraphQLSchema

    ArgumentsOf: TypeAlias = Callable[[GraphQLField | None], str]

_VALUES = [
    *("1", "1.0", '"1"', '"""1"""', "true", "null", "RED", "[]", "[1]", "[1, 1]", "$v0", "$v1", "[$v0]"),
    *("{}", "{a: 1}", "{a: 1, b: 2}", "{b: 2, a: 1}", "{a: $v0}"),
]


class Author:
    """Writes documents in which fields are selected again and again.

    Args:
        choices: what hypothesis decides.
        schema: what the fields are of, mostly.
        budget: about how many selections there are.
    """

    def __init__(self, choices: Choices, schema: GraphQLSchema, budget: int) -> None:
        self._choices = choices
        self._schema = schema
        self._budget = budget
        self._wanted: dict[str, str] = {}
        self._composite = [
            type_ for type_ in schema.type_map.values() if is_composite_type(type_) and not type_.name.startswith("__")
        ]
        self._on = [choices.pick(self._composite) for _ in range(choices.pick([0, 1, 2, 4]))]

    def merging(self) -> str:
        """A document whose fields may be merged or not; any values for arguments."""
        return self._document(self._any_arguments, lambda _number, _used: "")

    def using(self) -> str:
        """A document whose variables are right or not; values that are variables."""
        return self._document(self._variable_arguments, self._definitions)

    def _document(self, arguments: ArgumentsOf, head: Callable[[int, str], str]) -> str:
        fragments = [self._selections(on, 1, number + 1, arguments) for number, on in enumerate(self._on)]
        operations = [(kind, self._root(kind, arguments)) for kind in self._kinds()]
        reached = [self._reached(body, fragments) for _, body in operations]
        return "\n".join(
            [
                f"{kind} {head(number, body + ' '.join(fragments[each] for each in reached[number]))} {body}"
                for number, (kind, body) in enumerate(operations)
            ]
            + [
                f"fragment F{number} on {self._on[number].name} {fragments[number]}"
                for number in sorted(set().union(*reached))
            ]
        )

    @staticmethod
    def _reached(body: str, fragments: list[str]) -> list[int]:
        reached: list[int] = []
        for number, fragment in enumerate(fragments):  # they spread later ones only
            if f"...F{number}" in body:
                reached.append(number)
                body += fragment
        return reached

    def _kinds(self) -> list[str]:
        return [self._choices.pick(["query", "query", "mutation"]) for _ in range(self._choices.pick([1, 1, 1, 2, 3]))]

    def _root(self, kind: str, arguments: ArgumentsOf) -> str:
        root = self._schema.mutation_type if kind == "mutation" else self._schema.query_type
        assert root is not None
        return self._selections(root, 0, 0, arguments)

    def _selections(self, type_: GraphQLNamedType, depth: int, fragment: int, arguments: ArgumentsOf) -> str:
        count = self._choices.pick([1, 2, 2, 3, 4])
        return "{ " + " ".join(self._selection(type_, depth, fragment, arguments) for _ in range(count)) + " }"

    def _selection(self, type_: GraphQLNamedType, depth: int, fragment: int, arguments: ArgumentsOf) -> str:
        self._budget -= 1
        left = len(self._on) - fragment
        if left > 0 and self._choices.chance(20):
            return f"...F{fragment + self._choices.pick(list(range(left)))}{self._directive(arguments)}"
        fields = type_.fields if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) else {}
        if self._budget > 0 and (not fields or self._choices.chance(25)):
            on = self._condition(type_)
            body = self._selections(self._schema.type_map.get(on[4:], type_), depth, fragment, arguments)
            return f"... {on}{self._directive(arguments)} {body}"
        if not fields or self._choices.chance(5):
            return f"{self._choices.pick(['', 'a: ', 'b: '])}{self._choices.pick(['__typename', 'unknown'])}"
        name = self._choices.pick([name for name in fields if not name.startswith("_")] or ["__typename"])
        return self._field(name, fields.get(name), depth, fragment, arguments)

    def _condition(self, type_: GraphQLNamedType) -> str:
        if self._choices.chance(10):
            return str(self._choices.pick(["", "on Unknown", "on String"]))
        possible = [
            each
            for each in self._composite
            if each is type_ or set(self._objects(each)) & set(self._objects(type_)) or self._choices.chance(5)
        ]
        return f"on {self._choices.pick(possible or [type_]).name}"

    def _objects(self, type_: GraphQLNamedType) -> list[str]:
        if isinstance(type_, GraphQLObjectType):
            return [type_.name]
        return [each.name for each in self._schema.get_possible_types(type_)] if is_abstract_type(type_) else []

    def _field(self, name: str, field: GraphQLField | None, depth: int, fragment: int, arguments: ArgumentsOf) -> str:
        alias = self._choices.pick(["", "", "", "", "a: "])
        text = f"{alias}{name}{arguments(field)}{self._directive(arguments)}"
        named = get_named_type(field.type) if field else None
        nested = is_composite_type(named) != self._choices.chance(2)
        if not nested:
            return text
        if named is None or depth > 4 or self._budget <= 0:
            return f"{text} {{ {self._choices.pick(['__typename', 'a: __typename', 'b: __typename'])} }}"
        return f"{text} {self._selections(named, depth + 1, fragment, arguments)}"

    def _directive(self, arguments: ArgumentsOf) -> str:
        if arguments == self._any_arguments or not self._choices.chance(15):
            return ""
        return f" @skip(if: {self._use('Boolean!')})"

    def _any_arguments(self, field: GraphQLField | None) -> str:
        if not self._choices.chance(12):
            return ""
        names = [*(field.args if field else ()), "first", "second"]
        chosen = dict.fromkeys(self._choices.pick(names) for _ in range(self._choices.pick([1, 1, 2])))
        return "(" + ", ".join(f"{name}: {self._choices.pick(_VALUES)}" for name in chosen) + ")"

    def _variable_arguments(self, field: GraphQLField | None) -> str:
        arguments = {**(field.args if field else {})}
        parts = [
            f"{name}: {self._variable(argument)}" for name, argument in arguments.items() if self._choices.chance(70)
        ]
        return f"({', '.join(parts)})" if parts else ""

    def _variable(self, argument: GraphQLArgument) -> str:
        return self._place(argument.type, 0)

    def _place(self, type_: GraphQLInputType, depth: int) -> str:
        nullable = type_.of_type if is_non_null_type(type_) else type_
        if is_list_type(nullable) and self._choices.chance(40):
            return f"[{self._place(nullable.of_type, depth + 1)}]"
        if is_input_object_type(nullable) and depth < 2 and self._choices.chance(60):
            name = self._choices.pick(list(nullable.fields))
            return f"{{{name}: {self._place(nullable.fields[name].type, depth + 1)}}}"
        return self._use(str(type_))

    def _use(self, type_: str) -> str:
        """A variable that a place of this type takes, mostly."""
        right = [name for name, wanted in self._wanted.items() if wanted == type_]
        free = [name for name in _VARIABLES if name not in self._wanted]
        name = self._choices.pick((right or free or _VARIABLES) if self._choices.chance(90) else _VARIABLES)
        self._wanted.setdefault(name, type_)
        return f"${name}"

    def _definitions(self, number: int, used: str) -> str:
        inputs = [name for name, type_ in self._schema.type_map.items() if is_input_type(type_)]
        definitions = []
        for name in _VARIABLES:
            if self._choices.chance(85 if f"${name}" in used else 3):
                type_ = self._wanted.get(name, "Boolean")
                if self._choices.chance(10):
                    type_ = self._choices.pick(_WRAPPERS) % self._choices.pick([*inputs, "Boolean", "Any"])
                elif self._choices.chance(20):
                    type_ = type_.removesuffix("!")
                definitions.append(f"${name}: {type_}{self._choices.pick(['', '', ' = null', ' = true'])}")
        return f"Q{number}" + (f"({', '.join(definitions)})" if definitions else "")


_VARIABLES = ["v0", "v1", "v2", "v3", "v4"]
_WRAPPERS = ["%s", "%s!", "%s!", "[%s]", "[%s!]", "[%s]!", "[[%s]]"]


@st.composite
def merging(draw: st.DrawFn, schema: GraphQLSchema, budget: int = 16) -> str:
    """A document whose fields may be merged or not."""
    return Author(Choices(draw), schema, budget).merging()


@st.composite
def using(draw: st.DrawFn, schema: GraphQLSchema, budget: int = 8) -> str:
    """A document whose variables are right or not."""
    return Author(Choices(draw), schema, budget).using()
