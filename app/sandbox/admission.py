"""The checks of a request: token, rate, input, company, permission; and the error answers, as Wethod documents them."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from app.sandbox.contacts import COMPANIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

VIEWER, THROTTLED, SLOW, DROPPED = "demo-viewer", "demo-throttled", "demo-slow", "demo-dropped"
TOKENS: Final = frozenset({"demo-editor", VIEWER, THROTTLED, SLOW, DROPPED})
VERSION: Final = "2024-06-15"

_INTEGER = re.compile(r"0|[1-9][0-9]{0,18}")
_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)


class RejectedError(Exception):
    """A documented error that ends a request.

    ``key`` is None where Wethod's response has none. A failure is a dict with a ``field`` and a ``message``.
    """

    def __init__(
        self,
        status: HTTPStatus,
        key: str | None,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        failures: Sequence[dict[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.status, self.key, self.message, self.headers, self.failures = status, key, message, headers, failures


def admit(request: Request, failures: list[dict[str, str]], *, edits: bool) -> tuple[str, str]:
    """Run the checks, and return the token and the company. Wethod does not document its own order.

    ``failures`` are those of the path and the query, which join those of the headers. An operation that ``edits`` needs
    the permission crm.edit.

    Raises:
        RejectedError: a check failed.
    """
    authorizations, companies, versions = (
        [value.strip() for value in request.headers.getlist(name)]
        for name in ("authorization", "wethod-company", "wethod-version")
    )
    bearer = _BEARER.fullmatch(authorizations[0]) if len(authorizations) == 1 else None
    if bearer is None or bearer[1] not in TOKENS:
        message = "The access token is missing or not valid."
        raise RejectedError(HTTPStatus.UNAUTHORIZED, "unauthorized", message, headers={"www-authenticate": "Bearer"})
    if bearer[1] == THROTTLED:
        wait = {"x-ratelimit-retry-after": "30"}
        raise RejectedError(HTTPStatus.TOO_MANY_REQUESTS, None, "Too many requests.", headers=wait)
    for field, values in (("Wethod-Company", companies), ("Wethod-Version", versions)):
        if not any(values):
            failures += _failure(field, "This value is required.")
        elif len(values) > 1:
            failures += _failure(field, "This value must be given once.")
    if len(versions) == 1 and versions[0] not in {"", VERSION}:
        failures += _failure("Wethod-Version", f"This version is not known. The known one is {VERSION}.")
    if failures:
        message = "You provided invalid data. Check 'failures' for details."
        raise RejectedError(HTTPStatus.BAD_REQUEST, "invalid_data", message, failures=failures)
    if companies[0] not in COMPANIES:  # not a 404: `not_found` must mean that the contact was looked for
        raise RejectedError(HTTPStatus.FORBIDDEN, "forbidden", "You do not have access to this company.")
    if edits and bearer[1] == VIEWER:
        raise RejectedError(HTTPStatus.FORBIDDEN, "forbidden", "You do not have the permission crm.edit.")
    return bearer[1], companies[0]


def integer(field: str, text: str, *, lowest: int, highest: int) -> tuple[int, list[dict[str, str]]]:
    """Read an integer in plain digits. Leading zeros are rejected."""
    number = int(text) if _INTEGER.fullmatch(text) else -1
    if lowest <= number <= highest:
        return number, []
    return 0, _failure(field, f"This value must be an integer from {lowest} to {highest}.")


def _failure(field: str, message: str) -> list[dict[str, str]]:
    return [{"field": field, "message": message}]


async def answer_rejected(request: Request, error: Exception) -> Response:
    """Answer with a documented error.

    Wethod does not document when an error carries the envelope. Here it does for one company, so that each answer can
    be seen in both forms.
    """
    assert isinstance(error, RejectedError)  # noqa: S101 - as the application registers it
    body: dict[str, object] = {}
    if error.key is not None:
        if request.headers.getlist("wethod-company") == ["acme"]:
            body = _envelope(error)
        body["key"] = error.key
    body["message"] = error.message
    if error.failures:
        body["failures"] = error.failures
    return JSONResponse(body, error.status, error.headers)


def _envelope(error: RejectedError) -> dict[str, object]:
    status = {"status_code": int(error.status), "status_text": error.status.phrase}
    # Every part of the envelope is optional. PHP writes an empty `headers` as a list.
    if error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED}:
        return {"headers": [], **status}
    return {
        "headers": {"cache-control": ["no-cache, private"], "content-type": ["application/json"]},
        "content": error.message,
        "version": "1.1",
        **status,
        "charset": "UTF-8",
        "encoding_options": 64,
    }


async def answer_no_route(_request: Request, error: Exception) -> Response:
    """Answer for another path or method, with a key of its own: this says nothing about a contact."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as the application registers it
    if error.status_code == HTTPStatus.NOT_FOUND:
        return JSONResponse({"key": "route_not_found", "message": "There is nothing at this path."}, 404)
    body = {"key": "method_not_allowed", "message": "This method is not allowed here."}
    allow = sorted((error.headers or {})["Allow"].split(", "))
    return JSONResponse(body, 405, {"allow": ", ".join(allow)})
