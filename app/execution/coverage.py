"""Which operations the compiler covers; the rest runs on graphql-core."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from graphql import GraphQLIncludeDirective, GraphQLSkipDirective, OperationType
from graphql.language import FieldNode, FragmentSpreadNode, VariableNode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql import DirectiveNode, InlineFragmentNode, SelectionNode

    from app.execution.core import CorePlan

_CONDITIONS = {GraphQLSkipDirective.name, GraphQLIncludeDirective.name}
_INTROSPECTION = {"__schema", "__type"}


class Uncovered(Exception):  # noqa: N818 - says what the operation is, not that something failed
    """The operation has something that the compiler leaves to graphql-core."""


def conditions(core: CorePlan) -> tuple[str, ...]:
    """The variables that decide what an operation selects, in order of appearance.

    One look at each selection, however often its fragment is spread.

    Raises:
        Uncovered: for subscriptions, introspection, directives other than ``@skip`` and ``@include``, fragments with
            variables of their own.
    """
    operation = core.definition
    if (
        operation.operation is OperationType.SUBSCRIPTION
        or core.schema.get_root_type(operation.operation) is None
        or operation.directives
        or any(node.directives for node in operation.variable_definitions or ())
    ):
        raise Uncovered
    found: dict[str, None] = {}
    waiting: list[SelectionNode] = list(operation.selection_set.selections)
    visited: set[str] = set()
    while waiting:
        selection = waiting.pop()
        if isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name not in visited:
                visited.add(name)
                waiting.extend(_fragment(core, selection))
        elif isinstance(selection, FieldNode) and selection.name.value in _INTROSPECTION:
            raise Uncovered
        else:
            nested = cast("FieldNode | InlineFragmentNode", selection).selection_set
            waiting.extend(nested.selections if nested is not None else ())
        found.update(dict.fromkeys(_condition_variables(selection.directives or ())))
    return tuple(found)


def _fragment(core: CorePlan, spread: FragmentSpreadNode) -> Iterable[SelectionNode]:
    definition = core.fragments[spread.name.value]
    if spread.arguments or definition.variable_definitions or definition.directives:
        raise Uncovered
    return definition.selection_set.selections


def _condition_variables(directives: Iterable[DirectiveNode]) -> Iterable[str]:
    for directive in directives:
        if directive.name.value not in _CONDITIONS:
            raise Uncovered
        for argument in directive.arguments or ():
            if isinstance(argument.value, VariableNode):
                yield argument.value.name.value
