"""The server's request reader under mutated requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from app.server.reader import RequestReader
from app.server.refusals import RefusedError
from tests.attack.catalogue import ATTACKS
from tests.fuzz.mutations import in_a_row, mutate, split
from tests.fuzz.reference import Request, read_requests
from tests.server.serving import request
from tests.server.test_segments import CHUNKED, GOOD, LAST

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator

    from app.server.exchange import Exchange
    from app.server.protocol import Connection

LIMIT = 1_024
"""Bytes of a head, so that mutations reach the limit."""

CORPUS = [
    *GOOD,
    *filter(None, LAST),
    CHUNKED + b"5\r\nhello\r\n0\r\n\r\n" + GOOD[0],
    CHUNKED + b"5\r\nhello\r\n0\r\nTrailer: " + b"t" * LIMIT + b"\r\n\r\n",
    CHUNKED + b"5;e=" + b"e" * LIMIT + b"\r\nhello\r\n0\r\n\r\n",
    request(b"/body", b"b" * LIMIT) + request(b"/next", b"{}", b"POST", b"X: " + b"v" * (LIMIT - 100)),
    *(attack.data for attack in ATTACKS.values() if len(attack.data) < 1_500),
]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader made of bytes.

    Attributes:
        requests: those that are whole.
        refusal: why the rest is not read; empty where it is.
        unfinished: whether the head of another one is there.
        endless: why what has begun is refused if it never ends; empty where nothing has begun.
    """

    requests: tuple[Request, ...]
    refusal: str
    unfinished: bool
    endless: str = field(default="", compare=False)


def read(pieces: Iterable[bytes]) -> Reading:
    """Feed a reader as its connection does, which takes what it has found each time."""
    reader = RequestReader(cast("Connection", None), {}, {}, LIMIT)
    found: list[Exchange] = []
    refusal = ""
    for piece in pieces:
        try:
            reader.feed(piece)
        except RefusedError as error:
            refusal = error.refusal
        found += reader.found
        reader.found.clear()
        if refusal:
            break
    found = list(_up_to_the_last(found))
    whole = [exchange for exchange in found if exchange.read_whole]
    endless = ""
    if reader.begun and not refusal and len(whole) == len(found):
        try:
            reader.feed(b"x" * LIMIT)
            reader.feed(b"x")
        except RefusedError as error:
            endless = error.refusal
        assert endless, "a head without end is read on"
    return Reading(tuple(map(_told, whole)), refusal, len(whole) != len(found), endless)


def _up_to_the_last(found: Iterable[Exchange]) -> Iterator[Exchange]:
    """The exchanges that their connection answers: none behind one that ends it."""
    for exchange in found:
        yield exchange
        if not exchange.keep_alive:
            return


def _told(exchange: Exchange) -> Request:
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
    """A request without what the gateway reads otherwise for good reasons: `Upgrade` is dropped, targets are split."""
    fields = tuple((name, value) for name, value in request.fields if name != b"upgrade")
    return request.method, request.version, fields, request.body, request.keeps_alive


def check(chance: random.Random) -> None:
    """Read one input in two ways and compare.

    Raises:
        AssertionError: it reads otherwise in pieces, or otherwise than the RFC says, or as a fault of ours.
    """
    examine(in_a_row(chance, mutate(chance, CORPUS)), chance)


def examine(packets: list[bytes], chance: random.Random) -> None:
    """Compare the readings of one input: as these packets, and as others."""
    data = b"".join(packets)
    whole = read(packets)
    assert whole.refusal != "crash"
    apart = read(split(chance, data))
    if whole.refusal.startswith("long_") or apart.refusal.startswith("long_"):
        # What is behind the limit is not looked at, and how far behind it one looks is up to the pieces. What stands
        # around a body is not counted at all in the bytes that its head came in.
        if "long_framing" not in {whole.refusal, apart.refusal}:
            assert whole.refusal or whole.endless
            assert apart.refusal or apart.endless
        shorter, longer = sorted((whole.requests, apart.requests), key=len)
        assert longer[: len(shorter)] == shorter
    else:
        assert whole == apart
    expected = read_requests(data)
    count = len(whole.requests)
    assert list(map(plain, whole.requests)) == list(map(plain, expected.requests[:count]))
    if not whole.refusal:
        assert count == len(expected.requests)
