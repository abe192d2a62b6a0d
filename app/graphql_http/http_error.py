"""The error of a request that has an HTTP status of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.execution.request_error import RequestError

if TYPE_CHECKING:
    from app.execution.request_error import ErrorCode


class HttpError(RequestError):
    """A request error with an HTTP status of its own.

    Args:
        status: the HTTP status.
        code: the code of the error.
        message: the message for the client.
        headers: header fields that the status requires, with names in lower case.
        limit: the limit that the request exceeds; empty for every other reason.
    """

    def __init__(
        self, status: int, code: ErrorCode, message: str, *headers: tuple[bytes, bytes], limit: str = ""
    ) -> None:
        super().__init__(code, message, limit=limit)
        self.status = status
        self.headers = headers
