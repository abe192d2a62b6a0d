"""What bounds a document, measured in time linear in its size and before it is validated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import GraphQLError, GraphQLSyntaxError, parse

from app.documents.request_error import ErrorCode, Refusal
from app.execution.shape import Shape

if TYPE_CHECKING:
    from graphql import DocumentNode, OperationDefinitionNode

    from app.settings import Settings

SELECTIONS_A_TOKEN = 2
"""Fragments may unfold to so many selections for each token that a document may have.

Validation, plan and answer grow with them: without a bound 900 tokens asked for 2,000,000 fields, an answer of 41 MB.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on a document.

    Attributes:
        tokens: most lexical tokens, and most comments; twice as many selections once fragments are unfolded.
        depth: deepest nesting of fields; ``__schema`` and ``__type`` count one with all that is in them.
        root_fields: most root fields of one operation, and most times that it asks for ``sdl``, fragments unfolded.
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
        document = parse(
            text, max_lexical_tokens=limits.tokens, max_comments=limits.tokens, allow_empty_selection_sets=False
        )
    except GraphQLSyntaxError as error:
        message = error.message.removeprefix("Syntax Error: ")
        if "nested too deeply" in message:
            raise Refusal(ErrorCode.LIMIT_EXCEEDED, "The document is nested too deeply.", limit="depth") from None
        if message.endswith("Parsing aborted."):
            raise Refusal(
                ErrorCode.LIMIT_EXCEEDED,
                f"The document has more than {limits.tokens} tokens, or as many comments.",
                limit="tokens",
            ) from None
        raise Refusal(ErrorCode.GRAPHQL_PARSE_FAILED, [error]) from None
    _unlink(document)
    return document


def _unlink(document: DocumentNode) -> None:
    """Part the tokens, which know those beside them, so that a document that is forgotten is freed at once.

    Nothing asks for a token's neighbours once a document is parsed; those that no node begins or ends with go now.
    """
    token = document.loc.start_token if document.loc else None
    while token is not None:
        following = token.next
        token.prev = token.next = None
        token = following


def check_shape(document: DocumentNode, limits: Limits) -> None:
    """Check depth and root fields of every operation of a document, and what all of them unfold to.

    Raises:
        Refusal: one of them is too deep or has too many root fields, or together they have too many selections.
    """
    shape = Shape(document)
    left = most = SELECTIONS_A_TOKEN * limits.tokens
    try:
        for operation in shape.operations:
            left -= shape.selections(operation.selection_set)
            if shape.root_fields(operation.selection_set) > limits.root_fields:
                message = f"The operation has more than {limits.root_fields} root fields."
                raise _exceeded(message, operation, limit="root_fields")
            if shape.sdl(operation.selection_set) > limits.root_fields:  # of thousands of characters each
                message = f"The operation asks for sdl more than {limits.root_fields} times."
                raise _exceeded(message, operation, limit="root_fields")
            if shape.depth(operation.selection_set) > limits.depth:
                message = f"The operation is nested deeper than {limits.depth} fields."
                raise _exceeded(message, operation, limit="depth")
            if left < 0:
                message = f"The document's fragments unfold to more than {most} selections."
                raise _exceeded(message, operation, limit="tokens")
    except RecursionError:
        raise Refusal(ErrorCode.LIMIT_EXCEEDED, "The document is nested too deeply.", limit="depth") from None


def _exceeded(message: str, operation: OperationDefinitionNode, *, limit: str) -> Refusal:
    return Refusal(ErrorCode.LIMIT_EXCEEDED, [GraphQLError(message, [operation])], limit=limit)
