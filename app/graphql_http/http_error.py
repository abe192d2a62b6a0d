"""Errors of a request that have an HTTP status of their own, one function for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.execution.request_error import ErrorCode, RequestError

if TYPE_CHECKING:
    from schema.json_codec import DecodeError

GRAPHQL_METHODS = b"GET, HEAD, POST"


class HttpError(RequestError):
    """A request error with an HTTP status of its own.

    Attributes:
        status: the HTTP status.
        headers: header fields that the status requires, with names in lower case.
    """

    def __init__(
        self, status: int, code: ErrorCode, message: str, *headers: tuple[bytes, bytes], limit: str = ""
    ) -> None:
        super().__init__(code, message, limit=limit)
        self.status = status
        self.headers = headers


class ClientGone(Exception):  # noqa: N818 - an event, not an error
    """The client disconnected before its request was complete; there is no client to answer."""


def not_json(subject: str, error: DecodeError) -> HttpError:
    """400: a text is not JSON."""
    return HttpError(400, ErrorCode.BAD_REQUEST, f"{subject} is not JSON: {error}.")


def method_not_allowed() -> HttpError:
    """405: neither POST nor GET."""
    message = "GraphQL requests are sent by POST, or by GET for a query."
    return HttpError(405, ErrorCode.BAD_REQUEST, message, (b"allow", GRAPHQL_METHODS))


def needs_post(operation: str) -> HttpError:
    """405: GET with an operation that is not a query."""
    return HttpError(405, ErrorCode.BAD_REQUEST, f"A {operation} must be sent by POST.", (b"allow", b"POST"))


def not_acceptable() -> HttpError:
    """406: the ``Accept`` field names no media type that is available."""
    message = (
        "The Accept header names none of the available types: application/graphql-response+json, application/json."
    )
    return HttpError(406, ErrorCode.BAD_REQUEST, message)


def body_too_large(max_bytes: int) -> HttpError:
    """413: the body is longer than the limit."""
    # The rest of the body is not read, so the connection cannot be used again.
    close = (b"connection", b"close")
    message = f"The request's body is longer than {max_bytes} bytes."
    return HttpError(413, ErrorCode.LIMIT_EXCEEDED, message, close, limit="body")


def unsupported_body(message: str, name: bytes, value: bytes) -> HttpError:
    """415: the body has another media type or an encoding; the header field names what is supported."""
    return HttpError(415, ErrorCode.BAD_REQUEST, message, (name, value))


def too_many_requests() -> HttpError:
    """503: too many requests are in progress in this worker."""
    message = "Too many requests are in progress in this gateway. Nothing was sent; try again later."
    return HttpError(503, ErrorCode.LIMIT_EXCEEDED, message, limit="in_flight")
