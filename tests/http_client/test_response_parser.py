"""Bytes of any shape and size become one response, or none."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http_client.response_parser import MAX_HEAD_BYTES, ResponseParser
from app.http_client.transport import MAX_BODY_BYTES

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


@pytest.mark.parametrize(
    ("head", "body"),
    [
        pytest.param(OK + b"\r\n", b"hi", id="body"),
        pytest.param(OK + b"\r\n", b"", id="empty"),
        pytest.param(b"HTTP/1.0 404 Not Found\r\nA: b\r\n\r\n", b"hi", id="1.0"),
        pytest.param(OK + b"Connection: keep-alive\r\n\r\n", b"hi", id="keep-alive"),
    ],
)
def test_the_end_of_the_connection_ends_a_body_without_a_length(head: bytes, body: bytes) -> None:
    """Not before it, and nothing may follow."""
    status = int(head[9:12])
    assert read([head, *cut(body, [1])])[1] == Read(status)
    assert read([head, *cut(body, [1])], ends=True)[1] == Read(status, body)


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


def test_a_body_has_a_longest_size() -> None:
    """One of exactly that size is read; one byte more is not, and is known to be unreadable before its end."""
    longest = b"x" * MAX_BODY_BYTES
    for body, expected in ((longest, Read(200, longest, reusable=True)), (longest + b"x", Read(200))):
        data = OK + b"Content-Length: %d\r\n\r\n" % len(body) + body
        assert read(cut(data, range(0, len(data), 65_536)))[1] == expected
    reader, _ = read([OK + b"\r\n", *(b"x" * 65_536 for _ in range(17))])
    assert reader.is_settled("whole")
    assert not reader.complete


@pytest.mark.parametrize("start", [b"1;", b"0\r\nA: "], ids=["chunk-extension", "trailer"])
def test_what_is_not_body_has_a_longest_size_too(start: bytes) -> None:
    """An endless chunk extension or trailer is no way to fill the memory."""
    reader, _ = read([OK + b"Transfer-Encoding: chunked\r\n\r\n" + start])
    for size in range(0, 2 * MAX_BODY_BYTES, 65_536):
        assert not reader.broken, size
        reader.feed(b"x" * 65_536)
    assert reader.broken
    assert not reader.complete


@pytest.mark.parametrize(
    ("data", "ends", "settled", "body"),
    [
        pytest.param(OK + b"Content-Length: 9\r\n\r\n", False, False, None, id="nothing-yet"),
        pytest.param(OK + b"Content-Length: 9\r\n\r\n<", False, True, b"<", id="a-character"),
        pytest.param(OK + b"Content-Length: 9\r\n\r\n \r\n\t", False, False, None, id="white-space"),
        pytest.param(OK + b"Content-Length: 9\r\n\r\n\xef\xbb", False, False, None, id="half-a-bom"),
        pytest.param(OK + b"Content-Length: 9\r\n\r\n\xef\xbb\xbf\r\n", False, False, None, id="bom-and-white-space"),
        pytest.param(
            OK + b"Content-Length: 9\r\n\r\n\xef\xbb\xbf\r\n<",
            False,
            True,
            b"\xef\xbb\xbf\r\n<",
            id="bom-and-character",
        ),
        pytest.param(OK + b"Content-Length: 3\r\n\r\n \r\n", False, True, b" \r\n", id="blank"),
        pytest.param(OK + b"\r\n  ", True, True, b"  ", id="blank-until-the-end"),
        pytest.param(OK + b"Content-Length: 0\r\n\r\n", False, True, b"", id="no-body"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n", False, False, None, id="no-byte-of-a-chunk"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n?", False, True, None, id="no-chunk"),
        pytest.param(OK + b"\r\n", True, True, b"", id="ended-without-a-byte"),
        pytest.param(OK + b"Content-Encoding: br\r\nContent-Length: 9\r\n\r\n<", False, True, None, id="encoded"),
    ],
)
def test_the_first_character_is_enough_where_no_more_is_needed(
    data: bytes, *, ends: bool, settled: bool, body: bytes | None
) -> None:
    """Settled by a character, by the end without one, or by what makes the body unreadable."""
    reader, _ = read([data], ends=ends)
    assert reader.is_settled("first") is settled
    assert reader.body("first") == body


def test_a_close_in_a_trailer_forbids_another_request() -> None:
    """The parser reads nothing behind it: what follows on that connection would be no reply at all."""
    data = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nConnection: close\r\n\r\n"
    for way in ([data], cut(data, range(len(data)))):
        assert read(way)[1] == Read(200, b"hi")


def test_replies_follow_each_other_on_one_connection() -> None:
    """Each begins with nothing of the one before it."""
    reader = ResponseParser()
    for data, expected in WELL_FORMED.values():
        if not expected.reusable:
            continue
        reader.feed(data)
        assert (reader.status, reader.body("whole")) == (expected.status, expected.body)
        assert reader.complete
        assert not reader.broken
        reader.reset()


@given(
    st.sampled_from(sorted(WELL_FORMED)),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 3), st.binary(max_size=3)), max_size=3),
    st.lists(st.integers(0, 400), max_size=6),
    st.booleans(),
)
def test_mutated_bytes_are_never_two_things(
    name: str,
    edits: list[tuple[int, int, bytes]],
    places: list[int],
    ends: bool,  # noqa: FBT001 - from hypothesis
) -> None:
    """Any bytes parse the same however they are cut, and a broken connection is not used again."""
    data = WELL_FORMED[name][0]
    for start, length, replacement in edits:
        data = data[:start] + replacement + data[start + length :]
    if not data:
        return
    whole, expected = read([data], ends=ends)
    pieces, got = read(cut(data, places), ends=ends)
    assert got == expected
    assert (pieces.broken, pieces.headers) == (whole.broken, whole.headers)
    assert not (expected.reusable and whole.broken)


REPLIES = [data for data, expected in WELL_FORMED.values() if expected.reusable]


@given(
    st.lists(st.sampled_from(REPLIES), min_size=1, max_size=5), st.sampled_from([b"", b"\r\n", b"x", b"HTTP/1.1 200"])
)
def test_what_came_before_changes_nothing(replies: list[bytes], stray: bytes) -> None:
    """Each reply is read as by a new reader, however often it came before, and so is what follows the last one."""
    reader = ResponseParser()
    for data in (*replies, *replies[-1:], *replies[-1:]):
        reader.feed(data)
        fresh, _ = read([data])
        assert (reader.status, reader.headers, reader.keeps_alive, reader.received, reader.received) == (
            fresh.status,
            fresh.headers,
            fresh.keeps_alive,
            fresh.received,
            fresh.received,
        )
        assert (reader.complete, reader.broken) == (True, False)
        assert reader.body("whole") == fresh.body("whole")
        reader.reset()
    reader.feed(replies[-1] + stray)
    assert reader.broken is bool(stray)
    assert reader.body("whole") == read([replies[-1]])[0].body("whole")
