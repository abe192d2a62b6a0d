"""What a request asks for, or the answer that turns it away."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.sandbox.answers import (
    INVALID_DATA,
    NO_PERMISSION,
    NO_SUCH_COMPANY,
    TOO_MANY_REQUESTS,
    UNAUTHORIZED,
    Answer,
    Failure,
    Rejection,
    rejected,
)
from app.sandbox.people import COMPANIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Scope

EDITOR: Final = "demo-editor"
VIEWER: Final = "demo-viewer"
THROTTLED: Final = "demo-throttled"
SLOW: Final = "demo-slow"
DROPPED: Final = "demo-dropped"
TOKENS: Final = frozenset({EDITOR, VIEWER, THROTTLED, SLOW, DROPPED})

VERSION: Final = "2024-06-15"

# Answers come with the envelope and without it, and what decides between the two is not documented. Here the company
# does, so that each answer can be had in both forms.
_ENVELOPED: Final = "acme"

_MAX_ID: Final = 2**63 - 1
_ID = re.compile(r"[1-9][0-9]{0,18}")
_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that was let through: with which token, for which company's contact."""

    token: str
    company: str
    contact_id: int

    def rejected(self, rejection: Rejection) -> Answer:
        """The answer to this request where it cannot be done after all."""
        return rejected(rejection, enveloped=self.company == _ENVELOPED)


def admit(scope: Scope, *, edits: bool) -> Admitted | Answer:
    """Check the token, then its rate, the input, the company and the permission; the first that fails answers.

    Wethod's own order is not documented. The input is checked whole: every failure is named at once.

    Args:
        scope: an ASGI scope whose path parameter `id` is what stands in the path, decoded.
        edits: whether the operation needs the permission crm.edit.
    """
    given: dict[bytes, list[str]] = {b"authorization": [], b"wethod-company": [], b"wethod-version": []}
    for name, value in scope["headers"]:
        if name in given:
            given[name].append(value.decode("latin-1").strip())
    companies = given[b"wethod-company"]
    enveloped = companies == [_ENVELOPED]

    token = _token(given[b"authorization"])
    if token is None:
        return rejected(UNAUTHORIZED, enveloped=enveloped)
    if token == THROTTLED:
        return rejected(TOO_MANY_REQUESTS)
    contact_id = _contact_id(scope["path_params"]["id"])
    failures = [
        *([] if contact_id else [Failure("id", f"This value must be an integer from 1 to {_MAX_ID}.")]),
        *_header_failures("Wethod-Company", companies),
        *_header_failures("Wethod-Version", given[b"wethod-version"], known=VERSION),
    ]
    if contact_id is None or failures:
        return rejected(INVALID_DATA, enveloped=enveloped, failures=failures)
    (company,) = companies
    if company not in COMPANIES:
        return rejected(NO_SUCH_COMPANY)
    if edits and token == VIEWER:
        return rejected(NO_PERMISSION, enveloped=enveloped)
    return Admitted(token, company, contact_id)


def _token(authorizations: Sequence[str]) -> str | None:
    """The token that a request bears, or None where it bears none that is known."""
    match = _BEARER.fullmatch(authorizations[0]) if len(authorizations) == 1 else None
    return match[1] if match and match[1] in TOKENS else None


def _contact_id(text: str) -> int | None:
    """The id that a path names, or None. `007` is no way to write 7: a caller who does means something else."""
    contact_id = int(text) if _ID.fullmatch(text) else 0
    return contact_id if 0 < contact_id <= _MAX_ID else None


def _header_failures(field: str, values: Sequence[str], *, known: str | None = None) -> list[Failure]:
    if not any(values):
        return [Failure(field, "This value is required.")]
    if len(values) > 1:
        return [Failure(field, "This value must be given once.")]
    if known is not None and values != [known]:
        return [Failure(field, f"This version is not known. The known one is {known}.")]
    return []
