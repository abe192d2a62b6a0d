"""The error of a request that fails before any resolver runs."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from graphql import GraphQLError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_ERRORS = 20
_MAX_CHARACTERS = 100_000


def max_errors(text: str) -> int:
    """Return the maximum number of errors that one answer reports about a document.

    Each error searches the text for its line, and quotes names of any length. A longer text therefore gets fewer
    errors, so that all of them together take linear time.
    """
    return max(1, min(MAX_ERRORS, _MAX_CHARACTERS // max(1, len(text))))


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


class RequestError(Exception):
    """A request cannot run, and no part of it has run.

    Args:
        code: the code of each error.
        errors: at least one error, or the message of the only one.
        limit: the limit that the request exceeds, as a metric label; empty for every other reason.
    """

    def __init__(self, code: ErrorCode, errors: Sequence[GraphQLError] | str, *, limit: str = "") -> None:
        self.code = code
        self.errors = (GraphQLError(errors),) if isinstance(errors, str) else tuple(errors)
        self.limit = limit
        super().__init__(self.errors[0].message)
