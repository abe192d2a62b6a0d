"""Plans by the text of their documents. A document is parsed, checked and planned once; then its plan is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import GraphQLError, NoSchemaIntrospectionCustomRule, OperationDefinitionNode, specified_rules, validate

from app.documents.limits import check_limits, max_refusal_bytes, operations_of, parse_within
from app.documents.lru_cache import LruCache
from app.execution.graphql_core import OUT_OF_BUDGET, bound_validation
from app.execution.plan import Plan
from app.execution.request_error import ErrorCode, RequestError, max_errors

if TYPE_CHECKING:
    from graphql import DocumentNode, GraphQLSchema

    from app.settings import Settings

MAX_DOCUMENTS = 1_000
MAX_WEIGHT = 400_000
"""tests/benchmark/documents.py measures the memory that plans of this weight take."""
SELECTION_WEIGHT = 40
"""The weight of one selection, fragments expanded, in characters of text."""
TOKEN_WEIGHT = 4
"""The weight of one token: a literal in a list is one, and no selection."""

_RULES = tuple(specified_rules)
_RULES_WITHOUT_INTROSPECTION = (*_RULES, NoSchemaIntrospectionCustomRule)


class PlanCache:
    """The plans of valid documents; invalid documents are not kept.

    Args:
        schema: the schema that documents are validated against.
        settings: for the limits on a document and on the calls of an operation.
        introspection: allow ``__schema`` and ``__type``, and suggest names of the schema in messages.

    Attributes:
        hits: the number of plans that were found.
        misses: the number of plans that were not.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        settings: Settings,
        *,
        introspection: bool,
        max_documents: int = MAX_DOCUMENTS,
        max_weight: int = MAX_WEIGHT,
    ) -> None:
        bound_validation()
        self._schema = schema
        self._introspection = introspection
        self._settings = settings
        self._plans: LruCache[tuple[str, str | None], Plan] = LruCache(max_documents, max_weight)
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._plans)

    def find(self, text: str, operation_name: str | None) -> Plan:
        """Find or make the plan of one operation of a document.

        Raises:
            RequestError: the document cannot be parsed, exceeds a limit, is not valid, or has no such operation.
        """
        key = (text, operation_name)
        plan = self._plans.get(key)
        if plan is not None:
            self.hits += 1
            return plan
        self.misses += 1
        document, tokens, selections = self._read(text, introspection=self._introspection)
        definition = choose_operation(operations_of(document), operation_name)
        plan = self._plan(document, definition, hide_suggestions=not self._introspection)
        weight = len(text) + TOKEN_WEIGHT * tokens + SELECTION_WEIGHT * selections * plan.choices
        self._plans.put(key, plan, weight)
        return plan

    def plans_of(self, text: str) -> list[Plan]:
        """Make the plan of each operation of a trusted document, which may introspect; none is kept here.

        Raises:
            RequestError: as for ``find``.
        """
        document, _, _ = self._read(text, introspection=True)
        return [self._plan(document, node, hide_suggestions=True) for node in operations_of(document)]

    def _read(self, text: str, *, introspection: bool) -> tuple[DocumentNode, int, int]:
        """Parse and validate a document, and count its tokens and its selections."""
        document, tokens = parse_within(text, self._settings.gateway_max_tokens)
        selections = check_limits(document, self._settings)
        errors = validate(
            self._schema,
            document,
            _RULES if introspection else _RULES_WITHOUT_INTROSPECTION,
            max_errors=max_errors(text),
            hide_suggestions=not introspection,
            allow_empty_selection_sets=False,
        )
        if errors and errors[-1].message == OUT_OF_BUDGET:
            message = "The document repeats fields, or spreads fragments, too often to be validated."
            raise RequestError(ErrorCode.LIMIT_EXCEEDED, message, limit="tokens")
        if errors:
            raise RequestError(ErrorCode.GRAPHQL_VALIDATION_FAILED, errors)
        return document, tokens, selections

    def _plan(self, document: DocumentNode, definition: OperationDefinitionNode, *, hide_suggestions: bool) -> Plan:
        return Plan(
            self._schema,
            document,
            definition,
            hide_suggestions=hide_suggestions,
            max_calls=self._settings.gateway_max_deletes,
            max_refusal_bytes=max_refusal_bytes(self._settings),
        )


def choose_operation(operations: list[OperationDefinitionNode], name: str | None) -> OperationDefinitionNode:
    """Choose the operation of a request (GraphQL §6.1, *GetOperation*).

    Raises:
        RequestError: the document has no operation of that name, or several and the request names none. The first one
            is never assumed: it may change data.
    """
    if name is None:
        if len(operations) == 1:
            return operations[0]
        raise RequestError(
            ErrorCode.OPERATION_RESOLUTION_FAILURE,
            [GraphQLError(f"The document has {len(operations)} operations: name one by operationName.", operations)],
        )
    for operation in operations:
        if operation.name is not None and operation.name.value == name:
            return operation
    raise RequestError(
        ErrorCode.OPERATION_RESOLUTION_FAILURE, "The document has no operation of the name in operationName."
    )
