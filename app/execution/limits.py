"""What bounds a document, measured in time linear in its size and before it is validated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import GraphQLError, GraphQLSyntaxError, parse

from app.execution.refusal import ErrorCode, Refusal
from app.execution.shape import Shape

if TYPE_CHECKING:
    from graphql import DocumentNode

    from app.settings import Settings

FIELDS_A_TOKEN = 2
"""Fragments may unfold to so many fields for each token that a document may have.

An answer grows with the unfolded fields, and so does a plan: without a bound 900 tokens asked for 2,000,000 fields.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on a document.

    Attributes:
        tokens: most lexical tokens, and most comments; twice as many fields once fragments are unfolded.
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
        if "nested too deeply" in message:
            raise Refusal(ErrorCode.LIMIT_EXCEEDED, "The document is nested too deeply.", limit="depth") from None
        if message.endswith("Parsing aborted."):
            raise Refusal(
                ErrorCode.LIMIT_EXCEEDED,
                f"The document has more than {limits.tokens} tokens, or as many comments.",
                limit="tokens",
            ) from None
        raise Refusal(ErrorCode.GRAPHQL_PARSE_FAILED, [error]) from None


def check_shape(document: DocumentNode, limits: Limits) -> int:
    """Check depth, root fields and unfolded fields of every operation of a document.

    Returns:
        The unfolded fields of the largest operation.

    Raises:
        Refusal: one of them is too deep, has too many root fields or unfolds to too many fields.
    """
    shape = Shape(document)
    most_fields = FIELDS_A_TOKEN * limits.tokens
    largest = 0
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
            fields = shape.fields(operation.selection_set)
            if fields > most_fields:
                raise Refusal(
                    ErrorCode.LIMIT_EXCEEDED,
                    [GraphQLError(f"The operation unfolds to more than {most_fields} fields.", [operation])],
                    limit="tokens",
                )
            largest = max(largest, fields)
    except RecursionError:
        raise Refusal(ErrorCode.LIMIT_EXCEEDED, "The document is nested too deeply.", limit="depth") from None
    return largest
