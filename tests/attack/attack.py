"""An attack: bytes on a socket, and the exact answers to them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.upstream import Answer

Front: TypeAlias = Literal["defaults", "cors"]
"""The attacked gateway: with the defaults of production, or with ``ORIGIN`` listed too."""

ORIGIN = "https://app.example"
"""The one origin that the gateway ``cors`` lists."""

TYPED = "application/graphql-response+json; charset=utf-8"
JSON = "application/json; charset=utf-8"

_SERVER = {"content-type": TYPED, "cache-control": "no-store", "vary": "Accept, Origin"}
_GRAPHQL = _SERVER | {"x-content-type-options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Reply:
    """One exact answer.

    Attributes:
        status: its status.
        content: its body: JSON, or a string for text.
        headers: all its fields, except `Date`, `Content-Length` and `X-Request-ID`.
        head_only: it answers HEAD.
    """

    status: int
    content: object
    headers: Mapping[str, str] = field(default_factory=lambda: _GRAPHQL)
    head_only: bool = False

    @property
    def by_application(self) -> bool:
        """True if the endpoint answers; the server itself refuses a request that it cannot read."""
        return "x-content-type-options" in self.headers

    @property
    def closes(self) -> bool:
        return self.headers.get("connection") == "close"


@dataclass(frozen=True, slots=True)
class Attack:
    """Bytes, and what they get.

    Attributes:
        does: a description of the attacker's input, as docs/attacks.md shows it.
        data: the bytes.
        reply: the last answer to them.
        earlier: the answers before it.
        deleted: the request targets of the DELETEs that Wethod sees.
        wethod: Wethod's answer to each of those; by default a 200.
        front: which gateway is attacked.
    """

    does: str
    data: bytes
    reply: Reply
    earlier: tuple[Reply, ...] = ()
    deleted: tuple[str, ...] = ()
    wethod: Answer | None = None
    front: Front = "defaults"


def error(message: str, code: str, *places: tuple[int, int]) -> dict[str, object]:
    entry: dict[str, object] = {"message": message}
    if places:
        entry["locations"] = [{"line": line, "column": column} for line, column in places]
    return entry | {"extensions": {"code": code}}


def refused(status: int, code: str, message: str, *places: tuple[int, int], **headers: str) -> Reply:
    """A refusal with one error; underscores in names of headers are hyphens."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"errors": [error(message, code, *places)]}, _GRAPHQL | more)


def not_json(why: str, **headers: str) -> Reply:
    return refused(400, "BAD_REQUEST", f"The request's body is not JSON: {why}.", **headers)


def not_read(status: int, code: str, message: str) -> Reply:
    """A refusal by the server, before the request is read."""
    return Reply(status, {"errors": [error(message, code)]}, _SERVER | {"connection": "close"})


def invalid(*errors: tuple[str, tuple[tuple[int, int], ...]]) -> Reply:
    """The reply to a document that validation refuses, with a message and places for each error."""
    entries = [error(message, "GRAPHQL_VALIDATION_FAILED", *places) for message, places in errors]
    return Reply(422, {"errors": entries})


def answered(data: object, **headers: str) -> Reply:
    """Data and nothing else: no `errors`, no `extensions`."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(200, {"data": data}, _GRAPHQL | more)


SOUND = answered({"__typename": "Query"})
"""The answer to `QUERY`."""


def outcome(member: str, **fields: object) -> Reply:
    return answered({"deleteContact": {"__typename": member, **fields}})


MALFORMED = not_read(400, "BAD_REQUEST", "This is not a well-formed HTTP/1.1 request.")
NOTHING_HERE = Reply(
    404,
    {"errors": [{"message": "There is nothing here; GraphQL is at /graphql."}]},
    {"content-type": "application/json"},
)


LONGEST_CELL = 160


def shown(reply: Reply) -> str:
    content, more = reply.content, ""
    if isinstance(content, dict) and "errors" in content:
        first, *others = content["errors"]
        text = f"{first.get('extensions', {}).get('code', '')} {first['message']}".strip()
        more = f" (and {len(others)} more)" if others else ""
    else:
        text = content if isinstance(content, str) else json.dumps(content, separators=(",", ":"))
    if len(text) > LONGEST_CELL:
        text = text[:LONGEST_CELL] + "…"
    return f"{reply.status} {text}".strip() + more
