"""Responses of Wethod for the fuzzer to mutate, and the expected reading of each."""

from __future__ import annotations

from dataclasses import dataclass

from tests.faults.cuts import EMPTY, OK
from tests.faults.fault import Cut
from tests.faults.heads import GARBAGE, GRAMMAR, INTERIM, REJECTION


@dataclass(frozen=True, slots=True)
class Read:
    """The parsed bytes: status, whole body, and whether another request may follow."""

    status: int
    body: bytes | None
    reusable: bool = False


# The interim responses after which a connection carries no other request.
ENDING = {"continue-1-0", "continue-with-close"}

WELL_FORMED = {
    "content-length": (OK + b"Content-Length: 2\r\n\r\nhi", Read(200, b"hi", reusable=True)),
    "no-body": (OK + EMPTY, Read(200, b"", reusable=True)),
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
        Read(200, b"hi"),
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
    **{
        f"interim-{name}": (data + OK + b"Content-Length: 2\r\n\r\nhi", Read(200, b"hi", reusable=name not in ENDING))
        for name, (_, data) in INTERIM.items()
    },
    "interim-length-of-response": (
        b"HTTP/1.1 104 Odd\r\nContent-Length: %d\r\n\r\n" % len(REJECTION) + REJECTION + OK + EMPTY,
        Read(404, b'{"key":"x"}'),
    ),
    "upgrade-offered": (
        OK + b"Upgrade: h2,h2c\r\nConnection: Upgrade, Keep-Alive\r\nContent-Length: 2\r\n\r\nhi",
        Read(200, b"hi", reusable=True),
    ),
    "101": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", Read(101, b"")),
    "101-bare": (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", Read(101, b"")),
    "identity": (OK + b"Content-Encoding: identity\r\nContent-Length: 2\r\n\r\nhi", Read(200, b"hi", reusable=True)),
    "gzip": (OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi", Read(200, None, reusable=True)),
    "gzip-chunked": (
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        Read(200, None, reusable=True),
    ),
}

NO_REPLY = {
    **{name: data for name, (_, data) in GARBAGE.items()},
    **{name: data for name, (_, data, _, llhttp) in GRAMMAR.items() if llhttp == Cut()},
    "html-before-a-reply": b"<html>" + OK + b"\r\n",
    "space-first": b" " + OK + EMPTY,
    "another-protocol": b"RTSP/1.0 200 OK\r\n" + EMPTY,
    "another-protocol-after-an-interim-head": b"HTTP/1.1 103 E\r\n\r\nRTSP/1.1 200 OK\r\n" + EMPTY,
    "version-0.9": b"HTTP/0.9 200 OK\r\n" + EMPTY,
    "no-reply-and-a-reply": b"HTTP/1.1 099 Odd\r\n" + EMPTY + OK + EMPTY,
    "status-below-100": b"HTTP/1.1 099 Odd\r\n" + EMPTY,
    "bare-cr-in-field": OK + b"A: b\rc\r\n" + EMPTY,
    "list-of-lengths": OK + b"Content-Length: 2, 3\r\n\r\nhi",
    "chunked-and-length": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "garbage-behind-interim": b"HTTP/1.1 100 Continue\r\n\r\ngarbage",
}

CUT_BODIES = {
    "shorter-than-its-length": OK + b"Content-Length: 3\r\n\r\nhi",
    "no-last-chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
    "no-end-of-trailers": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nA: b\r\n",
    "no-chunk-size": OK + b"Transfer-Encoding: chunked\r\n\r\nhi\r\n0\r\n\r\n",
    "more-than-the-chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi!\r\n0\r\n\r\n",
}
