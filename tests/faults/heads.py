"""Heads of answers that are unusual, slow, large, or not HTTP."""

from __future__ import annotations

from tests.faults.cuts import EMPTY, OK
from tests.faults.fault import Answered, Cut, Fault, Until, Verdict
from tests.faults.steps import SOUND, CloseProperly, Flood, Hang, Read, Send, SendBelowTls, Trickle, Wait

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
REJECTION = b'HTTP/1.1 404 No\r\nContent-Length: 11\r\n\r\n{"key":"x"}'
REJECTED = Answered(404, b'{"key":"x"}')

# Heads of interim responses: their fields say nothing about the final response (RFC 9112 §6.3).
INTERIM: dict[str, tuple[str, bytes]] = {
    "continue-1-0": ("sends a 100 in HTTP/1.0 first", b"HTTP/1.0 100 Continue\r\n\r\n"),
    "continue-with-close": (
        "sends a 100 with `Connection: close` first",
        b"HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n",
    ),
    "early-hints-with-length": (
        "sends a 103 with a length first",
        b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n",
    ),
    "early-hints-with-upgrade": (
        "sends a 103 that offers another protocol first",
        b"HTTP/1.1 103 Early Hints\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    ),
    "104-with-length": ("sends a 104 with a length first", b"HTTP/1.1 104 Odd\r\nContent-Length: 5\r\n\r\n"),
    "104-with-chunks": ("sends a 104 with chunks first", b"HTTP/1.1 104 Odd\r\nTransfer-Encoding: chunked\r\n\r\n"),
}

# A whole answer; the connection then continues, for a parser that accepts it.
GARBAGE: dict[str, tuple[str, bytes]] = {
    "binary": ("answers with binary data", bytes(range(256))),
    "banner": ("answers with the greeting of a mail server", b"220 mail.example ESMTP ready\r\n\r\n"),
    "icy": ("answers with the status line of internet radio (ICY)", b"ICY 200 OK\r\n" + EMPTY),
    "http-2": ("answers with an HTTP/2 SETTINGS frame", b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
    "http-0-9": ("answers with a body and no head", b"<html>deleted</html>\r\n\r\n"),
    "request": ("sends a request instead of a response", b"DELETE /api/contact/7 HTTP/1.1\r\nHost: gateway\r\n\r\n"),
    "lower-case": ("sends `http` in lower case in the status line", b"http/1.1 200 OK\r\n" + EMPTY),
    "status-letters": ("sends a status with letters", b"HTTP/1.1 2OO OK\r\n" + EMPTY),
    "status-four-digits": ("sends a status of four digits", b"HTTP/1.1 2000 OK\r\n" + EMPTY),
    "status-two-digits": ("sends a status of two digits", b"HTTP/1.1 20 OK\r\n" + EMPTY),
    "status-negative": ("sends a negative status", b"HTTP/1.1 -200 OK\r\n" + EMPTY),
    "no-status": ("sends no status", b"HTTP/1.1\r\n" + EMPTY),
    "header-without-colon": ("sends a header without a colon", OK + b"Content-Length\r\n\r\n"),
    "header-without-name": ("sends a header without a name", OK + b": 0\r\n\r\n"),
    "header-with-nul": ("sends a NUL in a header", OK + b"X: a\0b\r\n" + EMPTY),
    "space-before-colon": ("sends a space before a colon", OK + b"X : a\r\n" + EMPTY),
    "lengths-conflict": ("sends two lengths that differ", OK + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n"),
    "length-negative": ("sends a negative length", OK + b"Content-Length: -1\r\n\r\n"),
    "length-letters": ("sends a length with letters", OK + b"Content-Length: ten\r\n\r\n"),
    "empty-lines-first": ("sends empty lines first", b"\r\n\r\n" + OK + EMPTY),
    "length-and-unknown-coding": (
        "sends a length and an unknown transfer coding",
        OK + b"Content-Length: 0\r\nTransfer-Encoding: magic\r\n\r\n",
    ),
}

# Heads that both parsers accept, and their meaning.
ODD: dict[str, tuple[str, bytes, Verdict]] = {
    "status-600": ("answers 600", b"HTTP/1.1 600 Who Knows\r\n" + EMPTY, Answered(600)),
    "status-999": ("answers 999", b"HTTP/1.1 999 Denied\r\n" + EMPTY, Answered(999)),
    "status-299": ("answers 299", b"HTTP/1.1 299 Fine\r\n" + EMPTY, Answered(299)),
    "no-reason": ("sends no reason phrase", b"HTTP/1.1 200 \r\n" + EMPTY, Answered(200)),
    "latin-1-reason": ("sends a reason phrase in Latin-1", b"HTTP/1.1 200 Gel\xf6scht\r\n" + EMPTY, Answered(200)),
    "latin-1-header": ("sends a header in Latin-1", OK + b"X: \xe9\r\n" + EMPTY, Answered(200)),
    "http-1-0": ("answers in HTTP/1.0", b"HTTP/1.0 200 OK\r\n" + EMPTY, Answered(200)),
    "http-1-0-404": (
        "answers a 404 in HTTP/1.0 without a length",
        b'HTTP/1.0 404 No\r\n\r\n{"key":"x"}',
        Answered(404, b'{"key":"x"}'),
    ),
    "switching": (
        "switches protocols, although the request did not ask for it",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        Answered(101),
    ),
    "redirect": (
        "redirects to another contact",
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /api/contact/8\r\n" + EMPTY,
        Answered(307),
    ),
    "204-with-length": (
        "answers 204 with a length",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 20\r\n\r\n",
        Answered(204),
    ),
    "304-with-length": (
        "answers 304 with a length",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 20\r\n\r\n",
        Answered(304),
    ),
    "continue": ("sends a 100 first", CONTINUE + OK + EMPTY, Answered(200)),
    "early-hints": ("sends a 103 first", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK + EMPTY, Answered(200)),
    "many-continues": ("sends ten 100s first", CONTINUE * 10 + OK + EMPTY, Answered(200)),
    **{name: (does, data + REJECTION, REJECTED) for name, (does, data) in INTERIM.items()},
    "all-interim": (
        "first sends the interim responses of the six rows above, twice",
        b"".join(data for _, data in INTERIM.values()) * 2 + REJECTION,
        REJECTED,
    ),
    "104-with-length-of-404": (
        "sends a 104 with the length of the 404 that follows, then a 200",
        b"HTTP/1.1 104 Odd\r\nContent-Length: %d\r\n\r\n" % len(REJECTION) + REJECTION + OK + EMPTY,
        REJECTED,
    ),
    "status-000": ("answers 000", b"HTTP/1.1 000 None\r\n" + EMPTY, Cut()),
}

# Heads that HTTP's grammar forbids or leaves open, and one parser accepts: the result of h11, then of llhttp.
GRAMMAR: dict[str, tuple[str, bytes, Verdict, Verdict]] = {
    "http-2-0-text": ("answers in HTTP/2.0, as text", b"HTTP/2.0 200 OK\r\n" + EMPTY, Answered(200), Cut()),
    "same-lengths": ("sends the same length twice", OK + b"Content-Length: 0\r\n" + EMPTY, Answered(200), Cut()),
    "bare-line-feeds": (
        "ends lines with LF instead of CRLF",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        Answered(200),
        Cut(),
    ),
    "folded-header": ("sends a folded header", OK + b"X: a\r\n b\r\n" + EMPTY, Answered(200), Cut()),
    "length-and-chunks": (
        "sends a length and chunks",
        OK + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        Answered(200),
        Cut(),
    ),
    "unknown-coding": (
        "uses an unknown transfer coding",
        OK + b"Transfer-Encoding: magic, chunked\r\n\r\n0\r\n\r\n",
        Cut(),
        Answered(200),
    ),
    "104-with-unknown-coding": (
        "sends a 104 with an unknown transfer coding first",
        b"HTTP/1.1 104 Odd\r\nTransfer-Encoding: magic\r\n\r\n" + REJECTION,
        Cut(),
        REJECTED,
    ),
    "104-with-length-and-chunks": (
        "sends a 104 with a length and chunks first",
        b"HTTP/1.1 104 Odd\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" + REJECTION,
        REJECTED,
        Cut(),
    ),
    "length-beyond-64-bits": (
        "sends a length that does not fit into 64 bits",
        OK + b"Content-Length: 99999999999999999999\r\n\r\n",
        Answered(200),
        Cut(),
    ),
    "http-1-9": ("answers in HTTP/1.9", b"HTTP/1.9 200 OK\r\n" + EMPTY, Answered(200), Cut()),
}

# The responses of ODD that the end of the connection ends.
ENDED = {"http-1-0", "http-1-0-404", "switching"}
ENDS = (Wait(0.03), CloseProperly())

HEADS = {
    **{name: Fault(does, (Read(), Send(data), *SOUND), Cut()) for name, (does, data) in GARBAGE.items()},
    **{
        name: Fault(does, (Read(), Send(data), *(ENDS if name in ENDED else SOUND)), verdict)
        for name, (does, data, verdict) in ODD.items()
    },
    **{
        name: Fault(does, (Read(), Send(data), *SOUND), h11, of_llhttp=llhttp)
        for name, (does, data, h11, llhttp) in GRAMMAR.items()
    },
    "slow-head": Fault("sends its head byte by byte", (Read(), Trickle(OK + EMPTY, 0.002), *SOUND), Answered(200)),
    "slow-interim-head": Fault(
        "sends six interim responses and its head byte by byte",
        (Read(), Trickle(b"".join(data for _, data in INTERIM.values()) + REJECTION, 0.001), *SOUND),
        REJECTED,
    ),
    "trickled-head": Fault(
        "sends the bytes of a head with long pauses",
        (Read(), Trickle(OK + b"X: " + b"x" * 1000, 0.05)),
        Cut(),
        until=Until.DEADLINE,
    ),
    "huge-header": Fault(
        "sends a header of 4 MiB", (Read(), Send(OK + b"X: " + b"x" * (4 << 20) + b"\r\n" + EMPTY), Hang()), Cut()
    ),
    "endless-header": Fault("sends an endless header", (Read(), Send(OK + b"X: "), Flood(b"x")), Cut(), floods=True),
    "endless-headers": Fault("sends endless headers", (Read(), Send(OK), Flood(b"X: y\r\n")), Cut(), floods=True),
    "endless-continues": Fault(
        "sends endless 100s", (Read(), Flood(CONTINUE)), Cut(), until=Until.BY_DEADLINE, floods=True
    ),
    "broken-tls-record": Fault(
        "sends an invalid TLS record inside the head",
        (Read(), Send(OK), SendBelowTls(EMPTY), Hang()),
        Cut(),
        needs_tls=True,
    ),
}
