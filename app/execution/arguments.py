"""Arguments of a field: settled when it is compiled where only constants and whole variables are involved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLScalarType,
    GraphQLString,
)
from graphql.execution.values import get_argument_values
from graphql.language import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    StringValueNode,
    VariableNode,
)
from graphql.pyutils import Undefined
from graphql.type import is_non_null_type
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graphql import ArgumentNode, GraphQLArgument, GraphQLInputType, ValueNode

    from app.execution.run import Run
    from app.execution.site import Site

    Arguments: TypeAlias = Callable[[Run], dict[str, Any]]
    """The keyword arguments of a resolver in one run; raises GraphQLError for what no resolver may see."""

_LITERALS = (BooleanValueNode, EnumValueNode, FloatValueNode, IntValueNode, StringValueNode)
_STEADY = {
    scalar.coerce_input_literal for scalar in (GraphQLBoolean, GraphQLFloat, GraphQLID, GraphQLInt, GraphQLString)
}


def constant(node: ValueNode, type_: GraphQLInputType) -> object:
    """The value of a literal, where every run would find the same one and nobody can change it.

    ``Undefined`` where that is not certain: a list or an object is made anew for each run, since a resolver may change
    it, and a scalar of the application's own may answer differently each time.
    """
    nullable = type_.of_type if is_non_null_type(type_) else type_
    steady = isinstance(nullable, GraphQLEnumType) or (
        isinstance(nullable, GraphQLScalarType) and nullable.coerce_input_literal in _STEADY
    )
    return coerce_input_literal(node, type_) if steady and isinstance(node, _LITERALS) else Undefined


class _Rule(NamedTuple):
    """Where one argument comes from: a variable, or a value that every run shares."""

    name: str
    variable: str | None
    value: object
    nullable: bool


def arguments(site: Site, names: Mapping[str, str] | None = None) -> Arguments:
    """What gathers the arguments of a field.

    Args:
        site: the field, whose first node has the arguments.
        names: the keyword of each argument by its name; those of the schema where None.
    """
    field, node, hide_suggestions = site.field, site.nodes[0], site.core.hide_suggestions
    given = {argument.name.value: argument for argument in node.arguments or ()}

    def by_graphql_core(run: Run) -> dict[str, Any]:
        values = get_argument_values(field, node, run.variables, None, hide_suggestions)
        return values if names is None else {names[name]: value for name, value in values.items()}

    rules: list[_Rule] = []
    for name, definition in field.args.items():
        keyword = names[name] if names is not None else definition.out_name or name
        rule = _rule(keyword, definition, given.get(name))
        if rule is None:
            return by_graphql_core
        rules.append(rule)

    def by_rules(run: Run) -> dict[str, Any]:
        coerced = run.variables.coerced
        values: dict[str, Any] = {}
        for name, variable, value, nullable in rules:
            if variable is not None and variable in coerced:
                value = coerced[variable]  # noqa: PLW2901 - the rule's own value is the default
                if value is None and not nullable:
                    return by_graphql_core(run)
            elif value is Undefined:
                continue
            values[name] = value
        return values

    return by_rules


def _rule(keyword: str, definition: GraphQLArgument, given: ArgumentNode | None) -> _Rule | None:
    """The rule of one argument; None where it takes graphql-core to find its value, or to say why there is none."""
    nullable = not is_non_null_type(definition.type)
    node = given.value if given is not None else None
    if node is not None and not isinstance(node, VariableNode):
        value = constant(node, definition.type)
        return None if value is Undefined else _Rule(keyword, None, value, nullable)
    return _Rule(keyword, node.name.value if node is not None else None, coerce_default_value(definition), nullable)
