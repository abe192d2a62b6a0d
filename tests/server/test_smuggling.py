"""What two parsers could read in two ways: refused, and nothing behind it is read as a request."""

from __future__ import annotations

import asyncio

import pytest

from tests.server.serving import request, serving
from tests.server.test_limits import MALFORMED, assert_refused

HIDDEN = request(b"/hidden", b"{}")
CHUNKED = b"Transfer-Encoding: chunked\r\n"
END = b"0\r\n\r\n"


def head(*lines: bytes) -> bytes:
    """A head of a POST with these lines, each with its own end."""
    return b"POST / HTTP/1.1\r\nHost: test\r\n" + b"".join(lines) + b"\r\n"


REFUSED = {
    "length-then-chunked": head(b"Content-Length: 5\r\n", CHUNKED) + END,
    "chunked-then-length": head(CHUNKED, b"Content-Length: 5\r\n") + END,
    "lengths-that-differ": head(b"Content-Length: 1\r\n", b"Content-Length: 5\r\n") + b"x",
    "lengths-that-agree": head(b"Content-Length: 1\r\n", b"Content-Length: 1\r\n") + b"x",
    "length-list": head(b"Content-Length: 1, 1\r\n") + b"x",
    "length-signed": head(b"Content-Length: +1\r\n") + b"x",
    "length-hexadecimal": head(b"Content-Length: 0x1\r\n") + b"x",
    "length-overflow": head(b"Content-Length: 18446744073709551617\r\n") + b"x",
    "chunked-twice": head(CHUNKED, CHUNKED) + END,
    "chunked-in-disguise": head(b"Transfer-Encoding: xchunked\r\n") + END,
    "chunked-behind-gzip": head(b"Transfer-Encoding: gzip, chunked\r\n") + END,
    "chunked-before-gzip": head(b"Transfer-Encoding: chunked, gzip\r\n") + END,
    "identity": head(b"Transfer-Encoding: identity\r\n"),
    "tab-before-chunked": head(b"Transfer-Encoding:\x0bchunked\r\n") + END,
    "space-before-colon": head(b"Content-Length : 1\r\n") + b"x",
    "folded-line": head(b"X: a\r\n", b" Transfer-Encoding: chunked\r\n"),
    "folded-first-line": b"POST / HTTP/1.1\r\n Host: test\r\n\r\n",
    "bare-line-feeds": head(b"Content-Length: 0\r\n").replace(b"\r\n", b"\n"),
    "bare-line-feed": head(b"X: a\n", b"Content-Length: 0\r\n"),
    "bare-return": head(b"X: a\rContent-Length: 1\r\n"),
    "nul-in-value": head(b"X: a\0b\r\n"),
    "nul-in-name": head(b"X\0: a\r\n"),
    "control-in-value": head(b"X: a\x01b\r\n"),
    "no-colon": head(b"Content-Length\r\n"),
    "chunk-size-not-hexadecimal": head(CHUNKED) + b"zz\r\n",
    "chunk-size-prefixed": head(CHUNKED) + b"0x1\r\nx\r\n" + END,
    "chunk-size-signed": head(CHUNKED) + b"-1\r\n",
    "chunk-size-overflow": head(CHUNKED) + b"ffffffffffffffff1\r\n",
    "chunk-size-empty": head(CHUNKED) + b"\r\n",
    "chunk-longer-than-said": head(CHUNKED) + b"1\r\nxx\r\n" + END,
    "chunk-ends-with-line-feed": head(CHUNKED) + b"1\nx\r\n" + END,
    "extension-ends-with-line-feed": head(CHUNKED) + b"1;a\nx\r\n" + END,
    "no-host": b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "two-hosts": head(b"Host: other\r\n", b"Content-Length: 0\r\n"),
    "space-in-target": b"GET / a HTTP/1.1\r\nHost: test\r\n\r\n",
    "control-in-target": b"GET /\x01 HTTP/1.1\r\nHost: test\r\n\r\n",
    "not-ascii-in-target": b"GET /\xc3\xa9 HTTP/1.1\r\nHost: test\r\n\r\n",
    "target-without-slash": b"GET a HTTP/1.1\r\nHost: test\r\n\r\n",
    "tunnel": b"CONNECT test:80 HTTP/1.1\r\nHost: test\r\n\r\n",
    "unknown-method": b"BREW / HTTP/1.1\r\nHost: test\r\n\r\n",
    "method-in-lower-case": b"get / HTTP/1.1\r\nHost: test\r\n\r\n",
    "http-0.9": b"GET / HTTP/0.9\r\nHost: test\r\n\r\n",
    "http-2-by-line": b"GET / HTTP/2.0\r\nHost: test\r\n\r\n",
    "http-2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http-3.1": b"GET / HTTP/3.1\r\nHost: test\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("delay", [False, True], ids=["together", "apart"])
@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
async def test_an_ambiguous_request_is_refused_and_ends_the_connection(data: bytes, *, delay: bool) -> None:
    """One 400, and the request that would be smuggled behind it is never seen."""
    async with serving() as served, served.connect() as client:
        await client.send(data)
        if delay:
            await asyncio.sleep(0.01)
        await client.send(HIDDEN)
        assert_refused(await client.answer(), *MALFORMED)
        assert await client.rest() == b""
        assert served.server.server_state.total_requests == 0
        assert served.context.lifecycle.refusals == {400: 1}


async def test_an_upgrade_smuggles_nothing() -> None:
    """What stands behind the head is the body that the length says, not the next request."""
    async with serving() as served, served.connect() as client:
        data = request(b"/", HIDDEN, b"POST", b"Connection: upgrade", b"Upgrade: websocket")
        await client.send(data[: -len(HIDDEN)])
        await asyncio.sleep(0.01)
        await client.send(HIDDEN)
        assert (await client.answer()).json["body"] == HIDDEN.decode()
        assert await client.silence(0.05)


async def test_a_body_of_http_1_0_is_not_a_request() -> None:
    """Without a length there is no body, and nothing behind the head is read."""
    async with serving() as served, served.connect() as client:
        await client.send(b"POST / HTTP/1.0\r\n\r\n" + HIDDEN)
        answer = await client.answer()
        assert (answer.json["body"], answer.headers["connection"]) == ("", "close")
        assert await client.rest() == b""
