"""TRANSITION: today's documents and plans behind the interface of the rewritten ones; delete it at the merge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from app.documents.request_error import ErrorCode, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.documents.graphql_request import GraphQLRequest


class Coerced(NamedTuple):
    """Coerced variables."""

    variables: Any
    max_words: int = 16 * 1024


class PlanAdapter:
    """A plan whose ``coerce`` raises."""

    def __init__(self, plan: Any) -> None:
        self._plan = plan
        self.operation = plan.operation

    def coerce(self, variables: Mapping[str, object]) -> Coerced:
        """Coerce."""
        coerced = self._plan.coerce(variables)
        if isinstance(coerced, list):
            raise Refusal(ErrorCode.BAD_USER_INPUT, coerced)
        return Coerced(coerced)

    async def execute(self, coerced: Coerced, context: object) -> Any:
        """Execute."""
        return await self._plan.execute(coerced.variables, context)


class FoundOperation(NamedTuple):
    """A plan and the id of the document that holds it."""

    plan: PlanAdapter
    document_id: str | None


class OperationsAdapter:
    """Finds plans."""

    def __init__(self, operations: Any) -> None:
        self._operations = operations

    def find(self, request: GraphQLRequest) -> FoundOperation:
        """Find."""
        return FoundOperation(PlanAdapter(self._operations.plan(request)), None)
