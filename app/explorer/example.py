"""The example that the explorer opens with: a mutation that selects every outcome, its variables and its headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENT = """\
mutation DeleteContact($id: ID!) {
  deleteContact(id: $id) {
    __typename
    ... on DeleteContactSuccess {
      deletedContactId
      contact {
        id
      }
      message
      confirmedBy
    }
    # The default branch, for errors added later too.
    ... on WethodError {
      key
      message
      statusCode
    }
    ... on WethodValidationError {
      failures {
        field
        message
      }
    }
    ... on WethodRateLimitedError {
      retryAfterSeconds
    }
  }
}
"""

SANDBOX_HINT = """\
# Run it twice: the second answer is WethodNotFoundError.
# Other tokens: demo-viewer, -throttled, -slow, -dropped.
"""


def document(*, sandbox: bool) -> str:
    """The first tab's document."""
    return SANDBOX_HINT + DOCUMENT if sandbox else DOCUMENT


def variables(*, sandbox: bool) -> Mapping[str, str]:
    """The first tab's variables: outside the sandbox an id that deletes nothing until a person types one."""
    return {"id": "1" if sandbox else ""}


def headers(
    *,
    sandbox: bool,
    authorization_header: str = "Authorization",
    company: str | None = None,
    version: str = "2024-06-15",
) -> Mapping[str, str]:
    """The header editor's content: complete in the sandbox, elsewhere with the caller's own parts left to fill in."""
    return {
        authorization_header: "Bearer demo-editor" if sandbox else "Bearer ",
        "Wethod-Company": company or ("acme" if sandbox else ""),
        "Wethod-Version": version,
    }
