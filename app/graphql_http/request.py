"""From the bytes of a request to a well-formed GraphQL request, or a refusal that says what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import msgspec

from app.documents.graphql_request import DOCUMENT_KEYS, GraphQLRequest
from app.execution.request_error import ErrorCode, RequestError
from schema.json_codec import DecodeError, decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive

    from app.headers import Fields

_NO_VARIABLES: Mapping[str, object] = {}


class _Usual(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """The body that nearly every client sends, read and checked in one step: half of the time."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


_decode_usual = msgspec.json.Decoder(_Usual).decode

_PARAMETERS = frozenset({"query", "operationName", "variables", "extensions", *DOCUMENT_KEYS})


class HttpRefusal(RequestError):  # noqa: N818 - the endpoint's own name
    """A refusal with a status of its own.

    Attributes:
        status: the HTTP status.
        headers: fields that the status asks for.
    """

    def __init__(
        self, status: int, code: ErrorCode, message: str, *, limit: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(code, message, limit=limit)
        self.status = status
        self.headers = headers or {}


class ClientGone(Exception):  # noqa: N818 - what happened, not a fault
    """The client hung up before its request was whole; nobody is there to answer."""


def check_content_type(fields: Fields) -> None:
    """Only JSON in UTF-8 is read, so that no form of a foreign page can forge a mutation.

    Raises:
        HttpRefusal: 415.
    """
    content_type = fields.get(b"content-type")
    if not isinstance(content_type, bytes) or not _is_json(content_type):
        raise HttpRefusal(
            415,
            ErrorCode.BAD_REQUEST,
            "The request's body must be labelled once, with the Content-Type application/json, in UTF-8.",
            headers={"Accept-Post": "application/json"},
        )
    codings = fields.get(b"content-encoding")
    if codings is not None and any(
        coding.lower() != b"identity" for coding in (codings if isinstance(codings, list) else [codings])
    ):
        raise HttpRefusal(
            415,
            ErrorCode.BAD_REQUEST,
            "The request's body must not be encoded.",
            headers={"Accept-Encoding": "identity"},
        )


def _is_json(content_type: bytes) -> bool:
    if content_type == b"application/json":  # what nearly every client sends
        return True
    essence, *parameters = content_type.lower().split(b";")
    charsets = [
        value.strip(b' "')
        for name, _, value in (item.partition(b"=") for item in parameters)
        if name.strip() == b"charset"
    ]
    return essence.strip() == b"application/json" and all(charset in {b"utf-8", b"utf8"} for charset in charsets)


async def read_body(receive: Receive, most_bytes: int) -> bytes:
    """Read a request's body, no further than the limit.

    Raises:
        HttpRefusal: 413.
        ClientGone: it ended before its time.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    more = message.get("more_body", False)
    if message["type"] == "http.disconnect":
        raise ClientGone
    if more:
        chunks = [body]
        size = len(body)
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > most_bytes:
                raise too_large(most_bytes)
            chunks.append(chunk)
            more = message.get("more_body", False)
        body = b"".join(chunks)
    if len(body) > most_bytes:
        raise too_large(most_bytes)
    return body


def too_large(most_bytes: int) -> HttpRefusal:
    """The refusal of a body that is longer than that."""
    # What is left of the body is not worth reading, so the connection cannot be used again.
    return HttpRefusal(
        413,
        ErrorCode.LIMIT_EXCEEDED,
        f"The request's body is longer than {most_bytes} bytes.",
        limit="body",
        headers={"Connection": "close"},
    )


def from_body(body: bytes, most_bytes: int) -> GraphQLRequest:
    """Read the body of a POST.

    Raises:
        RequestError: it is too large (413), not JSON (400) or not a well-formed GraphQL request (422).
    """
    if len(body) > most_bytes:
        raise too_large(most_bytes)
    try:
        usual = _decode_usual(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _from_unusual_body(body)
    return GraphQLRequest(
        usual.query,
        usual.operation_name or None,
        usual.variables or _NO_VARIABLES,
        usual.extensions or _NO_VARIABLES,
        _NO_VARIABLES,
    )


def _from_unusual_body(body: bytes) -> GraphQLRequest:
    """Read a body that has other keys too, or in which something is wrong."""
    try:
        decoded = decode(body)
    except DecodeError as error:
        raise HttpRefusal(400, ErrorCode.BAD_REQUEST, f"The request's body is not JSON: {error}.") from None
    if not isinstance(decoded, dict):
        kind = "a batch, which is not supported" if isinstance(decoded, list) else "no JSON object"
        raise RequestError(ErrorCode.BAD_REQUEST, f"The request's body is {kind}; one GraphQL request is expected.")
    return from_parameters(decoded)


def from_query_string(query_string: bytes) -> GraphQLRequest:
    """Read the parameters of a GET.

    Raises:
        RequestError: one of them is repeated, not UTF-8, or not JSON where it has to be.
    """
    parameters: dict[str, object] = {}
    for pair in query_string.split(b"&"):
        raw_name, _, raw_value = pair.partition(b"=")
        name = _unquote(raw_name, "A name in the query string")
        if name not in _PARAMETERS:
            continue
        if name in parameters:
            raise RequestError(ErrorCode.BAD_REQUEST, f"The parameter {name} is repeated.")
        parameters[name] = _unquote(raw_value, f"The parameter {name}")
    for name in ("variables", "extensions"):
        text = parameters.get(name)
        if isinstance(text, str):
            try:
                parameters[name] = decode(text.encode("utf-8")) if text else None
            except DecodeError as error:
                raise HttpRefusal(400, ErrorCode.BAD_REQUEST, f"The parameter {name} is not JSON: {error}.") from None
    return from_parameters(parameters)


def _unquote(value: bytes, what: str) -> str:
    try:
        return unquote_to_bytes(value.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise HttpRefusal(400, ErrorCode.BAD_REQUEST, f"{what} is not UTF-8.") from None


def from_parameters(parameters: dict[str, Any]) -> GraphQLRequest:
    """Check the shape of a request's parameters; keys that nobody knows are ignored.

    Raises:
        RequestError: one of them is of the wrong kind.
    """
    query = parameters.get("query")
    operation_name = parameters.get("operationName")
    variables = parameters.get("variables")
    extensions = parameters.get("extensions")
    if query is not None and not isinstance(query, str):
        raise RequestError(ErrorCode.BAD_REQUEST, "The parameter query must be a string.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise RequestError(ErrorCode.BAD_REQUEST, "The parameter operationName must be a string or null.")
    if variables is not None and not isinstance(variables, dict):
        raise RequestError(ErrorCode.BAD_REQUEST, "The parameter variables must be an object or null.")
    if extensions is not None and not isinstance(extensions, dict):
        raise RequestError(ErrorCode.BAD_REQUEST, "The parameter extensions must be an object or null.")
    return GraphQLRequest(
        query=query,
        operation_name=operation_name or None,
        variables=variables or _NO_VARIABLES,
        extensions=extensions or _NO_VARIABLES,
        parameters=parameters,
    )
