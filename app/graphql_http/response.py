"""From a result or a refusal to the bytes of an answer; one table picks the status of each code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.execution.request_error import ErrorCode, RequestError
from app.graphql_http.negotiation import GRAPHQL_RESPONSE, JSON
from app.graphql_http.request import HttpRefusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLError
    from starlette.types import Send

    from app.whole import WholeMessages

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
"""The status of a refusal that has none of its own: what was not JSON or no document is 400, all else 422."""

_PERSISTED = frozenset({ErrorCode.PERSISTED_QUERY_NOT_FOUND, ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED})

_FIXED_HEADERS = ((b"cache-control", b"no-store"), (b"vary", b"Accept, Origin"))
_CONTENT_TYPES = {media: f"{media}; charset=utf-8".encode("ascii") for media in (JSON, GRAPHQL_RESPONSE)}
_FIXED_LINES = {
    media: b"".join(b"%b: %b\r\n" % field for field in ((b"content-type", value), *_FIXED_HEADERS))
    for media, value in _CONTENT_TYPES.items()
}

_encode = msgspec.json.Encoder().encode


def encode(value: object) -> bytes:
    """JSON text in UTF-8; lone surrogates, which have none, become U+FFFD."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return _encode(_without_surrogates(value))


def _without_surrogates(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_without_surrogates(name): _without_surrogates(item) for name, item in value.items()}
    return [_without_surrogates(item) for item in value] if isinstance(value, list | tuple) else value


def format_error(error: GraphQLError, code: ErrorCode) -> dict[str, object]:
    """One entry of ``errors`` (GraphQL, section 7.1.2)."""
    formatted: dict[str, object] = {"message": error.message}
    if error.locations:
        formatted["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        formatted["path"] = error.path
    formatted["extensions"] = {"code": code}
    return formatted


def refusal_status(refusal: RequestError, media_type: str) -> int:
    """The status of a refusal; a legacy client is told of a missing persisted document by a 200, as it expects."""
    if isinstance(refusal, HttpRefusal):
        return refusal.status
    if refusal.code in _PERSISTED and media_type == JSON:
        return 200
    return STATUS[refusal.code]


def encode_refusal(refusal: RequestError) -> bytes:
    """The body that tells a refusal."""
    return encode({"errors": [format_error(error, refusal.code) for error in refusal.errors]})


def answer_whole(whole: WholeMessages, status: int, media_type: str, body: bytes) -> bool:
    """Write one answer; False where it has to be sent."""
    return whole.answer(status, _FIXED_LINES[media_type], body)


async def send_answer(
    send: Send, status: int, media_type: str, body: bytes, headers: Mapping[str, str] | None = None
) -> None:
    """Send one answer, whole."""
    fields = [
        (b"content-type", _CONTENT_TYPES[media_type]),
        (b"content-length", str(len(body)).encode("ascii")),
        *_FIXED_HEADERS,
    ]
    if headers:
        fields.extend((name.lower().encode("ascii"), value.encode("ascii")) for name, value in headers.items())
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})
