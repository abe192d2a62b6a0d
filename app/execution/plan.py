"""One operation, ready to run: compiled where the compiler covers it, on graphql-core otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from app.execution.compiler import CompiledPlan
from app.execution.core import CorePlan, Variables
from app.execution.coverage import Uncovered, conditions

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from graphql import (
        DocumentNode,
        ExecutionResult,
        GraphQLError,
        GraphQLSchema,
        OperationDefinitionNode,
        OperationType,
    )

    from app.execution.footprint import Footprint

__all__ = ["CompiledPlan", "CorePlan", "Plan", "Variables", "plan_operation"]


class Plan(Protocol):
    """One operation of a validated document, ready to run any number of times.

    Attributes:
        operation: what it does.
        footprint: the memory that it takes beyond its document's.
    """

    operation: OperationType
    footprint: Footprint

    def coerce(self, variables: Mapping[str, object]) -> Variables | list[GraphQLError]:
        """Coerce the variables of one request, or say what is wrong with them, as ``get_variable_values`` would."""
        ...

    def execute(self, variables: Variables, context: object) -> Coroutine[Any, Any, ExecutionResult]:
        """Run once, as ``graphql.execute`` would."""
        ...


def plan_operation(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    *,
    hide_suggestions: bool,
    compiled: bool = True,
) -> Plan:
    """Choose, once per document, how an operation of a valid document runs.

    Args:
        schema: the schema that validated the document.
        document: the whole document, for its fragments.
        operation: which operation of it.
        hide_suggestions: whether messages leave out names of the schema that the client did not write.
        compiled: False forces graphql-core, to compare with.
    """
    core = CorePlan(schema, document, operation, hide_suggestions=hide_suggestions)
    if not compiled:
        return core
    try:
        return CompiledPlan(core, conditions(core))
    except Uncovered:
        return core
