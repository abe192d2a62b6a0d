"""An operation that runs on graphql-core's own executor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

from graphql import (
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    default_field_resolver,
    default_type_resolver,
    get_variable_values,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.executor_throwing_on_incremental import ExecutorThrowingOnIncremental
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues
from graphql.pyutils import is_awaitable

from app.documents.request_error import most_errors
from app.execution.footprint import Footprint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from graphql import DocumentNode

Variables: TypeAlias = VariableValues
"""Coerced variables with where each came from; what resolvers see as graphql-core's ``info.variable_values``."""


class CorePlan:
    """One operation of a validated document on graphql-core's executor.

    What ``graphql.execute`` would answer, except that variables are coerced in a step of their own and that the
    document is searched for its fragments once.

    Args:
        schema: the schema that validated the document.
        document: the whole document, for its fragments.
        operation: which operation of it.
        hide_suggestions: whether messages leave out names of the schema that the client did not write.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        *,
        hide_suggestions: bool,
    ) -> None:
        self.schema = schema
        self.operation: OperationType = operation.operation
        self.definition = operation
        self.hide_suggestions = hide_suggestions
        self.footprint = Footprint()
        self._most_errors = most_errors(document.loc.source.body if document.loc else "")
        self.fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self.details = {name: self._detail(definition) for name, definition in self.fragments.items()}

    def _detail(self, definition: FragmentDefinitionNode) -> FragmentDetails:
        """The form in which the executor takes a fragment; its own variables are an experiment of graphql-core."""
        signatures = [get_variable_signature(self.schema, node) for node in definition.variable_definitions or ()]
        return FragmentDetails(
            definition,
            {signature.name: signature for signature in signatures if not isinstance(signature, GraphQLError)} or None,
        )

    def coerce(self, variables: Mapping[str, object]) -> Variables | list[GraphQLError]:
        """Coerce the variables of one request, or say everything that is wrong with them (§6.1.2)."""
        return get_variable_values(
            self.schema,
            self.definition.variable_definitions or (),
            cast("dict[str, Any]", variables),
            max_errors=self._most_errors,
            hide_suggestions=self.hide_suggestions,
        )

    def executor(self, variables: Variables, context: object) -> ExecutorThrowingOnIncremental:
        """The executor of one run."""
        return ExecutorThrowingOnIncremental(
            self.schema,
            self.fragments,
            self.details,
            None,
            context,
            self.definition,
            variables,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            hide_suggestions=self.hide_suggestions,
        )

    async def execute(self, variables: Variables, context: object) -> ExecutionResult:
        """Run once. Errors of fields are in the result; nothing is raised for them (§6.4.4)."""
        result = self.executor(variables, context).execute_operation()
        if is_awaitable(result):
            return await cast("Awaitable[ExecutionResult]", result)
        return cast("ExecutionResult", result)
