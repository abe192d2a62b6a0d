"""The server's request parser under mutated requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from app.server.error_responses import CRASH, FRAMING_TOO_LONG, HEAD_TOO_LONG, TARGET_TOO_LONG, RejectedRequestError
from app.server.request_parser import RequestParser
from tests.attack.catalogue import ATTACKS
from tests.fuzz.mutations import in_a_row, mutate, split
from tests.fuzz.reference import Request, read_requests
from tests.server.serving import request
from tests.server.wire import CHUNKED, GOOD, LAST

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator

    from app.server.error_responses import ErrorResponse
    from app.server.exchange import Channel, Exchange

LIMIT = 1_024
"""Bytes of a head, so that mutations reach the limit."""

CORPUS = [
    *GOOD,
    *filter(None, LAST),
    CHUNKED + b"5\r\nhello\r\n0\r\n\r\n" + GOOD[0],
    b"GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n",
    b"GET / HTTP/1.0\r\nHost: a%C3%A9:\r\n\r\n",
    CHUNKED + b"5\r\nhello\r\n0\r\nTrailer: " + b"t" * LIMIT + b"\r\n\r\n",
    CHUNKED + b"5;e=" + b"e" * LIMIT + b"\r\nhello\r\n0\r\n\r\n",
    request(b"/body", b"b" * LIMIT) + request(b"/next", b"{}", b"POST", b"X: " + b"v" * (LIMIT - 100)),
    *(attack.data for attack in ATTACKS.values() if len(attack.data) < 1_500),
]


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of parsing.

    Attributes:
        requests: the complete requests.
        error: the reason why the rest is not read; None if it is.
        unfinished: the head of another request is complete.
        endless: the error if what has begun never ends; None if nothing has begun.
    """

    requests: tuple[Request, ...]
    error: ErrorResponse | None
    unfinished: bool
    endless: ErrorResponse | None = field(default=None, compare=False)

    @property
    def too_long(self) -> bool:
        return self.error in {HEAD_TOO_LONG, TARGET_TOO_LONG, FRAMING_TOO_LONG}


def read(pieces: Iterable[bytes]) -> Reading:
    """Feed a parser, and take the requests after each piece, as its connection does."""
    parser = RequestParser(cast("Channel", None), {}, LIMIT)
    found: list[Exchange] = []
    error: ErrorResponse | None = None
    for piece in pieces:
        try:
            parser.feed(piece)
        except RejectedRequestError as rejected:
            error = rejected.response
        found += parser.found
        parser.found.clear()
        if error:
            break
    found = list(_up_to_the_last(found))
    whole = [exchange for exchange in found if exchange.complete]
    endless: ErrorResponse | None = None
    if parser.begun and not error and len(whole) == len(found):
        try:
            parser.feed(b"x" * LIMIT)
            parser.feed(b"x")
        except RejectedRequestError as rejected:
            endless = rejected.response
        assert endless, "a head without end is read on"
    return Reading(tuple(map(_summary, whole)), error, len(whole) != len(found), endless)


def _up_to_the_last(found: Iterable[Exchange]) -> Iterator[Exchange]:
    """The requests up to the one that ends the connection."""
    for exchange in found:
        yield exchange
        if not exchange.keep_alive:
            return


def _summary(exchange: Exchange) -> Request:
    scope: dict[str, Any] = cast("dict[str, Any]", exchange.scope)
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    return Request(
        scope["method"].encode(),
        target,
        scope["http_version"].encode(),
        tuple(scope["headers"]),
        exchange._body,  # noqa: SLF001 - what the application would be given
        exchange.keep_alive,
    )


def plain(request: Request) -> tuple[object, ...]:
    """A request without the parts that the gateway reads differently on purpose: `Upgrade`, and the target."""
    fields = tuple((name, value) for name, value in request.fields if name != b"upgrade")
    return request.method, request.version, fields, request.body, request.keeps_alive


def check(rng: random.Random) -> None:
    """Read one input in two ways and compare.

    Raises:
        AssertionError: the reading differs in pieces, or from the RFC's, or is an internal error.
    """
    examine(in_a_row(rng, mutate(rng, CORPUS)), rng)


def examine(packets: list[bytes], rng: random.Random) -> None:
    """Compare the readings of one input: as these packets, and as others."""
    data = b"".join(packets)
    whole = read(packets)
    assert whole.error is not CRASH
    apart = read(split(rng, data))
    if whole.too_long or apart.too_long:
        # Parsing stops at the limit, and the cuts decide at which byte. The limit of a head does not count the framing
        # of a body.
        if FRAMING_TOO_LONG not in {whole.error, apart.error}:
            assert whole.error or whole.endless
            assert apart.error or apart.endless
        shorter, longer = sorted((whole.requests, apart.requests), key=len)
        assert longer[: len(shorter)] == shorter
    else:
        assert whole == apart
    expected = read_requests(data)
    count = len(whole.requests)
    assert list(map(plain, whole.requests)) == list(map(plain, expected[:count]))
    if not whole.error:
        assert count == len(expected)
