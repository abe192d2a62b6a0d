"""A parser for the responses on one connection, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from app.headers import Headers, parse_headers
from app.http_client.transport import MAX_BODY_BYTES
from schema.text import skip_invisible

if TYPE_CHECKING:
    from app.http_client.transport import BodyNeed

MAX_HEAD_BYTES = 64 * 1024
"""Longest head, the interim ones before it included."""

_MAX_BYTES = 2 * MAX_BODY_BYTES
"""Longest message. It also limits chunk extensions and trailers, which have no limit of their own."""

_FIRST_BYTE = b"H"[0]
_LINE_END = b"\r\n"
_CONTINUE, _SWITCHING_PROTOCOLS, _OK = 100, 101, 200
_FINAL = (b"HTTP/1.1 2", b"HTTP/1.1 4", b"HTTP/1.1 3", b"HTTP/1.1 5")
"""The usual start of a response that follows no interim one. Such a head is not parsed line by line."""

_CURRENT = "1.1"
_VERSIONS = (_CURRENT, "1.0")
"""llhttp also accepts other versions, whose framing differs."""


# UTF-8's byte order mark may arrive in pieces, so its bytes are skipped one by one.
def has_character(text: bytes) -> bool:
    """Return whether a piece of a body has a character that ``skip_invisible`` does not skip."""
    return bool(skip_invisible(text))


def is_encoded(headers: Headers) -> bool:
    """Return whether a body has a content coding, or a transfer coding other than chunked."""
    return _has_other(headers, b"content-encoding", (b"", b"identity")) or _has_other(
        headers, b"transfer-encoding", (b"chunked",)
    )


def _has_other(headers: Headers, name: bytes, codings: tuple[bytes, ...]) -> bool:
    return name in headers and any(
        value.lower() not in codings for value in headers.repeated.get(name, (headers[name],))
    )


class ResponseParser:
    """One response (RFC 9112), fed in pieces of any size.

    ``reset`` makes it ready for the next response on the same connection. The methods ``on_…`` are callbacks of
    httptools' parser.

    Attributes:
        head_complete: the head has arrived; interim responses are skipped.
        status: the status code; valid once the head is complete.
        headers: the header fields; valid once the head is complete.
        complete: the whole message has arrived.
        broken: bytes arrived that are not part of one well-formed response, such as a byte after its end, or a limit
            on its size is exceeded.
        keeps_alive: another request may follow on the connection, once the message is complete.
        received: number of bytes that arrived.
    """

    __slots__ = (
        "_body_bytes",
        "_closes",
        "_fields",
        "_follows_interim",
        "_has_character",
        "_is_final",
        "_parser",
        "_pieces",
        "broken",
        "complete",
        "head_complete",
        "headers",
        "keeps_alive",
        "received",
        "status",
    )

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self.status = 0
        self.headers = parse_headers(())
        self.reset()

    def reset(self) -> None:
        """Begin the next response. Valid only if the last one is complete and nothing is broken."""
        self.head_complete = self.complete = self.broken = self.keeps_alive = False
        self.received = self._body_bytes = 0
        self._has_character = self._is_final = self._closes = self._follows_interim = False
        self._fields: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Parse the next bytes; at least one."""
        if not self.received:
            # llhttp skips blank lines and knows other protocols; a response begins with HTTP.
            self.broken = data[0] != _FIRST_BYTE
            self._is_final = data.startswith(_FINAL)
        self.received += len(data)
        if self.received > MAX_HEAD_BYTES:
            if not self.head_complete:
                fitting = MAX_HEAD_BYTES - self.received + len(data)
                self._parse(data[:fitting])
                data = data[fitting:]
            if not self.head_complete or self.received > _MAX_BYTES:
                self.broken = True
        # llhttp silently skips line ends after a message. So the last byte is parsed alone: if the message is complete
        # without it, the byte follows its end.
        if data[-1] in _LINE_END:
            self._parse(data[:-1])
            self._parse(data[-1:])
        else:
            self._parse(data)

    def feed_eof(self) -> None:
        """Note an orderly end of the connection, which ends a body without a length (RFC 9112 §6.3)."""
        if self.head_complete and not self.broken:
            self.complete = self.complete or not (
                b"content-length" in self.headers or b"transfer-encoding" in self.headers
            )

    def close(self) -> None:
        """Break the reference cycle with httptools' parser."""
        del self._parser

    def is_settled(self, need: BodyNeed) -> bool:
        """Return whether waiting longer cannot add bytes of the body that are needed."""
        return (
            need == "none"
            or self.complete
            or self.broken
            or (need == "first" and self._has_character)
            or is_encoded(self.headers)
        )

    def body(self, need: BodyNeed) -> bytes | None:
        """As much of the body as is needed, once that is settled; None if it is cut off, encoded or too long."""
        if need == "none":
            return b""
        whole = self.complete and self._body_bytes <= MAX_BODY_BYTES
        if is_encoded(self.headers) or not (whole or (need == "first" and self._has_character)):
            return None
        return b"".join(self._pieces)

    def _parse(self, data: bytes) -> None:
        if self.complete and data:
            self.broken = True
        if self.broken:
            return
        try:
            if self._is_final or self.head_complete:
                self._parser.feed_data(data)
            else:
                self._parse_lines(data)
        except (HttpParserError, HttpParserUpgrade):
            self.broken = True

    def _parse_lines(self, data: bytes) -> None:
        """Parse line by line to the end of the final head, then the rest.

        The parser of an interim head gets nothing after the empty line of that head. It would read the next bytes as a
        body, or ignore them after a ``close``.
        """
        start = 0
        while start < len(data) and not self.head_complete:
            end = data.find(b"\n", start) + 1 or len(data)
            line = data[start:end]
            if self._follows_interim and (begun := line.lstrip(b"\r\n")):
                self._follows_interim = False
                if begun[0] != _FIRST_BYTE:
                    self.broken = True
                    return
            self._parser.feed_data(line)
            start = end
        if start < len(data):
            self._parse(data[start:])

    def on_message_begin(self) -> None:
        """Note the start of a message. A second one breaks the response."""
        if self.complete:
            self.broken = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of a head, or of a trailer, which is not used."""
        self._fields.append((name.lower(), value.rstrip()))

    def on_headers_complete(self) -> None:
        """Take a head: that of an interim response, of the response, or of one after it."""
        if self.head_complete or self.broken:
            return
        status = self._parser.get_status_code()
        # ``get_http_version`` formats a string, a fifth of the time for a head: it is left out if the version is known.
        version = _CURRENT if self._is_final else self._parser.get_http_version()
        # In HTTP/1.0, llhttp ignores a `close` next to a `keep-alive`.
        self._closes = self._closes or version != _CURRENT
        if status < _CONTINUE or version not in _VERSIONS:
            self.broken = True
        elif status < _OK and status != _SWITCHING_PROTOCOLS:
            # Whatever its fields say, an interim response ends here (RFC 9112 §6.3). A `close` stays valid (§9.6).
            self._closes = self._closes or not self._parser.should_keep_alive()
            self._fields.clear()
            self._parser = HttpResponseParser(self)
            self._follows_interim = True
        else:
            self.status = status
            self.headers = parse_headers(self._fields)
            self.head_complete = True

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        if self.head_complete and not self.complete:
            self._body_bytes += len(data)
            if self._body_bytes <= MAX_BODY_BYTES:
                self._pieces.append(data)
                self._has_character = self._has_character or has_character(data)
            else:
                self.broken = True

    def on_message_complete(self) -> None:
        """Note the end of the response. The end of an interim response (1xx) does not count."""
        if self.head_complete and not self.complete:
            self.complete = True
            # Not earlier: llhttp reads a `Connection` in a trailer as well, and parses nothing after a close.
            self.keeps_alive = not self._closes and self._parser.should_keep_alive()
