"""Variables: coerced by rules that are made once an operation (GraphQL §6.1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from graphql import GraphQLError
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, input_is_nested_too_deeply
from graphql.pyutils import Undefined
from graphql.type import is_leaf_type, is_non_null_type
from graphql.utilities.coerce_input_value import coerce_input_literal, coerce_input_value

from app.execution.arguments import constant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graphql import GraphQLInputType, ValueNode

    from app.execution.core import CorePlan, Variables

    Coerce: TypeAlias = Callable[[Mapping[str, object]], Variables | list[GraphQLError]]


class _Rule(NamedTuple):
    """One variable of an operation."""

    name: str
    signature: GraphQLVariableSignature
    absent: VariableValueSource
    coerce: Callable[[Any], Any]
    default: Callable[[], Any] | None
    required: bool


def coercion(core: CorePlan) -> Coerce:
    """What coerces the variables of an operation.

    Whatever is wrong with them is graphql-core's to say: it starts again from the beginning, so that no error depends
    on the rules here.
    """
    rules: list[_Rule] = []
    for node in core.definition.variable_definitions or ():
        signature = get_variable_signature(core.schema, node)
        if isinstance(signature, GraphQLError):
            return core.coerce
        default = _default(node.default_value, signature.type) if node.default_value is not None else None
        rules.append(
            _Rule(
                signature.name,
                signature,
                VariableValueSource(signature),
                _coerce(signature.type),
                default,
                is_non_null_type(signature.type),
            )
        )
    return _by_rules(rules, core.coerce)


def _by_rules(rules: list[_Rule], otherwise: Coerce) -> Coerce:
    new = tuple.__new__

    def coerce(inputs: Mapping[str, object]) -> Variables | list[GraphQLError]:
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for name, signature, absent, coerce_value, default, required in rules:
            value = inputs.get(name, Undefined)
            try:
                if value is not Undefined:
                    sources[name] = new(VariableValueSource, (signature, value))
                    value = coerce_value(value)
                else:
                    sources[name] = absent
                    if default is not None:
                        value = default()
                    elif not required:
                        continue
            except Exception:  # noqa: BLE001 - whatever a scalar raises, graphql-core words it
                value = Undefined
            if value is Undefined:
                return otherwise(inputs)
            coerced[name] = value
        return new(VariableValues, (sources, coerced))

    return coerce


def _coerce(type_: GraphQLInputType) -> Callable[[Any], Any]:
    """What coerces a value that was given; ``Undefined`` or an exception where it cannot be."""
    nullable = type_.of_type if is_non_null_type(type_) else type_
    if not is_leaf_type(nullable):
        return lambda value: Undefined if input_is_nested_too_deeply(value, type_) else coerce_input_value(value, type_)
    coerce_leaf, null = nullable.coerce_input_value, Undefined if nullable is not type_ else None
    return lambda value: null if value is None else coerce_leaf(value)


def _default(node: ValueNode, type_: GraphQLInputType) -> Callable[[], Any]:
    """What makes the default value, for each run anew where a resolver could change it."""
    value = constant(node, type_)
    return (lambda: value) if value is not Undefined else (lambda: coerce_input_literal(node, type_))
