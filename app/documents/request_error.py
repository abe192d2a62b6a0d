"""Why a request is refused before anything runs."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from graphql import GraphQLError

if TYPE_CHECKING:
    from collections.abc import Sequence


_MOST_ERRORS = 20
_MOST_CHARACTERS = 100_000


def most_errors(text: str) -> int:
    """How many errors in a document are told at once.

    Each costs a search for its line from the start of the text, and quotes names that may be as long as the text: a
    hundred errors behind 28,000 empty lines took 0.55 s to tell. The longer the text, the fewer of them, so that all
    together take time linear in it.
    """
    return max(1, min(_MOST_ERRORS, _MOST_CHARACTERS // max(1, len(text))))


class ErrorCode(enum.StrEnum):
    """``extensions.code`` of every error that the gateway itself makes."""

    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    OPERATION_RESOLUTION_FAILURE = "OPERATION_RESOLUTION_FAILURE"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    BAD_REQUEST = "BAD_REQUEST"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not an error of ours
    """The request is refused, and nothing of it has run.

    Attributes:
        code: the code of each of the errors.
        errors: what is wrong, at least one.
        limit: the limit that was exceeded, for the metrics; empty where none was.
    """

    def __init__(self, code: ErrorCode, errors: Sequence[GraphQLError] | str, *, limit: str = "") -> None:
        self.code = code
        self.errors = (GraphQLError(errors),) if isinstance(errors, str) else tuple(errors)
        self.limit = limit
        super().__init__(self.errors[0].message)
