"""The checks of a request: token, rate, input, company, permission. The first that fails answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from app.sandbox.errors import (
    INVALID_DATA,
    NO_PERMISSION,
    NO_SUCH_COMPANY,
    TOO_MANY_REQUESTS,
    UNAUTHORIZED,
    Failure,
    RejectedError,
)
from app.sandbox.people import COMPANIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

VIEWER: Final = "demo-viewer"
THROTTLED: Final = "demo-throttled"
SLOW: Final = "demo-slow"
DROPPED: Final = "demo-dropped"
TOKENS: Final = frozenset({"demo-editor", VIEWER, THROTTLED, SLOW, DROPPED})

VERSION: Final = "2024-06-15"

_INTEGER = re.compile(r"0|[1-9][0-9]{0,18}")
_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)


def admit(request: Request, failures: Sequence[Failure], *, edits: bool) -> tuple[str, str]:
    """Run the checks, and return the token and the company. Wethod does not document its own order.

    Args:
        request: the request.
        failures: the failures of its path and query, which join those of its headers.
        edits: the operation needs the permission crm.edit.

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
