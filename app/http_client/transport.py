"""One way to carry a request, and the three things it can report: answered, not sent, interrupted.

* ``Response``: the head of a response is complete. Whatever happens to the body, the status stands.
* ``NotSent``: no byte of the request was written. The server cannot have acted.
* ``Interrupted``: at least one byte was written, and no complete head came back. The server may have acted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import msgspec

from app.urls import DEFAULT_PORTS

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from app.headers import Headers, RawHeaders

BodyNeed: TypeAlias = Literal["none", "first", "whole"]
"""The part of a response's body to wait for.

``none``: nothing. ``first``: up to the first character that ``schema.text.skip_invisible`` does not skip.
``whole``: all of it, at most ``MAX_BODY_BYTES``. Equal to ``schema.rest.BodyNeed``, which is not imported here.
"""

MAX_BODY_BYTES = 1024 * 1024
"""A longer body is unreadable."""

BODY_SECONDS = 1.0
"""Time that a body may take after the end of its head; the deadline may cut it shorter."""

LISTEN_SECONDS = 1.0
"""Time in which a server that does not want a new connection closes it. A check waits for this, a request does not."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The scheme, host and port of a server (RFC 9110 §4.3.1).

    Attributes:
        scheme: ``http`` or ``https``.
        host: a name or an address, as the resolver needs it: an IPv6 address without brackets, an absolute name with
            its final dot.
        port: the port, also if it is the scheme's default.
    """

    scheme: str
    host: str
    port: int

    @property
    def server_name(self) -> str:
        """The host without the final dot of an absolute name, as SNI and certificates have it (RFC 6066 §3)."""
        return self.host.removesuffix(".")

    @property
    def authority(self) -> bytes:
        """The value of the ``Host`` field (RFC 9110 §7.2): without the port if it is the scheme's default."""
        host = f"[{self.host}]" if ":" in self.host else self.server_name
        return (host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}").encode("ascii")


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """The options of all connections to one origin.

    Attributes:
        origin: the server to connect to.
        ssl_context: for https; None for http.
        connect_timeout_seconds: for a name's resolution, the connect, a proxy's tunnel and the TLS handshake together.
        max_connections: number of connections, those being opened included.
        idle_seconds: time that an idle connection is kept, by a transport that keeps connections.
    """

    origin: Origin
    ssl_context: ssl.SSLContext | None
    connect_timeout_seconds: float
    max_connections: int
    idle_seconds: float


# Structs are made in a fifth of the time of frozen dataclasses.
class Request(msgspec.Struct, gc=False):
    """One request, written at most once.

    Attributes:
        method: the method, in upper case.
        target: the request target in origin form; sent as it is.
        headers: header fields in order; the transport adds ``Host`` and, with a body or for a method that expects one,
            ``Content-Length``.
        send_by: event loop time in seconds; no first byte is written at or after it.
        deadline: event loop time in seconds; the end of the wait for the head and for the body.
        body_needed: the part of the response's body to wait for, by status and header fields.
        fairness_key: such as a token: requests with one key hold at most three quarters of the connections.
        body: the body; None for a request without one.
        fresh: use a connection that has carried no request before.
        written: set by the transport immediately before the first byte is written; never unset.
        cut_response: set by the transport if its caller is cancelled after the head of the response is complete: the
            response, whose body may be missing.
    """

    method: bytes
    target: bytes
    headers: RawHeaders
    send_by: float
    deadline: float
    body_needed: Callable[[int, Mapping[bytes, bytes]], BodyNeed]
    fairness_key: bytes = b""
    body: bytes | None = None
    fresh: bool = False
    written: bool = False
    cut_response: Response | None = None

    def __repr__(self) -> str:
        """Without headers and fairness key: they hold the token."""
        return f"Request({self.method!r}, {self.target!r}, fresh={self.fresh})"


class Response(msgspec.Struct, frozen=True, gc=False):
    """A response whose head is complete.

    Attributes:
        status: the status code, 101 and those from 600 on included; other 1xx are skipped.
        headers: header fields.
        body: as much as ``body_needed`` asked for: ``none``: ``b""``; ``first``: what arrived up to and with that
            character, or a body that ended without one; ``whole``: all of it, undecoded. None if that is cut off,
            late, encoded or longer than ``MAX_BODY_BYTES``.
        reused: the connection had carried a request before.
    """

    status: int
    headers: Headers
    body: bytes | None
    reused: bool = False


class TransportError(Exception):
    """No response. The message is for the log: it may name the upstream and is never shown to a client."""


class NotSent(TransportError):  # noqa: N818 - named for the state of the request, not for an error
    """No byte of the request was written.

    Attributes:
        transient: False if another try within seconds is of no use, such as after a failed certificate.
        reason: ``connection`` if no connection became free in time, ``stopped`` if the transport was closed,
            ``unreachable`` for everything else.
    """

    def __init__(
        self,
        message: str,
        *,
        transient: bool = True,
        reason: Literal["unreachable", "connection", "stopped"] = "unreachable",
    ) -> None:
        super().__init__(message)
        self.transient = transient
        self.reason = reason


class ClosedEarly(NotSent):
    """The server closed a new connection, or sent bytes on it, before a request was written."""


class Interrupted(TransportError):  # noqa: N818 - named for the state of the request, not for an error
    """At least one byte was written, and no complete head came back."""


class Transport(Protocol):
    """One way to carry a request.

    ``send`` raises only ``NotSent`` and ``Interrupted``, and ``asyncio.CancelledError`` if the caller's task is
    cancelled; a request that cannot be written as it is given, such as one with a line break in a header field, is a
    bug and a ``ValueError``. Whatever it raises, ``Request.written`` says whether the server may have acted, and after
    a cancellation ``Request.cut_response`` has the status, if it is known. No connection is leaked, and none is left
    half-read in a pool.
    """

    async def send(self, request: Request) -> Response:
        """Write the request at most once; wait for the head, then for as much body as ``body_needed`` asks for."""
        ...

    async def aclose(self) -> None:
        """Close every connection. Requests still in flight are interrupted."""
        ...
