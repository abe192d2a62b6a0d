"""Heads of answers that are unusual, slow, large, or not HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.fault import Answered, Cut, Fault, Over, Until, Verdict
from tests.faults.steps import SOUND, CloseProperly, Flood, Hang, Read, Send, SendBelowTls, Step, Trickle, Wait

if TYPE_CHECKING:
    from collections.abc import Iterator

SOUND_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

# A whole answer; the connection then continues, for a parser that accepts it.
GARBAGE: dict[str, tuple[str, bytes]] = {
    "binary": ("answers with binary data", bytes(range(256))),
    "banner": ("answers with the greeting of a mail server", b"220 mail.example ESMTP ready\r\n\r\n"),
    "icy": ("answers with the status line of internet radio (ICY)", b"ICY 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "http-2": ("answers with an HTTP/2 SETTINGS frame", b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
    "http-0-9": ("answers with a body and no head", b"<html>deleted</html>\r\n\r\n"),
    "request": ("sends a request instead of a response", b"DELETE /api/contact/7 HTTP/1.1\r\nHost: gateway\r\n\r\n"),
    "lower-case": ("sends `http` in lower case in the status line", b"http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "status-letters": ("sends a status with letters", b"HTTP/1.1 2OO OK\r\nContent-Length: 0\r\n\r\n"),
    "status-four-digits": ("sends a status of four digits", b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"),
    "status-two-digits": ("sends a status of two digits", b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"),
    "status-negative": ("sends a negative status", b"HTTP/1.1 -200 OK\r\nContent-Length: 0\r\n\r\n"),
    "no-status": ("sends no status", b"HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
    "header-without-colon": ("sends a header without a colon", b"HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n"),
    "header-without-name": ("sends a header without a name", b"HTTP/1.1 200 OK\r\n: 0\r\n\r\n"),
    "header-with-nul": ("sends a NUL in a header", b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n"),
    "space-before-colon": ("sends a space before a colon", b"HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n"),
    "lengths-conflict": (
        "sends two lengths that differ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
    ),
    "length-negative": ("sends a negative length", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
    "length-letters": ("sends a length with letters", b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n"),
    "empty-lines-first": ("sends empty lines first", b"\r\n\r\n" + SOUND_HEAD),
    "length-and-unknown-coding": (
        "sends a length and an unknown transfer coding",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: magic\r\n\r\n",
    ),
}

# Heads that both parsers accept, and their meaning.
ODD: dict[str, tuple[str, bytes, Verdict]] = {
    "status-600": ("answers 600", b"HTTP/1.1 600 Who Knows\r\nContent-Length: 0\r\n\r\n", Answered(600)),
    "status-999": ("answers 999", b"HTTP/1.1 999 Denied\r\nContent-Length: 0\r\n\r\n", Answered(999)),
    "status-299": ("answers 299", b"HTTP/1.1 299 Fine\r\nContent-Length: 0\r\n\r\n", Answered(299)),
    "no-reason": ("sends no reason phrase", b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", Answered(200)),
    "latin-1-reason": (
        "sends a reason phrase in Latin-1",
        b"HTTP/1.1 200 Gel\xf6scht\r\nContent-Length: 0\r\n\r\n",
        Answered(200),
    ),
    "latin-1-header": (
        "sends a header in Latin-1",
        b"HTTP/1.1 200 OK\r\nX: \xe9\r\nContent-Length: 0\r\n\r\n",
        Answered(200),
    ),
    "http-1-0": ("answers in HTTP/1.0", b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", Answered(200)),
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
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /api/contact/8\r\nContent-Length: 0\r\n\r\n",
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
    "continue": ("sends a 100 first", b"HTTP/1.1 100 Continue\r\n\r\n" + SOUND_HEAD, Answered(200)),
    "early-hints": ("sends a 103 first", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + SOUND_HEAD, Answered(200)),
    "many-continues": ("sends ten 100s first", b"HTTP/1.1 100 Continue\r\n\r\n" * 10 + SOUND_HEAD, Answered(200)),
    "status-000": ("answers 000", b"HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n", Cut()),
}

# Heads that HTTP's grammar forbids or leaves open, and one parser accepts: the result of h11, then of llhttp.
GRAMMAR: dict[str, tuple[str, bytes, Verdict, Verdict]] = {
    "http-2-0-text": (
        "answers in HTTP/2.0, as text",
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        Answered(200),
        Cut(),
    ),
    "same-lengths": (
        "sends the same length twice",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        Answered(200),
        Cut(),
    ),
    "bare-line-feeds": (
        "ends lines with LF instead of CRLF",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        Answered(200),
        Cut(),
    ),
    "folded-header": (
        "sends a folded header",
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        Answered(200),
        Cut(),
    ),
    "length-and-chunks": (
        "sends a length and chunks",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        Answered(200),
        Cut(),
    ),
    "unknown-coding": (
        "uses an unknown transfer coding",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: magic, chunked\r\n\r\n0\r\n\r\n",
        Cut(),
        Answered(200),
    ),
    "length-beyond-64-bits": (
        "sends a length that does not fit into 64 bits",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        Answered(200),
        Cut(),
    ),
    "http-1-9": (
        "answers in HTTP/1.9",
        b"HTTP/1.9 200 OK\r\nContent-Length: 0\r\n\r\n",
        Answered(200),
        Cut(),
    ),
}


def heads() -> Iterator[tuple[str, Fault]]:
    for name, (does, data) in GARBAGE.items():
        yield name, Fault(does, (Read(), Send(data), *SOUND), (Cut(),))
    for name, (does, data, verdict) in ODD.items():
        ends: tuple[Step, ...] = (Wait(0.03), CloseProperly()) if b"HTTP/1.0" in data or b" 101 " in data else SOUND
        yield name, Fault(does, (Read(), Send(data), *ends), (verdict,))
    for name, (does, data, h11, llhttp) in GRAMMAR.items():
        yield name, Fault(does, (Read(), Send(data), *SOUND), (h11,), of_llhttp=llhttp)
    yield (
        "slow-head",
        Fault("sends its head byte by byte", (Read(), Trickle(SOUND_HEAD, 0.002), *SOUND), (Answered(200),)),
    )
    yield (
        "trickled-head",
        Fault(
            "sends the bytes of a head with long pauses",
            (Read(), Trickle(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000, 0.05)),
            (Cut(),),
            until=Until.DEADLINE,
        ),
    )
    yield (
        "huge-header",
        Fault(
            "sends a header of 4 MiB",
            (Read(), Send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * (4 << 20) + b"\r\nContent-Length: 0\r\n\r\n"), Hang()),
            (Cut(),),
        ),
    )
    yield (
        "endless-header",
        Fault("sends an endless header", (Read(), Send(b"HTTP/1.1 200 OK\r\nX: "), Flood(b"x")), (Cut(),), floods=True),
    )
    yield (
        "endless-headers",
        Fault(
            "sends endless headers",
            (Read(), Send(b"HTTP/1.1 200 OK\r\n"), Flood(b"X: y\r\n")),
            (Cut(),),
            floods=True,
        ),
    )
    yield (
        "endless-continues",
        Fault(
            "sends endless 100s",
            (Read(), Flood(b"HTTP/1.1 100 Continue\r\n\r\n")),
            (Cut(),),
            until=Until.BY_DEADLINE,
            floods=True,
        ),
    )
    yield (
        "broken-tls-record",
        Fault(
            "sends an invalid TLS record inside the head",
            (Read(), Send(b"HTTP/1.1 200 OK\r\n"), SendBelowTls(b"Content-Length: 0\r\n\r\n"), Hang()),
            (Cut(),),
            over=Over.TLS,
        ),
    )
