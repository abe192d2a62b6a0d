"""The answers of the sandbox, in the forms that Wethod documents."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Send

    from app.sandbox.people import Contact

_JSON = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, whole."""

    status: HTTPStatus
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()

    async def send(self, send: Send) -> None:
        """Write the answer; its length is added to its headers."""
        length = (b"content-length", str(len(self.body)).encode())
        await send({"type": "http.response.start", "status": self.status, "headers": [*self.headers, length]})
        await send({"type": "http.response.body", "body": self.body})


@dataclass(frozen=True, slots=True)
class Failure:
    """A part of the input that was refused, and why."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why nothing was done. ``key`` is None where Wethod's answer has none."""

    status: HTTPStatus
    key: str | None
    message: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


INVALID_DATA = Rejection(
    HTTPStatus.BAD_REQUEST, "invalid_data", "You provided invalid data. Check 'failures' for details."
)
UNAUTHORIZED = Rejection(
    HTTPStatus.UNAUTHORIZED,
    "unauthorized",
    "The access token is missing or not valid.",
    ((b"www-authenticate", b"Bearer"),),
)
# Not a 404: the answer "no such contact" must be given only where the contact was looked for.
NO_SUCH_COMPANY = Rejection(HTTPStatus.FORBIDDEN, "forbidden", "You do not have access to this company.")
NO_PERMISSION = Rejection(HTTPStatus.FORBIDDEN, "forbidden", "You do not have the permission crm.edit.")
NOT_FOUND = Rejection(HTTPStatus.NOT_FOUND, "not_found", "The contact was not found.")
IN_USE = Rejection(
    HTTPStatus.PRECONDITION_FAILED, "precondition_failure", "The contact is in use and cannot be deleted."
)
TOO_MANY_REQUESTS = Rejection(
    HTTPStatus.TOO_MANY_REQUESTS, None, "Too many requests.", ((b"x-ratelimit-retry-after", b"30"),)
)
# A key of its own, for the same reason: another path says nothing about a contact.
NO_SUCH_PATH = Rejection(HTTPStatus.NOT_FOUND, "route_not_found", "There is nothing at this path.")
METHOD_NOT_ALLOWED = Rejection(
    HTTPStatus.METHOD_NOT_ALLOWED,
    "method_not_allowed",
    "This method is not allowed here.",
    ((b"allow", b"DELETE, GET, HEAD"),),
)

DELETED = Answer(HTTPStatus.OK)


def found(contact: Contact) -> Answer:
    """The answer that shows a contact."""
    return Answer(HTTPStatus.OK, msgspec.json.encode(contact), (_JSON,))


def rejected(rejection: Rejection, *, enveloped: bool = False, failures: Sequence[Failure] = ()) -> Answer:
    """The answer that rejects a request.

    Args:
        rejection: why.
        enveloped: whether the body carries the envelope.
        failures: what was refused; only INVALID_DATA has any.
    """
    body: dict[str, object] = _envelope(rejection) if enveloped else {}
    if rejection.key is not None:
        body["key"] = rejection.key
    body["message"] = rejection.message
    if failures:
        body["failures"] = failures
    return Answer(rejection.status, msgspec.json.encode(body), (_JSON, *rejection.headers))


# Every part of the envelope is optional, and `headers` is an object or, when PHP writes an empty one, a list.
_SPARSE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED})


def _envelope(rejection: Rejection) -> dict[str, object]:
    status = {"status_code": int(rejection.status), "status_text": rejection.status.phrase}
    if rejection.status in _SPARSE:
        return {"headers": [], **status}
    return {
        "headers": {"cache-control": ["no-cache, private"], "content-type": ["application/json"]},
        "content": rejection.message,
        "version": "1.1",
        **status,
        "charset": "UTF-8",
        "encoding_options": 64,
    }
