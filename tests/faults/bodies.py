"""Bodies that are huge, slow, encoded, endless, or not of the type that their header states."""

from __future__ import annotations

import gzip

from app.http_client.transport import MAX_BODY_BYTES
from tests.faults.cuts import HEAD_404, OK, PAGE
from tests.faults.fault import Answered, Fault, Until, Verdict
from tests.faults.steps import (
    Answer,
    Close,
    CloseProperly,
    Flood,
    Hang,
    Read,
    Send,
    SendBelowTls,
    Serve,
    Step,
    Trickle,
    Wait,
)

WORDS = b'{"key":"not_found","message":"gone"}'
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


def sized(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


GOES_ON = Serve(Answer())
"""After an answer that ends well, a kept connection carries the next request."""

# The answer, how the connection goes on, and the verdict.
BODIES: dict[str, tuple[str, bytes, Step, Verdict]] = {
    "words": ("answers 404 with a JSON body", HEAD_404 + sized(WORDS), GOES_ON, Answered(404, WORDS)),
    "words-in-chunks": (
        "sends a 404 in chunks, with extensions and a trailer",
        HEAD_404
        + CHUNKED
        + b"8;a=b\r\n"
        + WORDS[:8]
        + b"\r\n%x\r\n" % (len(WORDS) - 8)
        + WORDS[8:]
        + b"\r\n0\r\nX: y\r\n\r\n",
        GOES_ON,
        Answered(404, WORDS),
    ),
    "words-until-close": (
        "ends the body of a 404 by closing the connection",
        HEAD_404 + b"Connection: close\r\n\r\n" + WORDS,
        CloseProperly(),
        Answered(404, WORDS),
    ),
    "no-words": ("answers 404 without a body", HEAD_404 + sized(b""), GOES_ON, Answered(404, b"")),
    "latin-1-words": (
        "sends a body in Latin-1 and labels it as UTF-8",
        HEAD_404 + sized('{"message":"gelöscht"}'.encode("latin-1")),
        GOES_ON,
        Answered(404, '{"message":"gelöscht"}'.encode("latin-1")),
    ),
    "identity": (
        "sends `Content-Encoding: identity`",
        HEAD_404 + b"Content-Encoding: identity\r\n" + sized(WORDS),
        GOES_ON,
        Answered(404, WORDS),
    ),
    "gzip": (
        "compresses the body, although the request did not allow it",
        HEAD_404 + b"Content-Encoding: gzip\r\n" + sized(gzip.compress(WORDS)),
        GOES_ON,
        Answered(404, None),
    ),
    "gzip-bomb": (
        "sends 64 MiB compressed to 64 KiB",
        HEAD_404 + b"Content-Encoding: gzip\r\n" + sized(gzip.compress(bytes(64 << 20))),
        GOES_ON,
        Answered(404, None),
    ),
    "not-gzip": (
        "labels an uncompressed body as gzip",
        HEAD_404 + b"Content-Encoding: gzip\r\n" + sized(WORDS),
        GOES_ON,
        Answered(404, None),
    ),
    "largest": (
        "sends the largest body that is read",
        HEAD_404 + sized(b"x" * MAX_BODY_BYTES),
        GOES_ON,
        Answered(404, b"x" * MAX_BODY_BYTES),
    ),
    "too-large": (
        "sends a body one byte too large",
        HEAD_404 + sized(b"x" * (MAX_BODY_BYTES + 1)),
        Hang(),
        Answered(404, None),
    ),
    "too-large-in-chunks": (
        "sends a chunk one byte too large",
        HEAD_404 + CHUNKED + b"%x\r\n" % (MAX_BODY_BYTES + 1) + b"x" * (MAX_BODY_BYTES + 1) + b"\r\n0\r\n\r\n",
        Hang(),
        Answered(404, None),
    ),
    "broken-chunk-size": (
        "sends a chunk size that is not a number",
        HEAD_404 + CHUNKED + b"8\r\n" + WORDS[:8] + b"\r\nxyz\r\n",
        Hang(),
        Answered(404, None),
    ),
    "huge-chunk-size": (
        "sends a chunk size that does not fit into 64 bits",
        HEAD_404 + CHUNKED + b"f" * 20 + b"\r\n" + WORDS,
        Close(),
        Answered(404, None),
    ),
    "page": ("answers 200 with an HTML page", PAGE + sized(b"<html>sign in</html>"), GOES_ON, Answered(200, b"<")),
    "page-behind-a-bom": (
        "answers 200 with an HTML page after a byte order mark and blank lines",
        PAGE + sized(b"\xef\xbb\xbf\r\n \r\n<html>sign in</html>"),
        GOES_ON,
        Answered(200, b"<"),
    ),
    "text-called-a-page": (
        "answers 200 with plain text labelled as HTML",
        PAGE + sized(b"deleted"),
        GOES_ON,
        Answered(200, b"d"),
    ),
    "blank-page": ("answers 200 with blank text labelled as HTML", PAGE + sized(b" \r\n"), GOES_ON, Answered(200, b"")),
    "encoded-page": (
        "answers 200 with a compressed HTML page",
        PAGE + b"Content-Encoding: gzip\r\n" + sized(gzip.compress(b"<html>")),
        GOES_ON,
        Answered(200, None),
    ),
    "page-in-chunks": (
        "answers 200 with an HTML page in chunks",
        PAGE + CHUNKED + b"1\r\n<\r\n",
        Hang(),
        Answered(200, b"<"),
    ),
    "page-until-close": (
        "ends an HTML page by closing the connection",
        PAGE + b"\r\n<html>",
        Close(),
        Answered(200, b"<"),
    ),
    "empty-page": ("answers 200 with an empty body labelled as HTML", PAGE + sized(b""), GOES_ON, Answered(200, b"")),
    "empty-page-in-chunks": (
        "answers 200 with an empty body in chunks, labelled as HTML",
        PAGE + CHUNKED + b"0\r\n\r\n",
        GOES_ON,
        Answered(200, b""),
    ),
    "empty-page-until-close": (
        "ends an empty body labelled as HTML by closing the connection",
        PAGE + b"Connection: close\r\n\r\n",
        CloseProperly(),
        Answered(200, b""),
    ),
    "unread-body": ("answers 200 with a JSON body", OK + sized(WORDS), GOES_ON, Answered(200)),
    "unread-chunks": ("answers 200 with invalid chunks", OK + CHUNKED + b"xyz\r\n", Hang(), Answered(200)),
}

FLOODS: dict[str, tuple[str, bytes, bytes, Verdict]] = {
    "endless-404": ("sends an endless 404", HEAD_404 + b"\r\n", b"x", Answered(404, None)),
    "endless-chunks-404": ("sends endless chunks of a 404", HEAD_404 + CHUNKED, b"1\r\nx\r\n", Answered(404, None)),
    "endless-chunk-extension": (
        "sends an endless chunk extension",
        HEAD_404 + CHUNKED + b"1;",
        b"x",
        Answered(404, None),
    ),
    "endless-trailer": ("sends an endless trailer", HEAD_404 + CHUNKED + b"0\r\nX: ", b"x", Answered(404, None)),
    "endless-page": ("sends an endless HTML page", PAGE + b"\r\n", b"<", Answered(200, b"<")),
    "endless-200": ("sends an endless 200", OK + b"\r\n", b"x", Answered(200)),
    "endless-503": ("sends an endless 503", b"HTTP/1.1 503 Unavailable\r\n\r\n", b"x", Answered(503)),
}


FAULTS_OF_BODIES = {
    **{name: Fault(does, (Read(), Send(data), end), verdict) for name, (does, data, end, verdict) in BODIES.items()},
    **{
        name: Fault(does, (Read(), Send(head), Flood(flood)), verdict, until=Until.BY_DEADLINE, floods=True)
        for name, (does, head, flood, verdict) in FLOODS.items()
    },
    "slow-words": Fault(
        "sends the body of a 404 byte by byte",
        (Read(), Send(HEAD_404 + b"Content-Length: %d\r\n\r\n" % len(WORDS)), Trickle(WORDS, 0), GOES_ON),
        Answered(404, WORDS),
    ),
    "trickled-words": Fault(
        "sends the bytes of the body with long pauses",
        (Read(), Send(HEAD_404 + b"Content-Length: 1000\r\n\r\n"), Trickle(b"x" * 1000, 0.05)),
        Answered(404, None),
        until=Until.BODY_TIME,
    ),
    "broken-tls-record-in-body": Fault(
        "sends an invalid TLS record inside the body",
        (
            Read(),
            Send(HEAD_404 + b"Content-Length: 20\r\n\r\nhalf"),
            # asyncio's TLS discards data that it decrypts in the same turn as a broken record.
            Wait(0.03),
            SendBelowTls(b"x" * 100),
            Hang(),
        ),
        Answered(404, None),
        needs_tls=True,
    ),
    "words-cut-below-tls": Fault(
        "ends the body of a 404 by a FIN without TLS's close notice",
        (Read(), Send(HEAD_404 + b"\r\n" + WORDS), Close()),
        Answered(404, None),
        needs_tls=True,
    ),
    "empty-page-cut-below-tls": Fault(
        "ends an empty body labelled as HTML by a FIN without TLS's close notice",
        (Read(), Send(PAGE + b"\r\n"), Close()),
        Answered(200, None),
        needs_tls=True,
    ),
}
