"""Answers that the server gives in the application's stead, in the shape of every other GraphQL error."""

from __future__ import annotations

import http
import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Refusal: TypeAlias = Literal[
    "malformed", "late", "long_target", "long_head", "long_framing", "deep_pipeline", "crash"
]  # the keys of _REFUSALS

_REFUSALS: Mapping[Refusal, tuple[int, str, str]] = MappingProxyType(
    {
        "malformed": (400, "BAD_REQUEST", "This is not a well-formed HTTP/1.1 request."),
        "late": (408, "BAD_REQUEST", "The request took too long to arrive."),
        "long_target": (414, "LIMIT_EXCEEDED", "The request target is too long."),
        "long_head": (431, "LIMIT_EXCEEDED", "The request line and the headers are too long."),
        "long_framing": (431, "LIMIT_EXCEEDED", "The chunk extensions or trailers are too long."),
        "deep_pipeline": (503, "LIMIT_EXCEEDED", "Too many requests wait on this connection."),
        "crash": (500, "INTERNAL_SERVER_ERROR", "The gateway failed to answer this request."),
    }
)
"""What happened, to status, `extensions.code` and message."""


class RefusedError(Exception):
    """Raised inside a parser callback: the request is not to be read further."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal: Refusal = refusal


def status_of(refusal: Refusal) -> int:
    """The status of an answer."""
    return _REFUSALS[refusal][0]


def render(refusal: Refusal, date: bytes) -> bytes:
    """The whole answer, after which the connection is closed.

    Args:
        refusal: what happened.
        date: the `Date` line with its line end, or nothing.
    """
    status, code, message = _REFUSALS[refusal]
    body = json.dumps({"errors": [{"message": message, "extensions": {"code": code}}]}, separators=(",", ":")).encode()
    head = (
        f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\n"
        "content-type: application/graphql-response+json; charset=utf-8\r\n"
        f"content-length: {len(body)}\r\n"
        "cache-control: no-store\r\n"
        "vary: Accept, Origin\r\n"
        "connection: close\r\n"
    )
    return head.encode() + date + b"\r\n" + body
