"""The parser of requests: bytes in, exchanges out. It limits the length of heads and of the framing of bodies."""

from __future__ import annotations

import functools
import ipaddress
import logging
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httptools

from app.headers import FIELDS, Headers, parse_headers
from app.server.error_responses import (
    CRASH,
    FRAMING_TOO_LONG,
    HEAD_TOO_LONG,
    MALFORMED,
    PIPELINE_TOO_DEEP,
    TARGET_TOO_LONG,
    RejectedRequestError,
)
from app.server.exchange import Exchange

if TYPE_CHECKING:
    from app.server.error_responses import ErrorResponse
    from app.server.exchange import Channel

logger = logging.getLogger(__name__)

MAX_PIPELINED = 16
"""Requests that may wait for the one that is answered, each in 3 KB of memory.

One read of the socket (256 KB) may hold 14,000 of them.
"""

# RFC 3986 §3.2.2 and §3.2.3: an IPv6 address in brackets, or a name, which may be empty; then the port. A literal of a
# later version of IP is not recognised: there is none.
_HOST = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?", re.ASCII
)

_VERSIONS = frozenset({"1.0", "1.1"})

_PLAIN_PATH = re.compile(rb"/[^?%#]*")
"""A request target that is its own decoded path."""

_PIECE_BYTES = 64 * 1024
"""Bytes that are parsed before the limits are checked: one read of the socket may hold 256 KB."""

_MEASURE = -1
"""Threshold that forces an exact measurement: the head begins inside a piece, so the cheap upper bound does not apply.

Measuring every head would cost 3 to 7 µs a request.
"""


@functools.lru_cache(maxsize=256)
def _is_valid_host(value: bytes) -> bool:
    match = _HOST.fullmatch(value.decode("latin-1"))
    if match is None:
        return False
    try:
        return match["ipv6"] is None or ipaddress.IPv6Address(match["ipv6"]) is not None
    except ValueError:
        return False


class RequestParser:
    """The parser of one connection.

    Args:
        channel: the connection, for the exchanges.
        scope: the part of the ASGI scope that all requests of the connection share.
        limit: the maximum length of a head in bytes. The framing of a body (chunk sizes, extensions, trailers) may be
            longer than the body by as much: chunks of five bytes or more are never refused.

    Attributes:
        found: exchanges whose head is complete; the caller of ``feed`` takes them.
        fresh: a request has begun since the caller of ``feed`` last reset this, so its time starts.
    """

    def __init__(self, channel: Channel, scope: dict[str, Any], limit: int) -> None:
        self._channel = channel
        self._scope = scope
        self._limit = self._threshold = limit
        self._body: list[bytes] = []
        # A callback of httptools. A call of Python code for each chunk would cost four times as much.
        self.on_body = self._body.append
        self._parser = self._new_parser()
        self._exchange: Exchange | None = None
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._in_head = False
        self._head_bytes = 0
        self._framing_bytes = 0
        self._framing_since = 0
        self.found: list[Exchange] = []
        self.fresh = False

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        # Bytes after the last request of a connection are skipped, not refused: that request gets its response.
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

    @property
    def begun(self) -> bool:
        """True if a part of a request has arrived and a part is missing."""
        return self._in_head or self._exchange is not None

    @property
    def method(self) -> str:
        """The method of the request that is read; empty if its target has not begun."""
        # Before the target, the parser may still have the method of the request before it.
        return self._parser.get_method().decode("ascii") if self._url else ""

    def close(self) -> None:
        """Read no more, and break the reference cycle between the two parsers."""
        del self._parser

    def feed(self, data: bytes) -> None:
        """Read what has arrived.

        Raises:
            RejectedRequestError: nothing more is read. The exchanges in ``found`` are valid, except the last one if
                it is not complete: it is the rejected one.
        """
        if len(data) > _PIECE_BYTES:
            for start in range(0, len(data), _PIECE_BYTES):
                self.feed(data[start : start + _PIECE_BYTES])
            return
        # An upper bound of the head that costs nothing: a head is measured only if the bound exceeds the limit.
        if self._in_head:
            self._head_bytes += len(data)
        else:
            self._head_bytes = len(data)
            self._threshold = self._limit
        self._parse(data)
        if self._in_head:
            self._limit_unfinished_head()
        elif self._exchange is not None:
            self._take_body(self._exchange)
            self._limit_framing(self._exchange, len(data))

    def _parse(self, data: bytes) -> None:
        rest = b""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            if isinstance(cause, RejectedRequestError):
                raise cause from None
            logger.exception("reading a request failed")  # a bug of this server, not a mistake of the client
            raise RejectedRequestError(CRASH) from None
        except httptools.HttpParserError as error:
            if isinstance(error, httptools.HttpParserInvalidURLError):
                # The parser does not pass an invalid target on, but it has read the method before it.
                self._url += b"?"
            raise RejectedRequestError(MALFORMED) from None
        else:
            return
        self._parse_without_upgrade(rest)

    def _parse_without_upgrade(self, rest: bytes) -> None:
        # The parser assumes that a request with `Upgrade` has no body, and would read its body as the next request.
        # Java's HttpClient sends `Upgrade: h2c` with its first POST, and an attacker could smuggle a request.
        # A server may ignore the field (RFC 9110 §7.8), so the head is parsed again without it.
        scope = self.found.pop().scope
        if scope["method"] == "CONNECT":
            raise RejectedRequestError(MALFORMED)
        fields = [b"%b: %b\r\n" % field for field in scope["headers"] if field[0] != b"upgrade"]
        line = f"{scope['method']} ".encode() + self._url + f" HTTP/{scope['http_version']}\r\n".encode()
        self._parser = self._new_parser()
        self._parse(b"".join([line, *fields, b"\r\n", rest]))

    # Callbacks of httptools

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._url = b""
        if len(self.found) > MAX_PIPELINED:
            raise RejectedRequestError(PIPELINE_TOO_DEEP)
        self._headers = []
        self._in_head = self.fresh = True

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head, or of the trailer, which ``on_headers_complete`` separates."""
        # The parser keeps the white space after a value, which is not part of the value (RFC 9110 §5.5). It refuses
        # other white space than spaces and tabs.
        self._headers.append((name.lower(), value.rstrip()))

    def on_headers_complete(self) -> None:
        """Make an exchange of the head."""
        self._in_head = False
        if self._head_bytes > self._threshold and self._measure_head() > self._limit:
            raise RejectedRequestError(self._too_long())
        url, headers = self._url, self._headers
        # Fields of the trailer go into a list whose content is never used: a proxy in front has not checked them as
        # header fields (RFC 9110 §6.5.1).
        self._headers = []
        version = self._parser.get_http_version()
        fields = parse_headers(headers)
        _check_fields(version, fields)
        path, raw_path, query = (url.decode("ascii"), url, b"") if _PLAIN_PATH.fullmatch(url) else _split(url)
        scope = {
            **self._scope,
            "http_version": version,
            "method": self._parser.get_method().decode("ascii"),
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": headers,
            FIELDS: fields,
        }
        exchange = self._exchange = Exchange(
            self._channel,
            scope,
            version == "1.1" and self._parser.should_keep_alive(),
            b"expect" in fields and version == "1.1" and fields[b"expect"].lower() == b"100-continue",
        )
        # The bytes that arrive with the head are not counted as framing.
        self._framing_since = -1
        self.found.append(exchange)

    def on_message_complete(self) -> None:
        """Complete the request."""
        # A request that follows in the same piece begins inside it.
        self._threshold = _MEASURE
        self._head_bytes = 0
        if self._exchange is not None:
            if self._headers and not self._parser.should_keep_alive():
                # The parser obeys a `Connection: close` in the trailer and skips what follows.
                self._exchange.keep_alive = False
            self._take_body(self._exchange)
            self._exchange.end()
            self._exchange = None

    def _take_body(self, exchange: Exchange) -> None:
        if self._body:
            exchange.feed(b"".join(self._body))
            self._body.clear()

    # Limits, off the fast path

    def _measure_head(self) -> int:
        """Return the bytes of the head so far, without optional white space and an incomplete field."""
        fields = sum(len(name) + len(value) + len(b":\r\n") for name, value in self._headers)
        return len(b"GET  HTTP/1.1\r\n\r\n") + len(self._url) + fields

    def _too_long(self) -> ErrorResponse:
        return TARGET_TOO_LONG if len(self._url) > self._limit else HEAD_TOO_LONG

    def _limit_unfinished_head(self) -> None:
        if not self._head_bytes:
            self._head_bytes = self._measure_head()
        if self._head_bytes > self._limit:
            raise RejectedRequestError(self._too_long())

    def _limit_framing(self, exchange: Exchange, size: int) -> None:
        # The limit of the body does not count framing. But one chunk costs as much CPU time as a long body, and the
        # parser keeps a trailer's value in memory.
        if self._framing_since < 0:
            self._framing_bytes = 0
        else:
            self._framing_bytes += size - (exchange.received_bytes - self._framing_since)
        self._framing_since = exchange.received_bytes
        if self._framing_bytes > self._limit + exchange.received_bytes:
            raise RejectedRequestError(FRAMING_TOO_LONG)


def _check_fields(version: str, fields: Headers) -> None:
    """Check what the framing and the target of a request depend on.

    Raises:
        RejectedRequestError: another version, no host, a second or invalid one (RFC 9112 §3.2), or a coding other than
            chunked (§6.1).
    """
    host = fields.get(b"host", b"" if version == "1.0" else None)
    if version not in _VERSIONS or host is None or not _is_valid_host(host) or b"host" in fields.repeated:
        raise RejectedRequestError(MALFORMED)
    if b"transfer-encoding" in fields and (
        fields[b"transfer-encoding"].lower() != b"chunked" or b"transfer-encoding" in fields.repeated
    ):
        raise RejectedRequestError(MALFORMED)


def _split(target: bytes) -> tuple[str, bytes, bytes]:
    """Return decoded path, path and query of a request target (RFC 9112 §3.2).

    Raises:
        RejectedRequestError: it is not a request target.
    """
    if target == b"*":
        return "*", b"*", b""
    try:
        url = httptools.parse_url(target)
    except httptools.HttpParserInvalidURLError:
        raise RejectedRequestError(MALFORMED) from None
    path = url.path or b"/"
    return unquote(path.decode("ascii")), path, url.query or b""
