"""From a document's text to a plan: parsed, bounded, validated and compiled once, then remembered."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from graphql import GraphQLError, OperationDefinitionNode, validate

from app.documents.limits import check_shape, parse_within
from app.documents.request_error import ErrorCode, Refusal, most_errors
from app.execution.footprint import A_CHARACTER, A_PLAN, Footprint
from app.execution.plan import plan_operation
from app.execution.rules import RULES, WITHOUT_INTROSPECTION

if TYPE_CHECKING:
    from collections.abc import Collection

    from graphql import ASTValidationRule, DocumentNode, GraphQLSchema

    from app.documents.limits import Limits
    from app.execution.plan import Plan

_MOST_DOCUMENTS = 1_000
_MOST_BYTES = 32 * 1024 * 1024


class Documents:
    """The plans of a schema's documents, the recently used ones kept.

    Bounded by number and by the memory they take; invalid documents are not kept.

    Args:
        schema: what documents are validated against.
        limits: what they must keep within.
        introspection: whether ``__schema`` and ``__type`` may be asked for; suggestions in errors go with it.
        compiled: False runs everything on graphql-core, to compare with.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: Limits,
        *,
        introspection: bool,
        compiled: bool = True,
        most_documents: int = _MOST_DOCUMENTS,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        self.schema = schema
        self.limits = limits
        self._hide_suggestions = not introspection
        self._rules = RULES if introspection else WITHOUT_INTROSPECTION
        self.compiled = compiled
        self._most_documents = most_documents
        self._most_bytes = most_bytes
        self._plans: OrderedDict[tuple[str, str | None], Plan] = OrderedDict()
        self._footprint = Footprint()
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._plans)

    @property
    def bytes(self) -> int:
        """The memory that the plans take, about."""
        return self._footprint.bytes

    def find(self, text: str, operation_name: str | None) -> Plan:
        """The plan of one operation of a document.

        Raises:
            Refusal: the document cannot be parsed, exceeds a limit, is not valid, or has no such operation.
        """
        key = (text, operation_name)
        plan = self._plans.get(key)
        if plan is not None:
            self.hits += 1
            self._plans.move_to_end(key)
            if self._footprint.bytes > self._most_bytes:
                self._forget()  # what ran since has grown
            return plan
        self.misses += 1
        plan = self.make(text, operation_name)
        self._plans[key] = plan
        plan.footprint.grow(A_PLAN + A_CHARACTER * len(text))
        plan.footprint.join(self._footprint)
        self._forget()
        return plan

    def _forget(self) -> None:
        """Keep within the bounds; the plan that was used last goes last, but goes if it is too large by itself."""
        while len(self._plans) > self._most_documents or self._footprint.bytes > self._most_bytes:
            _, oldest = self._plans.popitem(last=False)
            oldest.footprint.leave()

    def make(self, text: str, operation_name: str | None) -> Plan:
        """The plan, made anew and not kept.

        Raises:
            Refusal: as ``find`` does.
        """
        document = read_document(
            self.schema, text, self.limits, rules=self._rules, hide_suggestions=self._hide_suggestions
        )
        return plan_operation(
            self.schema,
            document,
            choose_operation(document, operation_name),
            hide_suggestions=self._hide_suggestions,
            compiled=self.compiled,
        )


def read_document(
    schema: GraphQLSchema,
    text: str,
    limits: Limits,
    *,
    rules: Collection[type[ASTValidationRule]] = RULES,
    hide_suggestions: bool = False,
) -> DocumentNode:
    """Parse a document, within the limits, and validate it.

    Raises:
        Refusal: it cannot be parsed, exceeds a limit, or is not valid.
    """
    document = parse_within(text, limits)
    check_shape(document, limits)
    errors = validate(
        schema,
        document,
        rules,
        max_errors=most_errors(text),
        hide_suggestions=hide_suggestions,
        allow_empty_selection_sets=False,
    )
    if errors:
        raise Refusal(ErrorCode.GRAPHQL_VALIDATION_FAILED, errors)
    return document


def choose_operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """The operation that a request means (GraphQL, section 6.1, *GetOperation*).

    Raises:
        Refusal: there is none of that name, or several and no name. The first one is never a guess: it may delete.
    """
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is None:
        if len(operations) == 1:
            return operations[0]
        raise Refusal(
            ErrorCode.OPERATION_RESOLUTION_FAILURE,
            [GraphQLError(f"The document has {len(operations)} operations: name one by operationName.", operations)],
        )
    for operation in operations:
        if operation.name and operation.name.value == name:
            return operation
    raise Refusal(ErrorCode.OPERATION_RESOLUTION_FAILURE, "The document has no operation of the name in operationName.")
