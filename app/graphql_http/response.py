"""The answer for a result or an error, and its ASGI messages. One table has the status of each error code."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec
from graphql import GraphQLError

from app.execution.request_error import ErrorCode, RequestError
from app.graphql_http.http_error import HttpError
from app.graphql_http.negotiation import GRAPHQL_RESPONSE, JSON
from schema.json_codec import encode

if TYPE_CHECKING:
    from graphql import ExecutionResult
    from starlette.types import Send

    from app.headers import RawHeaders

STATUS: dict[ErrorCode, int] = {
    ErrorCode.GRAPHQL_PARSE_FAILED: 400,
    ErrorCode.GRAPHQL_VALIDATION_FAILED: 422,
    ErrorCode.OPERATION_RESOLUTION_FAILURE: 422,
    ErrorCode.BAD_USER_INPUT: 422,
    ErrorCode.BAD_REQUEST: 422,
    ErrorCode.LIMIT_EXCEEDED: 422,
    ErrorCode.PERSISTED_QUERY_NOT_FOUND: 422,
    ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED: 422,
    ErrorCode.INTERNAL_SERVER_ERROR: 500,
}
"""The status of an error that is no ``HttpError``."""

PARTIAL_SUCCESS = 294
"""Data with errors (GraphQL over HTTP, *Partial success*)."""

_PERSISTED = frozenset({ErrorCode.PERSISTED_QUERY_NOT_FOUND, ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED})

_CONTENT_TYPES = {media_type: f"{media_type}; charset=utf-8".encode("ascii") for media_type in (JSON, GRAPHQL_RESPONSE)}
_INTERNAL = "Internal server error."
_MAX_MESSAGE = 1_000
"""Characters of a message; graphql-core quotes names and literals of any length, and escapes control characters."""

logger = logging.getLogger(__name__)


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The status, header fields and body of one HTTP answer."""

    status: int
    content_type: bytes
    body: bytes
    headers: RawHeaders = ()


def common_headers(request_id: str) -> tuple[tuple[bytes, bytes], ...]:
    """Header fields of every answer of the endpoint. The server's own answers do not have all of them."""
    return (
        (b"cache-control", b"no-store"),
        (b"vary", b"Accept, Origin"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id.encode("ascii")),
    )


def answer_result(result: ExecutionResult, media_type: str, request_id: str) -> Answer:
    """Make the answer of an operation that ran. Errors of fields are logged, and their messages are masked."""
    if not result.errors:
        return Answer(200, _CONTENT_TYPES[media_type], encode({"data": result.data}))
    formatted = []
    for error in result.errors:
        _log_failed_field(error, request_id)
        formatted.append(_format(error, ErrorCode.INTERNAL_SERVER_ERROR) | {"message": _INTERNAL})
    status = PARTIAL_SUCCESS if media_type == GRAPHQL_RESPONSE else 200
    return Answer(status, _CONTENT_TYPES[media_type], encode({"data": result.data, "errors": formatted}))


def answer_error(error: RequestError, media_type: str | None) -> Answer:
    """Make the answer of a request that did not run. ``media_type`` is None if none was negotiated."""
    body = encode({"errors": [_format(each, error.code) for each in error.errors]})
    if isinstance(error, HttpError):
        return Answer(error.status, _CONTENT_TYPES[GRAPHQL_RESPONSE], body, error.headers)
    if error.code in _PERSISTED and media_type == JSON:
        # Apollo Client reads PERSISTED_QUERY_* only from a 200.
        return Answer(200, _CONTENT_TYPES[JSON], body)
    return Answer(STATUS[error.code], _CONTENT_TYPES[GRAPHQL_RESPONSE], body)


def answer_bug() -> Answer:
    """Make the answer of a request that failed in the gateway; it shows nothing of the failure."""
    return answer_error(RequestError(ErrorCode.INTERNAL_SERVER_ERROR, _INTERNAL), None)


def _format(error: GraphQLError, code: ErrorCode) -> dict[str, object]:
    message = error.message
    if len(message) > _MAX_MESSAGE:
        message = f"{message[:_MAX_MESSAGE]}… (Long text is cut.)"
    return {**error.formatted, "message": message, "extensions": {"code": code}}


def _log_failed_field(error: GraphQLError, request_id: str) -> None:
    # Every outcome of Wethod is a member of the union, so an error of a field is a bug in the gateway. The text of a
    # GraphQLError is not logged: it quotes the document and its literals.
    original = error.original_error
    traceback = None if isinstance(original, GraphQLError) else original
    path = ".".join(map(str, error.path or ()))
    logger.error(
        "A field failed: %s (path: %s)", error.message, path, exc_info=traceback, extra={"request_id": request_id}
    )


async def send_answer(send: Send, answer: Answer, headers: RawHeaders) -> None:
    """Send one answer with further header fields, whose names are in lower case."""
    # The server adds the length of a body that is sent at once.
    fields = [(b"content-type", answer.content_type), *headers, *answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": fields})
    await send({"type": "http.response.body", "body": answer.body})
