"""The checks of a request: token, rate, input, company, permission; and the error answers, as Wethod documents them."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from app.sandbox.contacts import COMPANIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

VIEWER: Final = "demo-viewer"
THROTTLED: Final = "demo-throttled"
SLOW: Final = "demo-slow"
DROPPED: Final = "demo-dropped"
TOKENS: Final = frozenset({"demo-editor", VIEWER, THROTTLED, SLOW, DROPPED})

VERSION: Final = "2024-06-15"

_INTEGER = re.compile(r"0|[1-9][0-9]{0,18}")
_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Failure:
    """A part of the input that was refused, and why."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """A documented error. ``key`` is None where Wethod's answer has none."""

    status: HTTPStatus
    key: str | None
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)


INVALID_DATA = Rejection(
    HTTPStatus.BAD_REQUEST, "invalid_data", "You provided invalid data. Check 'failures' for details."
)
_CHALLENGE = {"www-authenticate": "Bearer"}
UNAUTHORIZED = Rejection(
    HTTPStatus.UNAUTHORIZED, "unauthorized", "The access token is missing or not valid.", _CHALLENGE
)
# Not a 404: `not_found` must mean that the contact was looked for.
NO_SUCH_COMPANY = Rejection(HTTPStatus.FORBIDDEN, "forbidden", "You do not have access to this company.")
NO_PERMISSION = Rejection(HTTPStatus.FORBIDDEN, "forbidden", "You do not have the permission crm.edit.")
NOT_FOUND = Rejection(HTTPStatus.NOT_FOUND, "not_found", "The contact was not found.")
IN_USE = Rejection(
    HTTPStatus.PRECONDITION_FAILED, "precondition_failure", "The contact is in use and cannot be deleted."
)
TOO_MANY_REQUESTS = Rejection(
    HTTPStatus.TOO_MANY_REQUESTS, None, "Too many requests.", {"x-ratelimit-retry-after": "30"}
)


class RejectedError(Exception):
    """Ends a request with a documented error."""

    def __init__(self, rejection: Rejection, failures: Sequence[Failure] = ()) -> None:
        super().__init__(rejection.message)
        self.rejection = rejection
        self.failures = failures


def admit(request: Request, failures: Sequence[Failure], *, edits: bool) -> tuple[str, str]:
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
        raise RejectedError(UNAUTHORIZED)
    if bearer[1] == THROTTLED:
        raise RejectedError(TOO_MANY_REQUESTS)
    failures = [*failures, *_once("Wethod-Company", companies), *_once("Wethod-Version", versions)]
    if len(versions) == 1 and versions[0] not in {"", VERSION}:
        failures.append(Failure("Wethod-Version", f"This version is not known. The known one is {VERSION}."))
    if failures:
        raise RejectedError(INVALID_DATA, failures)
    if companies[0] not in COMPANIES:
        raise RejectedError(NO_SUCH_COMPANY)
    if edits and bearer[1] == VIEWER:
        raise RejectedError(NO_PERMISSION)
    return bearer[1], companies[0]


def integer(field: str, text: str, *, lowest: int, highest: int) -> tuple[int, list[Failure]]:
    """Read an integer in plain digits. `007` does not pass for 7: a caller who sends it means something else."""
    number = int(text) if _INTEGER.fullmatch(text) else -1
    if lowest <= number <= highest:
        return number, []
    return 0, [Failure(field, f"This value must be an integer from {lowest} to {highest}.")]


def _once(field: str, values: Sequence[str]) -> list[Failure]:
    if not any(values):
        return [Failure(field, "This value is required.")]
    return [Failure(field, "This value must be given once.")] if len(values) > 1 else []


async def answer_rejected(request: Request, error: Exception) -> Response:
    """Answer with a documented error.

    Wethod does not document when an error carries the envelope. Here it does for one company, so that each answer can
    be had in both forms.
    """
    assert isinstance(error, RejectedError)  # noqa: S101 - as the application registers it
    rejection = error.rejection
    body: dict[str, object] = {}
    if rejection.key is not None:
        if request.headers.getlist("wethod-company") == ["acme"]:
            body = _envelope(rejection)
        body["key"] = rejection.key
    body["message"] = rejection.message
    if error.failures:
        body["failures"] = [asdict(failure) for failure in error.failures]
    return JSONResponse(body, rejection.status, rejection.headers)


def _envelope(rejection: Rejection) -> dict[str, object]:
    status = {"status_code": int(rejection.status), "status_text": rejection.status.phrase}
    # Every part of the envelope is optional. PHP writes an empty `headers` as a list.
    if rejection.status in {HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED}:
        return {"headers": [], **status}
    return {
        "headers": {"cache-control": ["no-cache, private"], "content-type": ["application/json"]},
        "content": rejection.message,
        "version": "1.1",
        **status,
        "charset": "UTF-8",
        "encoding_options": 64,
    }


async def answer_404(_request: Request, _error: Exception) -> Response:
    """Answer for another path, with a key of its own: another path says nothing about a contact."""
    return JSONResponse({"key": "route_not_found", "message": "There is nothing at this path."}, 404)


async def answer_405(_request: Request, error: Exception) -> Response:
    """Answer for another method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as the application registers it
    allow = ", ".join(sorted((error.headers or {})["Allow"].split(", ")))
    body = {"key": "method_not_allowed", "message": "This method is not allowed here."}
    return JSONResponse(body, 405, {"allow": allow})
