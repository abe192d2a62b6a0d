"""What carries one request to Wethod, and the three things it may say: answered, not sent, interrupted.

* ``Reply``: the head of an answer arrived whole. Whatever happens to the body, the status stands.
* ``NotSent``: not one byte of the request was written. Wethod cannot have acted.
* ``Interrupted``: at least one byte was written, and no complete head came back. Nobody knows.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import msgspec

from app.http_client.request_head import NO_FIELDS, SharedFields

RawHeaders: TypeAlias = tuple[tuple[bytes, bytes], ...]
"""Header fields in order, as bytes. Names of a reply are in lower case."""

MAX_BODY_BYTES = 1024 * 1024
"""A body longer than this is unreadable."""

BODY_SECONDS = 1.0
"""How long a body may take after the end of its head; the deadline may cut it shorter."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where Wethod is.

    Attributes:
        scheme: ``http`` or ``https``.
        host: a name or an address; an IPv6 address without brackets.
        port: the port, the scheme's own included.
    """

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> bytes:
        """The value of the `Host` field (RFC 9110 §7.2): without the port where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        own = {"http": 80, "https": 443}.get(self.scheme)
        return (host if self.port == own else f"{host}:{self.port}").encode("ascii")


# Structs are made in a fifth of the time that frozen dataclasses take, and a delete makes five.
class Request(msgspec.Struct, frozen=True, gc=False):
    """One request, written at most once.

    Attributes:
        method: the method, in upper case.
        target: the origin-form request target, already a valid one; sent as it is.
        headers: header fields of this request alone, in order; `Host` is the transport's to add.
        send_by: event loop time in seconds; no first byte is written at or after it.
        deadline: event loop time in seconds; the end of the wait for the head, and of the body's.
        fresh: use a connection that has carried no request before.
        shared: header fields that other requests have too; they go before the others.
    """

    method: bytes
    target: bytes
    headers: RawHeaders
    send_by: float
    deadline: float
    fresh: bool = False
    shared: SharedFields = NO_FIELDS

    def __repr__(self) -> str:
        """Without the headers: one of them is the token."""
        return f"Request({self.method!r}, {self.target!r}, fresh={self.fresh})"


class Reply(msgspec.Struct, frozen=True, gc=False):
    """An answer whose head arrived whole.

    Attributes:
        status: the status code, 101 and those from 600 on included; other 1xx are skipped.
        headers: header fields in order, names in lower case.
        body: what ``body_need`` asked for. ``WHOLE``: all of it, undecoded. ``FIRST_BYTE``: at least one byte, or
            ``b""`` where it ended without one. ``NONE``: ``b""``. None where that could not be had: cut, late,
            encoded, longer than ``MAX_BODY_BYTES``.
    """

    status: int
    headers: RawHeaders
    body: bytes | None


class BodyNeed(enum.Enum):
    """How much of a body has to be waited for."""

    NONE = enum.auto()
    FIRST_BYTE = enum.auto()
    WHOLE = enum.auto()


# Bound once: before Python 3.12 looking a member up in its enum costs 0.1 µs, and a delete looks four times.
NO_BODY, _FIRST_BYTE, _WHOLE = BodyNeed

_REJECTIONS = frozenset({400, 401, 403, 404, 412, 429})


def content_type(headers: RawHeaders) -> bytes:
    """The media type of a reply in lower case, without parameters; empty where it has none."""
    for name, value in headers:
        if name == b"content-type":
            return value.partition(b";")[0].strip().lower()
    return b""


def body_need(status: int, headers: RawHeaders) -> BodyNeed:
    """How much of the body decides or lends words (design, *From an answer to an outcome*).

    A documented rejection lends its words; a 200 that calls itself a page is one if it has a byte; nothing else
    is read.
    """
    if status == 200:  # noqa: PLR2004 - the status itself
        return _FIRST_BYTE if content_type(headers) == b"text/html" else NO_BODY
    return _WHOLE if status in _REJECTIONS else NO_BODY


class TransportError(Exception):
    """No answer. The message is for the log: it may name the upstream and is never shown to a client."""


class NotSent(TransportError):  # noqa: N818 - says what happened, as the design names it
    """Not one byte of the request was written.

    Attributes:
        transient: False where trying again within seconds is of no use, such as a certificate that fails.
    """

    def __init__(self, reason: str, *, transient: bool = True) -> None:
        super().__init__(reason)
        self.transient = transient


class Interrupted(TransportError):  # noqa: N818 - the same
    """At least one byte was written, and no complete head came."""


class Transport(Protocol):
    """One way to carry a request.

    Nothing but ``NotSent`` and ``Interrupted`` is raised, save for ``asyncio.CancelledError`` when the caller's own
    task is cancelled. No connection is leaked and none is left half-read in a pool, whatever happens.
    """

    async def send(self, request: Request) -> Reply:
        """Write the request at most once and wait for the head, then for as much body as ``body_need`` says."""
        ...

    async def aclose(self) -> None:
        """Close every connection. Requests still under way are interrupted."""
        ...
