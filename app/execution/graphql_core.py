"""The parts of graphql-core that are not a stable public interface.

tests/execution/test_libraries.py fails if one of them changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLID,
    GraphQLInt,
    GraphQLResolveInfo,
    GraphQLResolveInfoHelpers,
    GraphQLString,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource
from graphql.pyutils import Path, gather_with_cancel, is_awaitable
from graphql.validation import validation_context
from graphql.validation.rules import overlapping_fields_can_be_merged

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from graphql import (
        DocumentNode,
        FieldNode,
        FragmentDefinitionNode,
        GraphQLObjectType,
        GraphQLOutputType,
        GraphQLSchema,
        OperationDefinitionNode,
        VariableDefinitionNode,
    )

Variables: TypeAlias = VariableValues
"""Coerced variables, with the source of each; the ``variable_values`` of a resolver's info."""

VariableSource: TypeAlias = VariableValueSource
"""A variable with its value before coercion."""

Signature: TypeAlias = GraphQLVariableSignature

EXACT_CLASSES: dict[object, type] = {
    GraphQLString.coerce_output_value: str,
    GraphQLID.coerce_output_value: str,
    GraphQLBoolean.coerce_output_value: bool,
}
"""The class whose instances a scalar puts into an answer unchanged, by the function that coerces its output."""

COERCE_INT = GraphQLInt.coerce_output_value

MAX_COMPLEXITY_BUDGET = 3_000
MAX_FRAGMENT_WORK = 2_000
OUT_OF_BUDGET = "Validation aborted."
"""The message of the last error if a budget is exhausted."""


def bound_validation() -> None:
    """Lower graphql-core's budgets for validation, process-wide.

    At its defaults, a document of 1,000 tokens costs up to 200 ms. Both rules read the attributes at each validation.

    Raises:
        AttributeError: this version of graphql-core has no such budget.
    """
    for module, name, value in (
        (overlapping_fields_can_be_merged, "MAX_COMPLEXITY_BUDGET", MAX_COMPLEXITY_BUDGET),
        (validation_context, "MAX_FRAGMENT_WORK", MAX_FRAGMENT_WORK),
    ):
        getattr(module, name)
        setattr(module, name, value)


def unlink_tokens(document: DocumentNode) -> int:
    """Cut the chain of tokens of a parsed document, and count them.

    Tokens refer to both neighbours. Without the cut, an evicted document stays in memory until the garbage collector
    finds the cycle. Nothing follows the chain after parsing.
    """
    count = 0
    token = document.loc.start_token if document.loc else None
    while token is not None:
        following = token.next
        token.prev = token.next = None
        token = following
        count += 1
    return count


def signature_of(schema: GraphQLSchema, node: VariableDefinitionNode) -> Signature:
    """Read the type of a variable of a valid document."""
    signature = get_variable_signature(schema, node)
    if isinstance(signature, GraphQLError):  # pragma: no cover - validation refuses such a document
        raise signature
    return signature


def _gather(values: Sequence[Awaitable[Any]]) -> Awaitable[list[Any]]:
    return gather_with_cancel(*values)


def _track(_values: Sequence[Any]) -> None:
    """Do nothing: resolvers await what they start."""


def info_factory(
    schema: GraphQLSchema,
    fragments: dict[str, FragmentDefinitionNode],
    operation: OperationDefinitionNode,
    parent: GraphQLObjectType,
    *,
    key: str,
    nodes: list[FieldNode],
    return_type: GraphQLOutputType,
) -> Callable[[Variables, object], GraphQLResolveInfo[Any]]:
    """Return a function that builds the ``info`` of one root field from the variables and the context of a request."""
    prototype = GraphQLResolveInfo(
        field_name=nodes[0].name.value,
        field_nodes=nodes,
        return_type=return_type,
        parent_type=parent,
        path=Path(None, key, parent.name),
        schema=schema,
        fragments=fragments,
        root_value=None,
        operation=operation,
        variable_values=VariableValues({}, {}),
        context=None,
        is_awaitable=is_awaitable,
        abort_signal=None,
        async_helpers=GraphQLResolveInfoHelpers(gather=_gather, track=_track),
    )
    index = prototype._fields.index("variable_values")
    before, after = tuple(prototype[:index]), tuple(prototype[index + 2 :])

    def info(variables: Variables, context: object) -> GraphQLResolveInfo[Any]:
        # The named tuple's own constructor takes twice as long.
        return tuple.__new__(GraphQLResolveInfo, before + (variables, context) + after)  # noqa: RUF005 - half the time

    return info
