"""What bounds a document, measured in time linear in its size and before it is validated.

Fragments are measured once each, however often they are spread: a spread of spreads costs no more than its text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    parse,
)

from app.execution.refusal import ErrorCode, Refusal

if TYPE_CHECKING:
    from graphql import DocumentNode

    from app.settings import Settings

_COUNT_ONE = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on a document.

    Attributes:
        tokens: most lexical tokens, and most comments.
        depth: deepest nesting of fields; ``__schema`` and ``__type`` count one with all that is in them.
        root_fields: most root fields of one operation, fragments expanded.
    """

    tokens: int
    depth: int
    root_fields: int

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The limits that the settings name."""
        return cls(settings.gateway_max_tokens, settings.gateway_max_depth, settings.gateway_max_root_fields)


def parse_within(text: str, limits: Limits) -> DocumentNode:
    """Parse a document, no further than the limit on tokens goes.

    Raises:
        Refusal: its syntax is wrong, or it has too many tokens, or it is nested beyond what can be parsed.
    """
    try:
        return parse(
            text, max_lexical_tokens=limits.tokens, max_comments=limits.tokens, allow_empty_selection_sets=False
        )
    except GraphQLSyntaxError as error:
        message = error.message.removeprefix("Syntax Error: ")
        if message.endswith("Parsing aborted."):
            raise Refusal(
                ErrorCode.LIMIT_EXCEEDED,
                f"The document has more than {limits.tokens} tokens, or as many comments.",
                limit="tokens",
            ) from None
        if "nested too deeply" in message:
            raise Refusal(ErrorCode.LIMIT_EXCEEDED, "The document is nested too deeply.", limit="depth") from None
        raise Refusal(ErrorCode.GRAPHQL_PARSE_FAILED, [error]) from None


def check_shape(document: DocumentNode, limits: Limits) -> None:
    """Check depth and root fields of every operation of a document.

    Raises:
        Refusal: one of them is too deep or has too many root fields.
    """
    shape = _Shape(document)
    try:
        for operation in shape.operations:
            if shape.root_fields(operation.selection_set) > limits.root_fields:
                raise Refusal(
                    ErrorCode.LIMIT_EXCEEDED,
                    [GraphQLError(f"The operation has more than {limits.root_fields} root fields.", [operation])],
                    limit="root_fields",
                )
            if shape.depth(operation.selection_set) > limits.depth:
                raise Refusal(
                    ErrorCode.LIMIT_EXCEEDED,
                    [GraphQLError(f"The operation is nested deeper than {limits.depth} fields.", [operation])],
                    limit="depth",
                )
    except RecursionError:
        raise Refusal(ErrorCode.LIMIT_EXCEEDED, "The document is nested too deeply.", limit="depth") from None


class _Shape:
    """Depth and width of a document's selection sets, each fragment measured once."""

    def __init__(self, document: DocumentNode) -> None:
        self.operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._depths: dict[str, int] = {}
        self._widths: dict[str, int] = {}

    def depth(self, selection_set: SelectionSetNode) -> int:
        """Levels of fields in a selection set."""
        return max(map(self._selection_depth, selection_set.selections), default=0)

    def root_fields(self, selection_set: SelectionSetNode) -> int:
        """Fields of a selection set itself, fragments expanded."""
        return sum(map(self._selection_width, selection_set.selections))

    def _selection_depth(self, selection: SelectionNode) -> int:
        if isinstance(selection, FieldNode):
            nested = selection.selection_set
            return 1 if nested is None or selection.name.value in _COUNT_ONE else 1 + self.depth(nested)
        if isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name not in self._depths:
                self._depths[name] = 0  # a cycle ends here; validation refuses it
                fragment = self._fragments.get(name)
                self._depths[name] = self.depth(fragment.selection_set) if fragment else 0
            return self._depths[name]
        return self.depth(selection.selection_set)  # type: ignore[attr-defined]  # an inline fragment has one

    def _selection_width(self, selection: SelectionNode) -> int:
        if isinstance(selection, FieldNode):
            return 1
        if isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name not in self._widths:
                self._widths[name] = 0
                fragment = self._fragments.get(name)
                self._widths[name] = self.root_fields(fragment.selection_set) if fragment else 0
            return self._widths[name]
        return self.root_fields(selection.selection_set)  # type: ignore[attr-defined]
