"""Bytes of any shape and size become one response, or none."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from app.http_client.response_parser import MAX_HEAD_BYTES, ResponseParser

if TYPE_CHECKING:
    from collections.abc import Iterable

OK = b"HTTP/1.1 200 OK\r\n"


@dataclass(frozen=True, slots=True)
class Read:
    """The parsed bytes: status, whole body, and whether another request may follow."""

    status: int | None
    body: bytes | None = None
    reusable: bool = False


NOTHING_YET = Read(None)


def read(pieces: Iterable[bytes], *, ends: bool = False) -> tuple[ResponseParser, Read]:
    """Feed a new reader."""
    reader = ResponseParser()
    for piece in pieces:
        reader.feed(piece)
    if ends:
        reader.feed_eof()
    return reader, Read(
        reader.status if reader.head_complete else None,
        reader.body("whole"),
        reader.complete and reader.keeps_alive and not reader.broken,
    )


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Cut bytes into pieces at places."""
    edges = sorted({0, len(data), *(place for place in places if place < len(data))})
    return [data[start:end] for start, end in itertools.pairwise(edges)]


WELL_FORMED = {
    "content-length": (OK + b"Content-Length: 2\r\n\r\nhi", Read(200, b"hi", reusable=True)),
    "no-body": (OK + b"Content-Length: 0\r\n\r\n", Read(200, b"", reusable=True)),
    "no-reason": (b"HTTP/1.1 404\r\nContent-Length: 2\r\n\r\nhi", Read(404, b"hi", reusable=True)),
    "body-of-line-ends": (OK + b"Content-Length: 4\r\n\r\n\r\n\r\n", Read(200, b"\r\n\r\n", reusable=True)),
    "chunked": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3;a=b\r\n yo\r\n0\r\n\r\n",
        Read(200, b"hi yo", reusable=True),
    ),
    "trailers": (
        OK + b"Transfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\nStatus: 500\r\nX: y\r\n\r\n",
        Read(200, b"hi", reusable=True),
    ),
    "close": (OK + b"Content-Length: 2\r\nConnection: close\r\n\r\nhi", Read(200, b"hi")),
    "1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", Read(200, b"hi")),
    "1.0-keep-alive": (
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
        Read(200, b"hi", reusable=True),
    ),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", Read(204, b"", reusable=True)),
    "204-with-length": (b"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", Read(204, b"", reusable=True)),
    "304": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", Read(304, b"", reusable=True)),
    "600": (b"HTTP/1.1 600 Odd\r\nContent-Length: 2\r\n\r\nhi", Read(600, b"hi", reusable=True)),
    "999": (b"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nhi", Read(999, b"hi", reusable=True)),
    "interim": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 199 Odd\r\n\r\n"
        + OK
        + b"Content-Length: 2\r\n\r\nhi",
        Read(200, b"hi", reusable=True),
    ),
    "interim-with-a-body": (
        b"HTTP/1.1 199 Odd\r\nContent-Length: 2\r\n\r\nno" + OK + b"Content-Length: 2\r\n\r\nhi",
        Read(200, b"hi", reusable=True),
    ),
    "upgrade-offered": (
        OK + b"Upgrade: h2,h2c\r\nConnection: Upgrade, Keep-Alive\r\nContent-Length: 2\r\n\r\nhi",
        Read(200, b"hi", reusable=True),
    ),
    "101": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", Read(101, b"")),
    "101-bare": (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", Read(101, b"")),
    "identity": (
        OK + b"Content-Encoding: identity\r\nContent-Length: 2\r\n\r\nhi",
        Read(200, b"hi", reusable=True),
    ),
    "gzip": (OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi", Read(200, None, reusable=True)),
    "gzip-chunked": (
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        Read(200, None, reusable=True),
    ),
}


@pytest.mark.parametrize(("data", "expected"), WELL_FORMED.values(), ids=WELL_FORMED)
def test_a_reply_reads_the_same_however_it_is_cut(data: bytes, expected: Read) -> None:
    """Whole, byte by byte, and in two pieces at every place."""
    ways = [[data], [bytes([byte]) for byte in data], *(cut(data, [place]) for place in range(1, len(data)))]
    assert {read(way)[1] for way in ways} == {expected}


@pytest.mark.parametrize(
    "behind",
    [
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"x",
        b"H",
        OK,
        OK + b"Content-Length: 0\r\n\r\n",
        OK + b"Content-Length: 2\r\n\r\nno",
    ],
    ids=["crlf", "lf", "cr", "space", "letter", "h", "head", "reply", "reply-with-a-body"],
)
@pytest.mark.parametrize(("data", "expected"), WELL_FORMED.values(), ids=WELL_FORMED)
def test_a_byte_behind_a_reply_forbids_another_request(data: bytes, expected: Read, behind: bytes) -> None:
    """The parsed response stays valid, in one piece with the bytes behind it or apart from them."""
    for way in ([data + behind], [data, behind], [data[:-1], data[-1:] + behind]):
        reader, got = read(way)
        assert got == Read(expected.status, expected.body, reusable=False)
        assert reader.broken


NO_REPLY = {
    "text": b"SSH-2.0-OpenSSH_9.6\r\n",
    "html": b"<html>HTTP/1.1 200 OK\r\n\r\n",
    "http-2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "blank-line-first": b"\r\n" + OK + b"Content-Length: 0\r\n\r\n",
    "space-first": b" " + OK + b"Content-Length: 0\r\n\r\n",
    "another-protocol": b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "version-2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "version-0.9": b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no-reply-and-a-reply": b"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
    "no-such-version": b"HTTP/1.7 200 OK\r\nContent-Length: 0\r\n\r\n",
    "status-of-two-digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "status-of-four-digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "status-below-100": b"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n",
    "status-of-letters": b"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
    "field-without-colon": OK + b"Content-Length 0\r\n\r\n",
    "space-before-colon": OK + b"Content-Length : 0\r\n\r\n",
    "folded-field": OK + b"A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "nul-in-field": OK + b"A: \x00\r\nContent-Length: 0\r\n\r\n",
    "bare-cr-in-field": OK + b"A: b\rc\r\nContent-Length: 0\r\n\r\n",
    "bare-lf": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "two-lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
    "list-of-lengths": OK + b"Content-Length: 2, 3\r\n\r\nhi",
    "negative-length": OK + b"Content-Length: -2\r\n\r\nhi",
    "length-past-64-bits": OK + b"Content-Length: 99999999999999999999\r\n\r\nhi",
    "length-and-chunked": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "chunked-and-length": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "garbage-behind-interim": b"HTTP/1.1 100 Continue\r\n\r\ngarbage",
}


@pytest.mark.parametrize("data", NO_REPLY.values(), ids=NO_REPLY)
def test_what_is_no_reply_has_no_status(data: bytes) -> None:
    """A head that is not well-formed is none, however it is cut."""
    for way in ([data], [bytes([byte]) for byte in data]):
        reader, got = read(way)
        assert got == NOTHING_YET
        assert reader.broken


CUT_BODIES = {
    "shorter-than-its-length": OK + b"Content-Length: 3\r\n\r\nhi",
    "no-last-chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
    "no-end-of-trailers": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nA: b\r\n",
    "no-chunk-size": OK + b"Transfer-Encoding: chunked\r\n\r\nhi\r\n0\r\n\r\n",
    "more-than-the-chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi!\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("ends", [False, True], ids=["goes-on", "ends"])
@pytest.mark.parametrize("data", CUT_BODIES.values(), ids=CUT_BODIES)
def test_a_cut_body_leaves_the_status(data: bytes, *, ends: bool) -> None:
    """From the end of the head on the status stands."""
    assert read([data], ends=ends)[1] == Read(200)
    assert read(cut(data, range(len(data))), ends=ends)[1] == Read(200)


def test_fields_are_complete_with_names_in_lower_case() -> None:
    """Repeated ones included, without the white space around values, without interim ones and trailers."""
    reader, _ = read(
        [
            b"HTTP/1.1 103 Early\r\nLink: no\r\n\r\n" + OK + b"Set-Cookie:a\r\nX-UPPER: \t \r\nset-cookie:  b, c \t\r\n"
            b"Latin: \xe9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTrailer: no\r\n\r\n"
        ]
    )
    assert reader.headers == {
        b"set-cookie": b"a",
        b"x-upper": b"",
        b"latin": b"\xe9",
        b"transfer-encoding": b"chunked",
    }
    assert reader.headers.repeated == {b"set-cookie": [b"a", b"b, c"]}


@pytest.mark.parametrize("size", [1, 1000, 10 * MAX_HEAD_BYTES])
def test_a_head_has_a_longest_size(size: int) -> None:
    """One of exactly that size is read, one byte more is none; interim heads count."""
    start = b"HTTP/1.1 100 Continue\r\n\r\n" * 100 + OK + b"Content-Length: 2\r\nA: "
    longest = start + b"x" * (MAX_HEAD_BYTES - len(start) - 4) + b"\r\n\r\n"
    for data, expected in ((longest, Read(200, b"hi", reusable=True)), (longest[:-4] + b"x\r\n\r\n", NOTHING_YET)):
        assert read(cut(data + b"hi", range(0, len(data), size)))[1] == expected
