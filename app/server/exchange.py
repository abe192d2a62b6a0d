"""One request and its answer: what the application is called with (ASGI 3.0, HTTP spec 2.3)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from app.server.refusals import render
from app.whole import WholeMessages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Message, Scope

    from app.server.protocol import Connection

logger = logging.getLogger("app.server")

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_DISCONNECT: Message = {"type": "http.disconnect"}

_BODILESS = frozenset({204, 304})


class Exchange(WholeMessages):
    """One request and its answer.

    Attributes:
        scope: what the application is told of the request.
        expects_continue: the client waits for a 100 before it sends its body.
        read_whole: the request has arrived to its last byte.
        pending_bytes: bytes of the body that the application has not taken yet.
        received_bytes: bytes of the body so far.
        keep_alive: the client lets the connection be used again.
        answered: the answer is complete, as far as this side is concerned.
        written: a byte of the answer may have reached the client.
        disconnected: nobody will read the answer.
    """

    __slots__ = (
        "_bodiless",
        "_body",
        "_connection",
        "_end_given",
        "_head",
        "_left",
        "_news",
        "answered",
        "disconnected",
        "expects_continue",
        "keep_alive",
        "pending_bytes",
        "read_whole",
        "received_bytes",
        "scope",
        "written",
    )

    def __init__(self, connection: Connection, scope: Scope, *, keep_alive: bool, expects_continue: bool) -> None:
        self._connection = connection
        self.scope = scope
        self.keep_alive = keep_alive
        self.expects_continue = expects_continue
        self.read_whole = False
        self.pending_bytes = 0
        self.received_bytes = 0
        self.answered = False
        self.written = False
        self.disconnected = False
        self._body = b""
        self._end_given = False
        # Made only when somebody must wait: most requests arrive whole, in one piece.
        self._news: asyncio.Event | None = None
        self._head = b""
        self._left: int | None = None
        self._bodiless = False

    # The connection's side

    def feed(self, body: bytes) -> None:
        """Take a piece of the request's body."""
        self._body = self._body + body if self._body else body
        self.received_bytes += len(body)
        self.pending_bytes += len(body)
        if self._news is not None:
            self._news.set()

    def take_whole(self, body: bytes) -> None:
        """Take the whole body at once, before the application has been called."""
        self._body = body
        self.received_bytes = self.pending_bytes = len(body)
        self.read_whole = True

    def end(self) -> None:
        """The request has arrived to its last byte."""
        self.read_whole = True
        if self._news is not None:
            self._news.set()

    def disconnect(self) -> None:
        """Nobody will read the answer: the application may go on, its messages go nowhere."""
        self.disconnected = True
        if self._news is not None:
            self._news.set()

    def fail(self, problem: BaseException | None) -> None:
        """Answer in the application's stead, or cut an answer that it began.

        Args:
            problem: what it raised; None where it returned without a complete answer.
        """
        if problem is None:
            logger.error("the application returned without a complete answer")
        elif isinstance(problem, asyncio.CancelledError):
            # The end of the drain, or a forced stop. The application has had its chance to make this an answer.
            logger.warning("a request was cancelled unanswered")
        else:
            logger.error("the application raised", exc_info=problem)
        if self.answered or self.disconnected:
            return
        self.answered = True
        self.keep_alive = False
        if self.written:
            # Only a cut connection tells a client that what it has is not the whole answer (RFC 9112 section 8).
            self._connection.abort()
        else:
            self._connection.write(render("crash", self._connection.state.date))
            self._connection.answer_complete(self)

    # The application's side

    async def receive(self) -> Message:
        """The next piece of the body; after its end, wait for the end of the exchange."""
        if self.expects_continue:
            self.expects_continue = False
            if not (self.read_whole or self._body or self.written or self.disconnected):
                self._connection.write(_CONTINUE)
        while not (self.disconnected or self.answered):
            if self._body or (self.read_whole and not self._end_given):
                body, self._body = self._body, b""
                self._end_given = self.read_whole
                if self.pending_bytes:
                    self.pending_bytes = 0
                    self._connection.update_reading()
                return {"type": "http.request", "body": body, "more_body": not self.read_whole}
            if self._news is None:
                self._news = asyncio.Event()
            self._news.clear()
            await self._news.wait()
        return _DISCONNECT

    async def send(self, message: Message) -> None:
        """Take a piece of the answer; the head waits for the first piece of the body, as ASGI wants it.

        Raises:
            RuntimeError: the application breaks the protocol, or its head would break out of its line.
        """
        connection = self._connection
        if connection.unwritable is not None and not self.disconnected:
            await connection.unwritable.wait()
        if self.disconnected:
            return
        kind = message["type"]
        if kind == "http.response.start" and not self._head:
            self._head = self._render_head(message["status"], message.get("headers", ()))
        elif kind == "http.response.body" and self._head and not self.answered:
            body = message.get("body", b"")
            more = message.get("more_body", False)
            data = self._frame(body, more=more)
            if not self.written:
                self.written = True
                data = self._end_head() + data
            connection.write(data)
            if not more:
                self.answered = True
                if self._news is not None:
                    self._news.set()
                connection.answer_complete(self)
        else:
            raise RuntimeError(f"{kind} out of order")

    # The application's side, where a message is whole

    def take_body(self) -> bytes | None:
        """The body where it has arrived whole and untouched; None where it has to be received."""
        if not self.read_whole or self._end_given or self.disconnected:
            return None
        self._end_given = True
        self.expects_continue = False
        body, self._body = self._body, b""
        self.pending_bytes = 0
        if self._connection.paused:
            self._connection.update_reading()
        return body

    def answer(self, status: int, fields: bytes, body: bytes) -> bool:
        """Answer with one write; False where the answer has to be sent."""
        connection = self._connection
        if self.answered or self._head or connection.unwritable is not None or self.scope["method"] == "HEAD":
            return False
        if self.disconnected:
            return True
        end = b"\r\n"
        if not (self.keep_alive and self.read_whole) or connection.state.draining:
            self.keep_alive = False
            end = b"connection: close\r\n\r\n"
        self.written = self.answered = True
        length = b"content-length: %d\r\n" % len(body)
        connection.write(b"".join((STATUS_LINE[status], connection.state.date, fields, length, end, body)))
        if self._news is not None:
            self._news.set()
        connection.answer_complete(self)
        return True

    # What both are made of

    def _render_head(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        self._bodiless = status in _BODILESS or self.scope["method"] == "HEAD"
        head = STATUS_LINE[status] + self._connection.state.date
        lines = 2
        for name, value in headers:
            lower = name.lower()
            if lower == b"content-length":
                self._left = int(value)
            elif lower == b"connection":
                # Field of one hop, and the hop is the server's; a wish to close is heard.
                self.keep_alive = self.keep_alive and b"close" not in value.lower()
                continue
            elif lower == b"transfer-encoding":
                continue  # to be ignored by ASGI: framing is the server's
            head += b"%b: %b\r\n" % (lower, value)
            lines += 1
        # One look at the whole instead of two regular expressions for each header, a sixth of the time: where no name
        # and no value ends a line, none forges a header or an answer.
        if head.count(b"\n") != lines or head.count(b"\r") != lines or b"\0" in head:
            raise RuntimeError("a header holds a line end or NUL")
        return head

    def _frame(self, body: bytes, *, more: bool) -> bytes:
        if self._bodiless:
            return b""
        size = len(body)
        if self._left is not None:
            self._left -= size
            if self._left < 0 or (self._left and not more):
                raise RuntimeError("the body is not as long as its content-length says")
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
        # A request whose rest nobody waits for must not be followed by another: where would that one begin?
        if self.keep_alive and self.read_whole and not self._connection.state.draining:
            return self._head + b"\r\n"
        self.keep_alive = False
        return self._head + b"connection: close\r\n\r\n"
