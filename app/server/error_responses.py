"""The responses of the server itself, in the shape of every other GraphQL error."""

from __future__ import annotations

import http
import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """A response that the server gives instead of the application. It is the last one of its connection.

    Attributes:
        status: the HTTP status.
        code: the value of ``extensions.code``.
        message: the text of the error.
    """

    status: int
    code: str
    message: str

    def render(self, date: bytes, method: str) -> bytes:
        """Encode head and body; for HEAD the head alone, with the length of the body (RFC 9110 §9.3.2).

        Args:
            date: the ``Date`` line with its line end.
            method: the method of the request; empty if it is not known.
        """
        error = {"message": self.message, "extensions": {"code": self.code}}
        body = json.dumps({"errors": [error]}, separators=(",", ":")).encode()
        head = (
            f"HTTP/1.1 {self.status} {http.HTTPStatus(self.status).phrase}\r\n"
            "content-type: application/graphql-response+json; charset=utf-8\r\n"
            f"content-length: {len(body)}\r\n"
            "cache-control: no-store\r\n"
            "vary: Accept, Origin\r\n"
            "connection: close\r\n"
        )
        return head.encode() + date + b"\r\n" + (b"" if method == "HEAD" else body)


MALFORMED = ErrorResponse(400, "BAD_REQUEST", "This is not a well-formed HTTP/1.1 request.")
TIMEOUT = ErrorResponse(408, "BAD_REQUEST", "The request took too long to arrive.")
TARGET_TOO_LONG = ErrorResponse(414, "LIMIT_EXCEEDED", "The request target is too long.")
HEAD_TOO_LONG = ErrorResponse(431, "LIMIT_EXCEEDED", "The request line and the headers are too long.")
FRAMING_TOO_LONG = ErrorResponse(
    431, "LIMIT_EXCEEDED", "The chunks of the body are too small, or their extensions or trailers are too long."
)
PIPELINE_TOO_DEEP = ErrorResponse(503, "LIMIT_EXCEEDED", "Too many requests wait on this connection.")
CRASH = ErrorResponse(500, "INTERNAL_SERVER_ERROR", "The gateway failed to answer this request.")


class RejectedRequestError(Exception):
    """Nothing more of a request is read; the client gets ``response``."""

    def __init__(self, response: ErrorResponse) -> None:
        super().__init__(response.message)
        self.response = response
