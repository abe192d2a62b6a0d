"""The tabs that GraphiQL first opens, one for a single delete and one for many, and the headers of both."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.settings import Settings

_OUTCOME = """\
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
"""

DELETE_ONE = f"""\
mutation DeleteContact($id: ID!) {{
  deleteContact(id: $id) {{
{textwrap.indent(_OUTCOME, " " * 4)}\
  }}
}}
"""

DELETE_MANY = f"""\
mutation DeleteContacts($ids: [ID!]!) {{
  deleteContacts(ids: $ids) {{
    id
    result {{
{textwrap.indent(_OUTCOME, " " * 6)}\
    }}
  }}
}}
"""

_HINT_ONE = """\
# Run it twice: the second answer is WethodNotFoundError.
# Other tokens: demo-viewer, -throttled, -slow, -dropped.
"""

_HINT_MANY = """\
# Each id has an outcome of its own: here a success, one in
# use, one that is not there and one that is no number.
"""


def first_id(settings: Settings) -> int:
    """The first of the 100 ids that the company of the settings has in the sandbox."""
    return 101 if settings.wethod_company == "globex" else 1


def default_tabs(settings: Settings, *, sandbox: bool) -> Sequence[Mapping[str, str]]:
    """The document and the variables of each tab, the first one shown.

    Outside the sandbox, the variables hold no id: nothing is deleted until a person types one.
    """
    first = first_id(settings)
    one = {"id": f"{first}" if sandbox else ""}
    many = {"ids": [f"{first + 1}", f"{first + 9}", "999", "x"] if sandbox else []}
    return [
        {"query": (_HINT_ONE if sandbox else "") + DELETE_ONE, "variables": json.dumps(one, indent=2)},
        {"query": (_HINT_MANY if sandbox else "") + DELETE_MANY, "variables": json.dumps(many, indent=2)},
    ]


def default_headers(settings: Settings, *, sandbox: bool) -> Mapping[str, str]:
    """The header editor's content: complete in the sandbox, elsewhere the user adds the token, maybe the company."""
    return {
        settings.gateway_authorization_header: "Bearer demo-editor" if sandbox else "Bearer ",
        "Wethod-Company": settings.wethod_company or ("acme" if sandbox else ""),
        "Wethod-Version": settings.wethod_version,
    }
