"""Limits on a document, checked before it is validated."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

from graphql import (
    ExecutableDefinitionNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    parse,
)

from app.execution.graphql_core import unlink_tokens
from app.execution.request_error import ErrorCode, RequestError
from app.execution.selection_set import fragments_of

if TYPE_CHECKING:
    from graphql import DocumentNode, SelectionNode, SelectionSetNode

    from app.settings import Settings

SELECTIONS_PER_TOKEN = 2
"""A document may expand to this many selections for each token that is allowed.

Validation, plan and answer grow with them: without the limit, 900 tokens select 2,000,000 fields, an answer of 41 MB.
"""
MAX_REFUSAL_BYTES = 100_000
"""Bytes of answer to a caller without a usable token, if at most 20 root fields are allowed."""
_REFUSAL_BYTES_PER_ROOT_FIELD = 5_000
TOKENS_PER_SELECTION = 3
"""A document may have one selection for every three allowed tokens, before fragments are expanded.

A selection that is a bare name is the most expensive token: it costs 40 µs to parse and to validate, any other 15 µs.
Documents of clients and routers have two to four tokens for each selection, and about 100 selections at most.
"""
DEFINITION_SELECTIONS = 5
"""An operation or a fragment costs as much as this many selections: validation visits each one separately."""
MAX_NESTING = 200
"""Levels of fields and fragments, which graphql-core follows by recursion."""
MAX_BLOCK_STRING_LINES = 500
"""Lines from the first block string of a document to its last. graphql-core reads each, and prints it in a message."""

_TOO_DEEP = "Document is nested too deeply. Parsing aborted."
_INTROSPECTION = frozenset({"__schema", "__type"})
_MAX_SERVICE = 4
_COUNTED = {"_service": ("_service", _MAX_SERVICE), "sdl": ("sdl", _MAX_SERVICE)} | dict.fromkeys(
    _INTROSPECTION, ("__schema and __type", 1)
)
"""Fields with long answers: their name in messages, and how often an operation may select them."""


def max_refusal_bytes(settings: Settings) -> int:
    """Bytes of answer to a caller without a usable token."""
    return max(MAX_REFUSAL_BYTES, _REFUSAL_BYTES_PER_ROOT_FIELD * settings.gateway_max_root_fields)


def parse_within(text: str, max_tokens: int) -> tuple[DocumentNode, int]:
    """Parse a document, no further than the limit on tokens.

    Returns:
        The document, and the number of its tokens.

    Raises:
        RequestError: the syntax is wrong, or the document has too many tokens, too many lines of block strings, or is
            nested too deeply.
    """
    blocks = text[text.find('"""') : text.rfind('"""')]
    if max(blocks.count("\n"), blocks.count("\r")) >= MAX_BLOCK_STRING_LINES:
        message = f"The document has more than {MAX_BLOCK_STRING_LINES} lines from its first block string to its last."
        raise RequestError(ErrorCode.LIMIT_EXCEEDED, message, limit="tokens")
    try:
        document = parse(text, max_lexical_tokens=max_tokens, max_comments=max_tokens, allow_empty_selection_sets=False)
    except GraphQLSyntaxError as error:
        message = error.message.removeprefix("Syntax Error: ")
        if message == _TOO_DEEP:
            raise RequestError(ErrorCode.LIMIT_EXCEEDED, "The document is nested too deeply.", limit="depth") from None
        if message.endswith("Parsing aborted."):
            raise RequestError(
                ErrorCode.LIMIT_EXCEEDED,
                f"The document has more than {max_tokens} tokens, or as many comments.",
                limit="tokens",
            ) from None
        raise RequestError(ErrorCode.GRAPHQL_PARSE_FAILED, [error]) from None
    return document, unlink_tokens(document)


def operations_of(document: DocumentNode) -> list[OperationDefinitionNode]:
    """List the operations of a document."""
    return [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]


def check_limits(document: DocumentNode, settings: Settings) -> int:
    """Check a document: its selections as they are written, then its operations with fragments expanded.

    Returns:
        The number of selections of all operations, fragments expanded.

    Raises:
        RequestError: the document is too large, or an operation is too deep, too wide or too large.
    """
    max_selections = settings.gateway_max_tokens // TOKENS_PER_SELECTION
    if count_written(document) > max_selections:
        message = (
            f"The document has more than {max_selections} selections. "
            f"Each operation and each fragment counts as {DEFINITION_SELECTIONS}."
        )
        raise RequestError(ErrorCode.LIMIT_EXCEEDED, message, limit="tokens")
    walk = _Walk(document, settings)
    for operation in operations_of(document):
        walk.operation(operation)
    return walk.selections


def count_written(document: DocumentNode) -> int:
    """Count the selections as they are written, and ``DEFINITION_SELECTIONS`` for each definition."""
    waiting = [node.selection_set for node in document.definitions if isinstance(node, ExecutableDefinitionNode)]
    written = DEFINITION_SELECTIONS * len(document.definitions)
    for selection_set in waiting:  # it grows while it is iterated
        written += len(selection_set.selections)
        waiting.extend(
            selection.selection_set
            for selection in selection_set.selections
            if isinstance(selection, (FieldNode, InlineFragmentNode)) and selection.selection_set is not None
        )
    return written


class _Walk:
    """The walk over a document. A selection in a fragment counts once for each spread of the fragment."""

    _operation: OperationDefinitionNode

    def __init__(self, document: DocumentNode, settings: Settings) -> None:
        self.selections = 0
        self._max_selections = SELECTIONS_PER_TOKEN * settings.gateway_max_tokens
        self._max_depth = settings.gateway_max_depth
        self._max_root_fields = settings.gateway_max_root_fields
        self._fragments = fragments_of(document)
        self._spread: set[str] = set()
        self._counted: Counter[str] = Counter()

    def operation(self, node: OperationDefinitionNode) -> None:
        """Walk one operation."""
        self._operation = node
        self._counted.clear()
        self._visit(node.selection_set, depth=1, nesting=1)

    def _visit(self, selection_set: SelectionSetNode, depth: int, nesting: int) -> None:
        """Visit a selection set. ``depth`` is that of its fields; 0 has no limit: below ``__schema`` and ``__type``."""
        if nesting > MAX_NESTING:
            raise self._exceeded("The operation is nested too deeply.", "depth")
        for selection in selection_set.selections:
            self.selections += 1
            if self.selections > self._max_selections:
                message = f"The document's fragments unfold to more than {self._max_selections} selections."
                raise self._exceeded(message, "tokens")
            if isinstance(selection, FieldNode):
                self._visit_field(selection, depth, nesting)
            else:
                self._visit_fragment(selection, depth, nesting)

    def _visit_field(self, field: FieldNode, depth: int, nesting: int) -> None:
        name = field.name.value
        if depth > self._max_depth:
            raise self._exceeded(f"The operation is nested deeper than {self._max_depth} fields.", "depth")
        if depth == 1:
            limit = self._max_root_fields
            self._count("root fields", limit, f"The operation has more than {limit} root fields.")
        if name in _COUNTED:
            shown, max_count = _COUNTED[name]
            often = "once" if max_count == 1 else f"{max_count} times"
            self._count(shown, max_count, f"The operation selects {shown} more than {often}.")
        if field.selection_set is not None:
            below = 0 if depth == 0 or name in _INTROSPECTION else depth + 1
            self._visit(field.selection_set, below, nesting + 1)

    def _visit_fragment(self, selection: SelectionNode, depth: int, nesting: int) -> None:
        if not isinstance(selection, FragmentSpreadNode):
            self._visit(cast("InlineFragmentNode", selection).selection_set, depth, nesting + 1)
            return
        name = selection.name.value
        fragment = self._fragments.get(name)
        if fragment is None or name in self._spread:
            return  # validation refuses an unknown fragment and a cycle
        self._spread.add(name)
        self._visit(fragment.selection_set, depth, nesting + 1)
        self._spread.remove(name)

    def _count(self, what: str, max_count: int, message: str) -> None:
        self._counted[what] += 1
        if self._counted[what] > max_count:
            raise self._exceeded(message, "root_fields")

    def _exceeded(self, message: str, limit: str) -> RequestError:
        return RequestError(ErrorCode.LIMIT_EXCEEDED, [GraphQLError(message, self._operation)], limit=limit)
