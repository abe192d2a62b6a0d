"""One HTTP/1.1 connection, which carries one request at a time."""

from __future__ import annotations

import asyncio
import math
import select
from typing import TYPE_CHECKING, Final, Protocol, cast

from app.http_client.response_parser import ResponseParser
from app.http_client.tls import is_orderly_end
from app.http_client.transport import BODY_SECONDS, Interrupted, Response

if TYPE_CHECKING:
    from app.http_client.transport import BodyNeed, Request

UNREAD_BODY_SECONDS = 0.5
"""Time for the rest of a body that is not needed. A new connection costs 0.1 ms; over TLS, 1.5 ms."""

UNREAD_BODY_BYTES = 64 * 1024
"""Longest response whose unneeded rest is read, its head included."""

_CLOCK_TICK = 0.001
"""uvloop's clock counts milliseconds: a timer may fire this much early."""

# The states of a connection. Plain numbers, because a look-up of an enum's member costs 0.1 µs before Python 3.12.
_IDLE: Final = 0
_AWAITING_HEAD: Final = 1
_AWAITING_BODY: Final = 2
_DISCARDING_BODY: Final = 3
_ENDED: Final = 4


class Owner(Protocol):
    """The owner of connections, which is called when the state of one changes."""

    def on_open(self, connection: Connection) -> None:
        """Note that it is open; the TLS handshake is over."""

    def on_idle(self, connection: Connection) -> None:
        """Note that its exchange is over and that another may follow."""

    def on_end(self, connection: Connection) -> None:
        """Note that no exchange will follow; its socket is being closed."""

    def on_closed(self, connection: Connection) -> None:
        """Note that its socket is closed."""


class Connection(asyncio.Protocol):
    """An HTTP/1.1 connection: idle, in an exchange, idle again, until it ends.

    It ends on: a byte or FIN while idle; a deadline; a cancelled caller; a malformed response; bytes after a response.
    So bytes that arrive before a request is written are never read as its response. Bytes that arrive later are, even
    if they are a second response to the request before: an HTTP/1.1 response does not name its request.

    Attributes:
        fairness_key: the key under which its permit is held; None while it is idle. Kept by the owner.
    """

    __slots__ = (
        "_body_need",
        "_idle_seconds",
        "_loop",
        "_owner",
        "_parser",
        "_poll",
        "_request",
        "_response",
        "_reused",
        "_state",
        "_timeout_at",
        "_timer",
        "_timer_at",
        "_transport",
        "fairness_key",
    )

    def __init__(self, owner: Owner, loop: asyncio.AbstractEventLoop, idle_seconds: float) -> None:
        self._owner = owner
        self._loop = loop
        self._idle_seconds = idle_seconds
        self._transport: asyncio.Transport | None = None
        self._poll = select.poll()
        self._parser = ResponseParser()
        self._state: int = _IDLE  # also while it is opened: a byte that arrives ends it
        self._request: Request | None = None
        self._response: asyncio.Future[Response] | None = None
        self._body_need: BodyNeed = "none"
        self._reused = False
        self._timeout_at = self._timer_at = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self.fairness_key: bytes | None = None

    @property
    def tls_version(self) -> str | None:
        """The version of TLS that it speaks; None without TLS."""
        tls = self._transport and self._transport.get_extra_info("ssl_object")
        return tls.version() if tls else None

    def is_usable(self, now: float, *, peek: bool = True) -> bool:
        """Return whether a request may be written before the next await: nothing has arrived, nothing has ended.

        Args:
            now: event loop time in seconds.
            peek: ask the socket too, because the loop may not have read yet what is there. It costs 0.4 µs.
        """
        return (
            self._state == _IDLE
            and self._transport is not None
            and not self._transport.is_closing()
            and now < self._timeout_at
            and not (peek and self._poll.poll(0))
        )

    def exchange(self, request: Request, data: bytes) -> asyncio.Future[Response]:
        """Write a request. Only for a connection that is usable.

        Args:
            request: the request.
            data: its bytes.

        Returns:
            A future of the response, or of ``Interrupted``.
        """
        assert self._transport is not None  # noqa: S101 - a usable connection has one
        self._state = _AWAITING_HEAD
        self._request = request
        self._set_timeout(request.deadline)
        response = self._response = self._loop.create_future()
        request.written = True
        self._transport.write(data)
        return response

    def abandon(self, response: asyncio.Future[Response]) -> None:
        """End the connection if it still carries this exchange, whose caller was cancelled."""
        if self._response is response:
            self.end("its caller was cancelled")

    def make_idle(self) -> None:
        """Wait for the next exchange, at most for the idle time."""
        self._state = _IDLE
        self._set_timeout(self._loop.time() + self._idle_seconds)
        self._owner.on_idle(self)

    def end(self, reason: str) -> None:
        """Settle the exchange with what is known, and close at once."""
        if self._state == _ENDED:
            return
        state, self._state = self._state, _ENDED
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if state == _AWAITING_BODY:
            self._resolve(None)
        elif self._response is not None:
            if not self._response.done():
                self._response.set_exception(Interrupted(reason))
            self._response = None
        if self._transport is not None:
            if state in {_IDLE, _DISCARDING_BODY}:
                # Over TLS this sends a close alert (RFC 8446 §6.1). `abort` then does not wait for the peer's.
                self._transport.close()
            self._transport.abort()
        self._parser.close()
        self._owner.on_end(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        # The annotation is BaseTransport, and uvloop's transports have no common base class to check for.
        self._transport = cast("asyncio.Transport", transport)
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
        self._owner.on_open(self)

    def data_received(self, data: bytes) -> None:
        """Parse a piece of a response. Bytes that arrive while no request is open end the connection."""
        if self._state == _IDLE:
            self.end("sent bytes while it was idle")
        elif self._state != _ENDED:
            self._parser.feed(data)
            self._advance()

    def eof_received(self) -> None:
        """End; a body without a length is complete now (RFC 9112 §6.3)."""
        assert self._transport is not None  # noqa: S101 - it has just ended
        if self._state == _AWAITING_BODY and is_orderly_end(self._transport.get_extra_info("ssl_object")):
            self._parser.feed_eof()
            self._advance()
        self.end("closed by the peer")

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the socket is closed."""
        self.end(f"lost: {exc}" if exc else "closed by the peer")
        self._owner.on_closed(self)

    def _advance(self) -> None:
        """Go on as far as the parsed bytes allow."""
        parser = self._parser
        if self._state == _AWAITING_HEAD:
            if not parser.head_complete:
                if parser.broken:
                    self.end("answered with something other than HTTP/1")
                return
            self._begin_body()
        if self._state == _AWAITING_BODY:
            if not parser.is_settled(self._body_need):
                return
            self._state = _DISCARDING_BODY
            self._resolve(parser.body(self._body_need))
            if not parser.complete:
                self._set_timeout(self._loop.time() + UNREAD_BODY_SECONDS)
        if parser.complete and parser.keeps_alive and not parser.broken:
            self._reused = True
            parser.reset()
            self.make_idle()
        elif parser.complete or parser.broken or parser.received > UNREAD_BODY_BYTES:
            self.end("has carried its last response")

    def _begin_body(self) -> None:
        request = self._request
        assert request is not None  # noqa: S101 - it was written
        self._body_need = request.body_needed(self._parser.status, self._parser.headers)
        self._state = _AWAITING_BODY
        if self._body_need != "none":
            self._set_timeout(min(request.deadline, self._loop.time() + BODY_SECONDS))

    def _resolve(self, body: bytes | None) -> None:
        future, self._response = self._response, None
        request, self._request = self._request, None
        assert future is not None and request is not None  # noqa: S101, PT018 - a head has come
        response = Response(self._parser.status, self._parser.headers, body, self._reused)
        if future.done():
            request.cut_response = response  # the caller was cancelled, and has not noticed it yet
        else:
            future.set_result(response)

    def _set_timeout(self, at: float) -> None:
        """End the connection at that time, unless another time is set before.

        A timer that fires earlier is kept, and set again when it fires. Most timeouts are later than the one before,
        so this costs 0.1 µs an exchange. A new timer for each exchange would cost 1.8 µs.
        """
        self._timeout_at = at
        if at < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = at
            self._timer = self._loop.call_at(at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._timer_at = math.inf
        if self._loop.time() + _CLOCK_TICK < self._timeout_at:
            self._set_timeout(self._timeout_at)
        else:
            self.end("timed out")
