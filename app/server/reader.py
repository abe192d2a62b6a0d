"""Bytes in, exchanges out: the requests of one connection, each head no longer than the limit."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httptools

from app.headers import Head
from app.server.exchange import Exchange
from app.server.refusals import Refusal, RefusedError

if TYPE_CHECKING:
    from app.server.protocol import Connection

logger = logging.getLogger(__name__)

_WATCHED = frozenset({b"host", b"expect", b"transfer-encoding"})

_MAX_PIPELINED = 16
"""Requests that wait behind the one being answered. A read of the socket may hold 14,000, at 3 KB of memory each."""

_LONGEST_KNOWN = 4 * 1024
"""Heads to remember, in bytes: a connection keeps one."""

_MOST_UNLIKE = 16
"""Requests in a row that are unlike the one before, after which a connection's heads are no longer remembered: a
router writes another trace id into each."""

_MEASURE = -1
"""A threshold that every head passes, so that it is measured."""


class RequestReader:
    """The requests of one connection.

    Attributes:
        found: exchanges whose head has arrived; whoever calls ``feed`` takes them.
        unfinished: the last bytes did not end a request.
        fresh: set where a request begins; for whoever calls ``feed`` to unset.
    """

    __slots__ = (
        "_chunked",
        "_connection",
        "_exchange",
        "_expects_continue",
        "_framing_bytes",
        "_framing_since",
        "_head_bytes",
        "_headers",
        "_hosts",
        "_in_head",
        "_known_bytes",
        "_known_head",
        "_known_scope",
        "_limit",
        "_parser",
        "_scope",
        "_state",
        "_threshold",
        "_unlike",
        "_url",
        "found",
        "fresh",
        "unfinished",
    )

    def __init__(self, connection: Connection, scope: dict[str, Any], state: dict[str, Any], limit: int) -> None:
        """Read for a connection.

        Args:
            connection: whose exchanges they are.
            scope: what the scopes of all its requests have in common.
            state: the lifespan's state, of which every request has a copy.
            limit: longest head in bytes, and longest run of chunk extensions or trailers.
        """
        self._connection = connection
        self._scope = scope
        self._state = state
        self._limit = self._threshold = limit
        self._parser = self._new_parser()
        self._exchange: Exchange | None = None
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._hosts = 0
        self._expects_continue = self._chunked = False
        self._in_head = False
        self._head_bytes = 0
        self._framing_bytes = 0
        self._framing_since = 0
        # The head of the last request that came in one piece, the length of the whole, and its scope.
        self._known_head = b""
        self._known_bytes = 0
        self._known_scope: dict[str, Any] = {}
        self._unlike = 0
        self.found: list[Exchange] = []
        self.unfinished = False
        self.fresh = False

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        # What follows a request that ends the connection is skipped, not refused: that request gets its answer.
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

    @property
    def begun(self) -> bool:
        """Part of a request is here, and part of it is not."""
        return self.unfinished and (self._in_head or self._exchange is not None)

    def close(self) -> None:
        """Read no more: parser and reader would keep each other alive."""
        del self._parser

    def feed(self, data: bytes) -> None:
        """Read what has arrived.

        Raises:
            RefusedError: the request that it belongs to is not to be read further. What was found before it stands;
                where the last one found is not whole, it is the one refused.
        """
        at_start = not self.unfinished
        if at_start and len(data) == self._known_bytes and data.startswith(self._known_head):
            self._repeat(data)
            return
        # An upper bound of the head, which costs nothing: a head is measured only where the bound is over the limit.
        if self._in_head:
            self._head_bytes += len(data)
        else:
            self._head_bytes = len(data)
            self._threshold = self._limit
        self.unfinished = True
        self._parse(data)
        if self.unfinished:
            if self._in_head:
                self._measure_unfinished_head()
            elif self._exchange is not None:
                self._measure_framing(self._exchange, len(data))
        elif at_start and self._unlike < _MOST_UNLIKE:
            self._remember(data)

    def _parse(self, data: bytes) -> None:
        rest = b""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            if isinstance(cause, RefusedError):
                raise cause from None
            logger.exception("reading a request failed")  # a bug of ours, not the client's
            raise RefusedError("crash") from None
        except httptools.HttpParserError:
            raise RefusedError("malformed") from None
        else:
            return
        self._parse_as_if_never_asked_to_upgrade(rest)

    def _parse_as_if_never_asked_to_upgrade(self, rest: bytes) -> None:
        # The parser takes a request with `Upgrade` for one without a body, whose body would then be read as the next
        # request: Java's HttpClient sends `Upgrade: h2c` with its first POST, and an attacker with what he wants to
        # smuggle. A server may ignore the field (RFC 9110 section 7.8), so the head is read again without it.
        scope = self.found.pop().scope
        if scope["method"] == "CONNECT":
            raise RefusedError("malformed")
        fields = [b"%b: %b\r\n" % field for field in scope["headers"] if field[0] != b"upgrade"]
        line = f"{scope['method']} ".encode() + self._url + f" HTTP/{scope['http_version']}\r\n".encode()
        self._parser = self._new_parser()
        self._parse(b"".join([line, *fields, b"\r\n", rest]))

    # What the parser calls

    def on_message_begin(self) -> None:
        """A request begins."""
        if self.found and len(self.found) > _MAX_PIPELINED:
            raise RefusedError("deep_pipeline")
        self._url = b""
        self._headers = []
        self._hosts = 0
        self._expects_continue = self._chunked = False
        self._in_head = self.unfinished = self.fresh = True

    def on_url(self, url: bytes) -> None:
        """A piece of the request target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or of the trailer, which ``on_headers_complete`` sees to."""
        name = name.lower()
        if name in _WATCHED:
            if name == b"host":
                self._hosts += 1
            elif name == b"expect":
                self._expects_continue = value.rstrip(b" \t").lower() == b"100-continue"
            elif value.lower() == b"chunked":
                self._chunked = True
            else:
                raise RefusedError("malformed")  # no other coding is understood here (RFC 9112 section 6.1)
        # The parser leaves the white space behind a value, which is no part of it (RFC 9110 section 5.5).
        self._headers.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """The head is here: make an exchange of it."""
        self._in_head = False
        if self._head_bytes > self._threshold and self._measure_head() > self._limit:
            raise RefusedError(self._too_long())
        parser, url, headers = self._parser, self._url, self._headers
        # Fields of the trailer go to a list that nobody reads: merged into the headers they would be headers that no
        # proxy in front has seen (RFC 9110 section 6.5.1).
        self._headers = []
        version = parser.get_http_version()
        if version == "1.1":
            keep_alive = parser.should_keep_alive()
            if self._hosts != 1:
                raise RefusedError("malformed")  # RFC 9112 section 3.2
        elif version == "1.0":
            keep_alive = self._expects_continue = False
        else:
            raise RefusedError("malformed")
        scope = self._scope.copy()
        scope["http_version"] = version
        scope["method"] = parser.get_method().decode("ascii")
        scope["headers"] = headers
        scope["state"] = self._state.copy()
        if url[:1] == b"/" and b"?" not in url and b"%" not in url and b"#" not in url:
            scope["path"] = url.decode("ascii")
            scope["raw_path"] = url
            scope["query_string"] = b""
        else:
            scope["path"], scope["raw_path"], scope["query_string"] = _split(url)
        exchange = Exchange(self._connection, scope, keep_alive=keep_alive, expects_continue=self._expects_continue)
        self._exchange = exchange
        # No framing has been seen yet, and the head that came in the same bytes is none.
        self._framing_since = -1
        self.found.append(exchange)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if self._exchange is not None:
            self._exchange.feed(body)

    def on_message_complete(self) -> None:
        """The request is here to its last byte."""
        self.unfinished = False
        # What follows in the same bytes begins somewhere among them.
        self._threshold = _MEASURE
        self._head_bytes = 0
        if self._exchange is not None:
            if self._headers and not self._parser.should_keep_alive():
                # The parser heeds a `Connection: close` in the trailer and skips whatever follows: so must we.
                self._exchange.keep_alive = False
            self._exchange.end()
            self._exchange = None

    # Heads that repeat

    def _remember(self, data: bytes) -> None:
        """Keep the head of a request that came in one piece, alone, in case that the next one's is the same."""
        self._unlike += 1
        exchange = self.found[0]
        size = len(data) - exchange.received_bytes
        # Where a blank line precedes the head or follows the body, the head is not what the body leaves.
        if (
            len(self.found) == 1
            and exchange.keep_alive
            and not self._chunked
            and size <= _LONGEST_KNOWN
            and data.find(b"\r\n\r\n") == size - 4
        ):
            self._known_head = data[:size]
            self._known_bytes = len(data)
            self._known_scope = dict(exchange.scope)
            self._known_scope["headers"] = Head(exchange.scope["headers"])

    def _repeat(self, data: bytes) -> None:
        """Take a request whose head is the one before to the byte, its length included: what it means is known.

        So the parser need not see it; between two requests it stands where it stood. (A sixth of a delete's time)
        """
        self._unlike = 0
        scope = self._known_scope.copy()
        scope["state"] = self._state.copy()
        exchange = Exchange(self._connection, scope, keep_alive=True, expects_continue=False)
        size = len(self._known_head)
        exchange.take_whole(data[size:])
        self.found.append(exchange)

    # Limits, off the fast path

    def _measure_head(self) -> int:
        """The head so far in bytes, without optional white space and a field still arriving."""
        fields = sum(len(name) + len(value) + len(b": \r\n") for name, value in self._headers)
        return len(b"GET  HTTP/1.1\r\n\r\n") + len(self._url) + fields

    def _too_long(self) -> Refusal:
        return "long_target" if len(self._url) > self._limit else "long_head"

    def _measure_unfinished_head(self) -> None:
        if not self._head_bytes:
            self._head_bytes = self._measure_head()
        if self._head_bytes > self._limit:
            raise RefusedError(self._too_long())

    def _measure_framing(self, exchange: Exchange, size: int) -> None:
        # Chunk extensions and trailers never surface as a body, and the parser gathers a trailer's value in memory.
        if exchange.received_bytes != self._framing_since:
            self._framing_since = exchange.received_bytes
            self._framing_bytes = 0
        else:
            self._framing_bytes += size
            if self._framing_bytes > self._limit:
                raise RefusedError("long_framing")


def _split(target: bytes) -> tuple[str, bytes, bytes]:
    """Path decoded, path and query of a request target (RFC 9112 section 3.2).

    Raises:
        RefusedError: it is none.
    """
    if target == b"*":
        return "*", b"*", b""
    try:
        url = httptools.parse_url(target)
    except httptools.HttpParserInvalidURLError:
        raise RefusedError("malformed") from None
    path = url.path or b"/"
    return unquote(path.decode("ascii")), path, url.query or b""
