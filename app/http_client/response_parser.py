"""Reads replies from the bytes of a connection, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from app.http_client.transport import MAX_BODY_BYTES, NO_BODY, BodyNeed, body_need

if TYPE_CHECKING:
    from app.http_client.transport import RawHeaders

MAX_HEAD_BYTES = 64 * 1024
"""A head longer than this, the interim ones before it included, is none."""

_MAX_BYTES = 2 * MAX_BODY_BYTES
"""Bounds what is not body as well: chunk extensions and trailers have no end of their own."""

_LONGEST_KNOWN = 1024
"""Replies to remember, in bytes: a connection keeps one."""

_FIRST_BYTE = b"H"[0]
_LINE_END = b"\r\n"
_SWITCHING_PROTOCOLS = 101
_INTERIM = range(100, 200)
_VERSIONS = ("1.1", "1.0")
"""The parser knows others too, whose framing is not this one."""


class ReplyReader:
    """One reply (RFC 9112), fed in pieces of any size.

    ``begin`` makes it ready for the next reply on the same connection. The parser's callbacks are public because
    it calls them by name; nobody else does.

    Attributes:
        status: of the reply, once its head is complete; interim ones are skipped.
        headers: of the reply, once its head is complete.
        need: how much of its body has to be waited for, once its head is complete.
        head_complete: whether the head arrived whole.
        complete: whether the message did.
        broken: whether something arrived that is no part of one well-formed reply of bearable size, a byte after its
            end included.
        keeps_alive: whether another request may follow on the connection once the message is complete.
        body_bytes: how much of the body arrived.
        received: how much of anything arrived.
    """

    __slots__ = (
        "_fields",
        "_known",
        "_known_data",
        "_parser",
        "_pieces",
        "body_bytes",
        "broken",
        "complete",
        "head_complete",
        "headers",
        "keeps_alive",
        "need",
        "received",
        "status",
    )

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        # The last reply that came in one piece, and what was read from it.
        self._known_data = b""
        self._known: tuple[int, RawHeaders, BodyNeed, int, list[bytes]] = (0, (), NO_BODY, 0, [])
        self.begin()

    def begin(self) -> None:
        """Forget the last reply. Only sound where that was complete and nothing broken."""
        self.status = 0
        self.headers: RawHeaders = ()
        self.need = NO_BODY
        self.head_complete = self.complete = self.broken = self.keeps_alive = False
        self.body_bytes = self.received = 0
        self._fields: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Read what arrived next; at least one byte."""
        if not self.received:
            if data == self._known_data:
                self._repeat()
                return
            if data[0] != _FIRST_BYTE:
                # The parser skips blank lines and knows other protocols; a reply begins with HTTP.
                self.broken = True
                return
        before, self.received = self.received, self.received + len(data)
        if not self.head_complete and self.received > MAX_HEAD_BYTES:
            self._parse(data[: MAX_HEAD_BYTES - before])
            data = data[MAX_HEAD_BYTES - before :]
            if not self.head_complete:
                self.broken = True
                return
        if self.received > _MAX_BYTES:
            self.broken = True
            return
        # The parser swallows blank lines after a message without a word. Held back, the last byte tells: a message
        # that is complete without it has something after its end.
        if data[-1] in _LINE_END:
            self._parse(data[:-1])
            self._parse(data[-1:])
        else:
            self._parse(data)
        if self.complete and self.keeps_alive and not (before or self.broken) and len(data) <= _LONGEST_KNOWN:
            self._known_data = data
            self._known = (self.status, self.headers, self.need, self.body_bytes, self._pieces)

    def _repeat(self) -> None:
        """Take a reply that is the one before, byte for byte: under load many are, the date in them included.

        So the parser need not see it; between two replies it stands where it stood.
        """
        self.received = len(self._known_data)
        self.status, self.headers, self.need, self.body_bytes, self._pieces = self._known
        self.head_complete = self.complete = self.keeps_alive = True

    def end(self) -> None:
        """Take note of an orderly end of the connection: of some replies that is the end (RFC 9112 §6.3)."""
        if self.head_complete and not self.broken:
            self.complete = self.complete or not any(
                name in {b"content-length", b"transfer-encoding"} for name, _ in self.headers
            )

    def close(self) -> None:
        """Read no more: parser and reader would keep each other alive."""
        del self._parser

    def is_settled(self, need: BodyNeed) -> bool:
        """Whether as much of the body is there as is needed, or can never be."""
        return (
            self.complete or self.broken or (need is BodyNeed.FIRST_BYTE and self.body_bytes > 0) or self._is_encoded()
        )

    def body_for(self, need: BodyNeed) -> bytes | None:
        """What is needed of the body, once that is settled: None where it is cut, encoded or too long."""
        there = self.complete or (need is BodyNeed.FIRST_BYTE and self.body_bytes > 0)
        if not there or self.body_bytes > MAX_BODY_BYTES or self._is_encoded():
            return None
        return b"".join(self._pieces)

    def _is_encoded(self) -> bool:
        return any(
            (name == b"content-encoding" and value.lower() not in {b"", b"identity"})
            or (name == b"transfer-encoding" and value.lower() != b"chunked")
            for name, value in self.headers
        )

    def _parse(self, data: bytes) -> None:
        if self.complete and data:
            self.broken = True
        if self.broken:
            return
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self.broken = True

    def on_message_begin(self) -> None:
        """Take the begin of a message; behind a complete one it is out of turn."""
        if self.complete:
            self.broken = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of a head, or of a trailer, which nobody reads."""
        self._fields.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """Take a head: the reply's, an interim one, or that of bytes behind the reply, or behind what is none."""
        if self.head_complete or self.broken:
            return
        status = self._parser.get_status_code()
        if status in _INTERIM and status != _SWITCHING_PROTOCOLS:
            self._fields.clear()
        elif status < _INTERIM.start or self._parser.get_http_version() not in _VERSIONS:
            self.broken = True
        else:
            self.status = status
            self.headers = tuple(self._fields)
            self.need = body_need(status, self.headers)
            self.head_complete = True

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        if self.head_complete and not self.complete:
            self.body_bytes += len(data)
            if self.body_bytes <= MAX_BODY_BYTES:
                self._pieces.append(data)
            else:
                self.broken = True

    def on_message_complete(self) -> None:
        """Take the end of a message; that of an interim one is none."""
        if self.head_complete and not self.complete:
            self.complete = True
            # Only now: the parser heeds a `Connection` in a trailer, and reads nothing after a close.
            self.keeps_alive = self._parser.should_keep_alive()
