"""The reader of Wethod's replies under mutated ones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.headers import Headers, parse_headers
from app.http_client.response_parser import ResponseParser
from tests.faults.cuts import OK
from tests.fuzz.mutations import mutate, split
from tests.fuzz.reference import read_answer
from tests.fuzz.responses import CUT_BODIES, NO_REPLY, WELL_FORMED

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

STRICTER = re.compile(
    rb"chunked[ \t]+\r\n|Transfer-Encoding:[ \t]*\r\n"
    rb"|\n[0-9a-f]+(?!;[a-z]=[a-z]\r\n)[ \t;]"
    rb"|\n0.*(?:Connection|Content-Length|Transfer-Encoding):",
    re.IGNORECASE | re.DOTALL,
)
"""Inputs for which the parser is stricter than the RFC requires.

A coding without a name or with white space after it, trailers that name the connection or a length, chunk extensions
of another form.
"""

CORPUS = [
    *(data for data, _ in WELL_FORMED.values()),
    *NO_REPLY.values(),
    *CUT_BODIES.values(),
    OK + b"\r\nhi",
    OK + b"Content-Type: text/html\r\nContent-Length: 9\r\n\r\n<html>hi!",
    OK + b"Content-Type: text/html\r\nContent-Length: 9\r\n\r\n\xef\xbb\xbf \r\n<p>",
    b'HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"key": "not_found"}',
    b"HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
]


@dataclass(frozen=True, slots=True)
class Reading:
    """The parsed bytes.

    Attributes:
        status: the status; 0 where no head came.
        headers: the fields of that head, the first value of each.
        complete: the whole reply is there.
        body: its body; None if it is missing or cannot be read.
        first: the byte that decides the first character of the body.
        reusable: another request may follow.
        broken: some bytes are not part of one reply.
    """

    status: int
    headers: Headers
    complete: bool
    body: bytes | None
    first: bytes | None
    reusable: bool
    broken: bool


def first_character(body: bytes | None) -> bytes | None:
    """The first byte behind white space and a byte order mark: it is the same in a body that is cut elsewhere."""
    return body and body.lstrip(b" \t\r\n\f\v\xef\xbb\xbf")[:1]


def read(pieces: Iterable[bytes], *, ended: bool) -> Reading:
    reader = ResponseParser()
    for piece in pieces:
        reader.feed(piece)
    if ended:
        reader.feed_eof()
    return Reading(
        reader.status if reader.head_complete else 0,
        reader.headers,
        reader.complete,
        reader.body("whole"),
        first_character(reader.body("first")),
        reader.complete and reader.keeps_alive and not reader.broken,
        reader.broken,
    )


def check(rng: random.Random) -> None:
    """Read one input in two ways and compare.

    Raises:
        AssertionError: the reading differs in pieces, or has more than the RFC allows.
    """
    examine(mutate(rng, CORPUS), rng)


def examine(data: bytes, rng: random.Random) -> None:
    if not data:
        return
    ended = rng.random() < 0.5
    whole = read([data], ended=ended)
    assert whole == read(split(rng, data), ended=ended)
    expected = read_answer(data, ended=ended)
    if whole.status:
        assert (whole.status, whole.headers) == (expected.status, parse_headers(expected.fields))
    if whole.body is not None:
        assert whole.body == expected.body
    assert not whole.reusable or expected.keeps_alive
    if expected.keeps_alive and not STRICTER.search(data):
        assert (whole.status, whole.complete, whole.reusable) == (expected.status, True, True)
