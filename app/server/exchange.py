"""One request and its response, as the application sees them (ASGI 3.0, HTTP specification 2.3)."""

from __future__ import annotations

import asyncio
import http
import logging
import operator
from typing import TYPE_CHECKING, Protocol

import msgspec

from app.server.error_responses import CRASH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Message, Scope

    from app.server.error_responses import ErrorResponse
    from app.server.state import WorkerState

logger = logging.getLogger(__name__)

ABORT = "http.response.abort"
"""An ASGI extension and its message: close the connection before or during the response."""

SERVER_STATUS = "wethod_graphql.server_status"
"""Key that the server adds to the ASGI scope of a request if the client does not get the application's response.

The application sees a disconnect. The value is the status that the server sent instead; None if the connection was
lost.
"""

HIGH_WATER_BYTES = 64 * 1024
"""Reading pauses while more bytes of a body than this wait for the application."""

_PHRASES = {status.value: status.phrase for status in http.HTTPStatus}
_STATUS_LINES = {status: f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n".encode() for status in range(200, 600)}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_DISCONNECT: Message = {"type": "http.disconnect"}
_FRAMING = frozenset({b"content-length", b"connection", b"transfer-encoding"})
_CR, _LF, _NUL = b"\r\n\0"
_BODILESS = frozenset({204, 304})
_NAME = operator.itemgetter(0)


class Channel(Protocol):
    """The part of a connection that an exchange uses.

    Attributes:
        state: the state of the worker.
        unwritable: an event while the client does not read, set when it reads again; otherwise None.
    """

    state: WorkerState
    unwritable: asyncio.Event | None

    def write(self, data: bytes) -> None:
        """Send bytes to the client; not after ``disconnect``."""
        ...

    def abort(self) -> None:
        """Cut the connection."""
        ...

    def update_reading(self) -> None:
        """Pause or resume reading."""
        ...

    def response_complete(self, exchange: Exchange) -> None:
        """Go on to the next request, or close."""
        ...

    def replace_response(self, exchange: Exchange, response: ErrorResponse) -> None:
        """Answer instead of the application, or cut a response that has begun."""
        ...


class Exchange(msgspec.Struct, eq=False):
    """One request and its response.

    Attributes:
        channel: the connection.
        scope: the ASGI scope of the request.
        keep_alive: another request may follow on the connection.
        expects_continue: the client waits for a 100 before it sends the body.
        complete: the last byte of the request has arrived.
        received_bytes: the bytes of the body so far.
        written: a byte of the response may have reached the client.
        answered: the response is complete.
        disconnected: the client is gone, or gets another response; messages of the application are dropped.
    """

    channel: Channel
    scope: Scope
    keep_alive: bool
    expects_continue: bool
    complete: bool = False
    received_bytes: int = 0
    written: bool = False
    answered: bool = False
    disconnected: bool = False
    _body: bytes = b""
    _end_given: bool = False
    # Created only if the application must wait: most requests arrive in one piece.
    _changed: asyncio.Event | None = None
    _head: bytes = b""
    _missing: int | None = None
    _bodiless: bool = False

    __repr__ = object.__repr__  # the scope holds the token

    # The connection's side

    def feed(self, body: bytes) -> None:
        """Take a piece of the request's body."""
        self._body = self._body + body if self._body else body
        self.received_bytes += len(body)
        if self._changed is not None:
            self._changed.set()

    @property
    def pending_bytes(self) -> int:
        """The bytes of the body that the application has not taken yet."""
        return len(self._body)

    def end(self) -> None:
        """Take the end of the request."""
        self.complete = True
        if self._changed is not None:
            self._changed.set()

    def disconnect(self) -> None:
        """Drop all further messages. The application is not stopped: a request that it has forwarded continues."""
        self.disconnected = True
        self.scope[SERVER_STATUS] = None
        if self._changed is not None:
            self._changed.set()

    def application_ended(self, error: BaseException | None) -> None:
        """Make sure that the client gets a response, whether the application returned or raised."""
        if isinstance(error, Exception):
            logger.error("the application raised", exc_info=error)
        if self.answered or self.disconnected:
            return
        if error is None:
            logger.error("the application returned without a complete response")
        elif not isinstance(error, Exception):
            # A stop cancelled the task, and the application did not turn that into a response.
            logger.error("a request was cancelled without a response")
        self.channel.replace_response(self, CRASH)

    # The application's side

    async def receive(self) -> Message:
        """Return the next piece of the body; after its end, wait for the end of the exchange."""
        if self.expects_continue:
            self.expects_continue = False
            if not (self.complete or self._body or self.written or self.disconnected):
                self.channel.write(_CONTINUE)
        while not (self.disconnected or self.answered):
            if self._body or (self.complete and not self._end_given):
                body, self._body = self._body, b""
                self._end_given = self.complete
                if len(body) > HIGH_WATER_BYTES:
                    self.channel.update_reading()
                return {"type": "http.request", "body": body, "more_body": not self.complete}
            if self._changed is None:
                self._changed = asyncio.Event()
            self._changed.clear()
            await self._changed.wait()
        return _DISCONNECT

    async def send(self, message: Message) -> None:
        """Take a piece of the response. The head waits for the first piece of the body; both are one write.

        Raises:
            RuntimeError: the application breaks the protocol, or a header contains a line end.
        """
        channel = self.channel
        if channel.unwritable is not None and not self.disconnected:
            await _wait_even_if_cancelled(channel.unwritable)
        if self.disconnected:
            return
        kind = message["type"]
        if kind == "http.response.start" and not self._head:
            self._head = self._render_head(message["status"], message.get("headers", ()))
        elif kind == "http.response.body" and self._head and not self.answered:
            more = message.get("more_body", False)
            data = self._frame(message.get("body", b""), more=more)
            if not self.written:
                self.written = True
                data = self._end_head() + data
            channel.write(data)
            if not more:
                self.answered = True
                if self._changed is not None:
                    self._changed.set()
                channel.response_complete(self)
        elif kind == ABORT:
            self.disconnected = True
            channel.abort()
        else:
            raise RuntimeError(f"{kind} out of order")

    def _render_head(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        self._bodiless = status in _BODILESS or self.scope["method"] == "HEAD"
        if not _FRAMING.isdisjoint(map(_NAME, headers)):
            headers = [field for field in headers if field[0] not in _FRAMING or self._take_framing(*field)]
        lines = [*map(b": ".join, headers), b""]
        text = b"".join(lines)
        # One search of the joined text for each byte. A field with a line end could forge a header or a response.
        if _CR in text or _LF in text or _NUL in text:
            raise RuntimeError("a header contains a line end or NUL")
        return _STATUS_LINES[status] + self.channel.state.date + b"\r\n".join(lines)

    def _take_framing(self, name: bytes, value: bytes) -> bool:
        """Read a field that concerns the server; return whether it is sent as it is."""
        if name == b"content-length":
            self._missing = int(value)
            return True
        if name == b"connection":
            # The field is hop-by-hop, so the server writes its own. An application may request a close.
            self.keep_alive = self.keep_alive and b"close" not in value.lower()
        return False  # ASGI: framing is the server's

    def _frame(self, body: bytes, *, more: bool) -> bytes:
        if self._bodiless:
            return b""
        size = len(body)
        if self._missing is not None:
            self._missing -= size
            if self._missing < 0 or (self._missing and not more):
                raise RuntimeError("the body is not as long as its content-length")
        elif self.written or more:
            return self._chunk(body, more=more)
        else:
            self._head += b"content-length: %d\r\n" % size
        return body

    def _chunk(self, body: bytes, *, more: bool) -> bytes:
        if self.scope["http_version"] == "1.0":
            self.keep_alive = False  # the body ends with the connection
            return body
        if not self.written:
            self._head += b"transfer-encoding: chunked\r\n"
        return (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"" if more else b"0\r\n\r\n")

    def _end_head(self) -> bytes:
        # If the rest of a request is not read, the start of the next one is unknown.
        if self.keep_alive and self.complete and not self.channel.state.draining:
            return self._head + b"\r\n"
        self.keep_alive = False
        return self._head + b"connection: close\r\n\r\n"


async def _wait_even_if_cancelled(writable: asyncio.Event) -> None:
    """Wait until the client reads, or a stop ends the wait.

    The response is known, so it is written after a stop, too, for a client that may still read it.
    """
    try:
        await writable.wait()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
