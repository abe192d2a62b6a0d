"""A reader of well-formed GraphQL requests from HTTP requests (GraphQL over HTTP, *Request*)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.requests import ClientDisconnect

from app.documents.graphql_request import GraphQLRequest
from app.execution.request_error import ErrorCode, RequestError
from app.graphql_http.http_error import HttpError
from schema.json_codec import DecodeError, decode

if TYPE_CHECKING:
    from starlette.types import Receive

    from app.headers import Headers

_KINDS: tuple[tuple[str, type, str], ...] = (
    ("query", str, "must be a string"),
    ("operationName", str, "must be a string or null"),
    ("variables", dict, "must be an object or null"),
    ("extensions", dict, "must be an object or null"),
    ("documentId", str, "must be a string or null"),
    ("doc_id", str, "must be a string or null"),
)
_MAX_PARAMETERS = 100
"""Parameters of a query string, the ignored ones included. Six have a meaning; 32 KB could hold 16,000."""
_decode_request = msgspec.json.Decoder(GraphQLRequest).decode
_PARAMETERS = {name.encode(): name for name in GraphQLRequest.__struct_encode_fields__}


def check_body_headers(headers: Headers, max_bytes: int) -> None:
    """Check the headers that describe the body, before it is read.

    Only JSON in UTF-8 is read. The form of a foreign page cannot send that, so it cannot forge a mutation.

    Raises:
        HttpError: 413 or 415.
    """
    if not _is_json(headers.get(b"content-type", b"")) or b"content-type" in headers.repeated:
        message = "The Content-Type of the request must be application/json, in UTF-8 and named once."
        raise HttpError(415, ErrorCode.BAD_REQUEST, message, (b"accept-post", b"application/json"))
    if b"content-encoding" in headers and headers.joined(b"content-encoding").lower() != b"identity":
        message = "The request's body must not be encoded."
        raise HttpError(415, ErrorCode.BAD_REQUEST, message, (b"accept-encoding", b"identity"))
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length.lstrip(b"0") or b"0") > max_bytes:
        raise _too_large(max_bytes)


@lru_cache(maxsize=64)  # the values that real clients send are few
def _is_json(content_type: bytes) -> bool:
    essence, *parameters = content_type.lower().split(b";")
    pairs = (parameter.partition(b"=") for parameter in parameters)
    charsets = [value.strip(b' "') for name, _, value in pairs if name.strip() == b"charset"]
    return essence.strip() == b"application/json" and all(charset in {b"utf-8", b"utf8"} for charset in charsets)


async def read_body(receive: Receive, max_bytes: int) -> bytes:
    """Read a request's body, but no further than the limit.

    Raises:
        HttpError: 413.
        ClientDisconnect: the client disconnected before the end of the body.
    """
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece = message.get("body", b"")
        size += len(piece)
        if size > max_bytes:
            raise _too_large(max_bytes)
        pieces.append(piece)
        if not message.get("more_body", False):
            return b"".join(pieces)


def _too_large(max_bytes: int) -> HttpError:
    # The rest of the body is not read, so the connection cannot be used again.
    close = (b"connection", b"close")
    message = f"The request's body is longer than {max_bytes} bytes."
    return HttpError(413, ErrorCode.LIMIT_EXCEEDED, message, close, limit="body")


def parse_body(body: bytes) -> GraphQLRequest:
    """Parse the body of a POST.

    Raises:
        RequestError: it is not JSON (400) or not a well-formed GraphQL request (422).
    """
    if body.isascii():  # msgspec does not check that the names and texts which it skips are UTF-8
        try:
            return _named(_decode_request(body))
        except (msgspec.MsgspecError, RecursionError):
            pass  # JSON that msgspec refuses, or a mistake to describe
    decoded = _decode(body, "The request's body")
    if not isinstance(decoded, dict):
        kind = "a batch, which is not supported" if isinstance(decoded, list) else "no JSON object"
        raise RequestError(ErrorCode.BAD_REQUEST, f"The request's body is {kind}; one GraphQL request is expected.")
    return from_parameters(decoded)


def parse_query_string(query_string: bytes) -> GraphQLRequest:
    """Parse the parameters of a GET.

    Raises:
        RequestError: there are too many parameters, or one is repeated, not UTF-8, or not JSON where it must be.
    """
    if query_string.count(b"&") >= _MAX_PARAMETERS:
        message = f"The query string has more than {_MAX_PARAMETERS} parameters."
        raise RequestError(ErrorCode.LIMIT_EXCEEDED, message, limit="head")
    parameters: dict[str, object] = {}
    for pair in query_string.split(b"&"):
        raw_name, _, raw_value = pair.partition(b"=")
        name = _PARAMETERS.get(_unquote(raw_name))
        if name is None:
            continue
        if name in parameters:
            raise RequestError(ErrorCode.BAD_REQUEST, f"The parameter {name} is repeated.")
        try:
            parameters[name] = _unquote(raw_value).decode("utf-8")
        except UnicodeDecodeError:
            raise HttpError(400, ErrorCode.BAD_REQUEST, f"The parameter {name} is not UTF-8.") from None
    for name in ("variables", "extensions"):
        text = parameters.get(name)
        if isinstance(text, str):
            parameters[name] = _decode(text.encode("utf-8"), f"The parameter {name}") if text else None
    return from_parameters(parameters)


def _decode(text: bytes, subject: str) -> object:
    try:
        return decode(text)
    except DecodeError as error:
        raise HttpError(400, ErrorCode.BAD_REQUEST, f"{subject} is not JSON: {error}.") from None


def _unquote(value: bytes) -> bytes:
    return unquote_to_bytes(value.replace(b"+", b" "))


def from_parameters(parameters: dict[str, Any]) -> GraphQLRequest:
    """Check the types of a request's parameters; unknown keys are ignored.

    Raises:
        RequestError: a parameter has the wrong type.
    """
    try:
        request = msgspec.convert(parameters, GraphQLRequest)
    except (msgspec.ValidationError, UnicodeEncodeError):  # the latter for a lone surrogate, also in an unknown key
        for name, kind, expected in _KINDS:
            value = parameters.get(name)
            if value is not None and not isinstance(value, kind):
                raise RequestError(ErrorCode.BAD_REQUEST, f"The parameter {name} {expected}.") from None
        request = msgspec.convert({name: parameters.get(name) for name, *_ in _KINDS}, GraphQLRequest)
    return _named(request)


def _named(request: GraphQLRequest) -> GraphQLRequest:
    """Return a request without an empty name of the operation, which stands for none."""
    return request if request.operation_name != "" else msgspec.structs.replace(request, operation_name=None)
