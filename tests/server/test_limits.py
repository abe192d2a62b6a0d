"""What the server itself refuses, through raw sockets: the request just accepted and the one just refused."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from typing import TYPE_CHECKING

import pytest

from app.server.context import WorkerContext
from app.settings import load
from tests.gateway import gateway, serve
from tests.upstream import answer, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.types import Receive, Scope, Send


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what it was asked, as JSON."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    told = {
        "method": scope["method"],
        "path": scope["path"],
        "body": body.decode("latin-1"),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
    }
    content = json.dumps(told).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(content))]})
    await send({"type": "http.response.body", "body": content})


@contextlib.asynccontextmanager
async def server(**environ: str) -> AsyncIterator[int]:
    """The server with these settings; its port."""
    context = WorkerContext(settings=load(environ), audit_key=b"a key for tests only")
    async with serve(echo, lifespan="off", context=context) as url:
        yield int(url.rpartition(":")[2])


async def talk(port: int, *pieces: bytes, pause_seconds: float = 0.0, wait_seconds: float = 5.0) -> bytes:
    """Send pieces until they are all sent or the server hangs up; what it answers until it hangs up or falls silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def read() -> bytes:
        received = b""
        with contextlib.suppress(ConnectionError, TimeoutError):
            while data := await asyncio.wait_for(reader.read(65_536), wait_seconds):
                received += data
        return received

    reading = asyncio.create_task(read())
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            if reading.done():
                break
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_seconds)
    received = await reading
    writer.close()
    return received


def statuses(received: bytes) -> list[int]:
    """The statuses of the answers in what was received."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


def refusal(received: bytes) -> tuple[int, Mapping[str, str], object]:
    """Status, headers and JSON of the one answer."""
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), json.loads(body)


CLOSE = b"Connection: close\r\n\r\n"


def head_of(size: int) -> bytes:
    """A GET whose request line and headers have so many bytes together."""
    fixed = b"GET / HTTP/1.1\r\nHost: x\r\nX: \r\n" + CLOSE
    return b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * (size - len(fixed)) + b"\r\n" + CLOSE


REFUSED = {
    "head": (head_of(2049), 431, "LIMIT_EXCEEDED", "The request line and the headers are too long."),
    "head-without-end": (
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 4096,
        431,
        "LIMIT_EXCEEDED",
        "The request line and the headers are too long.",
    ),
    "many-headers": (
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 400 + CLOSE,
        431,
        "LIMIT_EXCEEDED",
        "The request line and the headers are too long.",
    ),
    "target": (
        b"GET /" + b"a" * 2048 + b" HTTP/1.1\r\nHost: x\r\n" + CLOSE,
        414,
        "LIMIT_EXCEEDED",
        "The request target is too long.",
    ),
    "chunk-extensions": (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"a" * 4096,
        431,
        "LIMIT_EXCEEDED",
        "The chunk extensions or trailers are too long.",
    ),
}


@pytest.mark.parametrize(("request_bytes", "status", "code", "message"), REFUSED.values(), ids=REFUSED)
async def test_a_head_beyond_the_limit_is_refused(request_bytes: bytes, status: int, code: str, message: str) -> None:
    """In GraphQL's own shape, and the connection is closed."""
    async with server(GATEWAY_MAX_HEADER_BYTES="2048") as port:
        found, headers, body = refusal(await talk(port, request_bytes[:1500], request_bytes[1500:]))
    assert (found, body) == (status, {"errors": [{"message": message, "extensions": {"code": code}}]})
    assert headers["content-type"] == "application/graphql-response+json; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["vary"] == "Accept, Origin"
    assert headers["connection"] == "close"


@pytest.mark.parametrize("cut", [0, 1, 700, 2047])
async def test_a_head_at_the_limit_is_accepted(cut: int) -> None:
    """To the byte, in one piece or in two."""
    request = head_of(2048)
    assert len(request) == 2048
    async with server(GATEWAY_MAX_HEADER_BYTES="2048") as port:
        pieces = (request[:cut], request[cut:]) if cut else (request,)
        assert statuses(await talk(port, *pieces, pause_seconds=0.01)) == [200]


async def test_a_long_body_is_no_long_head() -> None:
    """What follows a head does not count, and neither does the request before on the same connection."""
    body = b"x" * 10_000
    one = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n" + body
    async with server(GATEWAY_MAX_HEADER_BYTES="1024") as port:
        assert statuses(await talk(port, one, one, b"GET / HTTP/1.1\r\nHost: x\r\n" + CLOSE)) == [200, 200, 200]


async def test_heads_that_come_before_their_bodies_do_not_add_up() -> None:
    """Most clients send head and body apart; a connection may carry any number of such requests."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 300 + b"\r\nContent-Length: 2\r\n\r\n"
    async with server(GATEWAY_MAX_HEADER_BYTES="1024") as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(20):
            writer.write(head)
            await asyncio.sleep(0.005)
            writer.write(b"ab")
            assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
            await reader.readuntil(b"]]}")
        writer.close()


SLOW = {
    "nothing": (),
    "half-a-head": (b"POST / HTTP/1.1\r\nHost",),
    "trickled-head": tuple(bytes((byte,)) for byte in b"POST / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100),
    "half-a-body": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",),
    "trickled-body": (
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n",
        *(b"x" for _ in range(90)),
    ),
    "endless-chunks": (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        *(b"1\r\nx\r\n" for _ in range(90)),
    ),
}


@pytest.mark.parametrize("pieces", SLOW.values(), ids=SLOW)
async def test_a_slow_request_is_cut_off(pieces: tuple[bytes, ...]) -> None:
    """From its first byte on a request has so long and no longer, however busily it trickles."""
    async with server(GATEWAY_READ_TIMEOUT_SECONDS="0.5") as port:
        started = time.monotonic()
        received = await talk(port, *pieces, pause_seconds=0.02)
        assert time.monotonic() - started < 3.5
    if pieces:
        status, _, body = refusal(received)
        assert status == 408
        assert body == {
            "errors": [{"message": "The request took too long to arrive.", "extensions": {"code": "BAD_REQUEST"}}]
        }
    else:
        assert received == b""


async def test_a_connection_may_rest_longer_than_a_read() -> None:
    """Routers keep theirs for minutes; the read time is not for them."""
    one = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    async with server(GATEWAY_READ_TIMEOUT_SECONDS="0.3") as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(one)
            assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
            await reader.readuntil(b"}")
            await asyncio.sleep(0.9)
        writer.close()


HOST = b"Host: x\r\n"
SMUGGLED = {
    "length-and-chunked": b"POST / HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    "two-lengths": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "negative-length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
    "length-in-words": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1e1\r\n\r\n",
    "another-coding": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "coding-not-last": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "bad-chunk-size": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
    "chunk-without-end": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    "space-before-colon": b"POST / HTTP/1.1\r\nHost : x\r\n\r\n",
    "folded-header": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n",
    "nul-in-header": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n",
    "bare-cr": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\rY: b\r\n\r\n",
    "no-host": b"GET / HTTP/1.1\r\n\r\n",
    "two-hosts": b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "http-2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http-0.9": b"GET /\r\n\r\n",
    "tls": b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + b"\x00" * 60,
    "garbage": b"\x00\xff\xfe garbage\r\n\r\n",
    "connect": b"CONNECT x:1 HTTP/1.1\r\n" + HOST + b"\r\n",
}


@pytest.mark.parametrize("request_bytes", SMUGGLED.values(), ids=SMUGGLED)
async def test_what_could_hide_a_second_request_is_refused(request_bytes: bytes) -> None:
    """One 400, nothing of what follows is answered, and the connection is closed."""
    async with server() as port:
        received = await talk(port, request_bytes + b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
    assert statuses(received) == [400]
    assert b"smuggled" not in received


async def test_an_upgrade_hides_no_second_request() -> None:
    """A body behind an ``Upgrade`` is a body."""
    hidden = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    request = b"POST /seen HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: %d\r\n\r\n%b"
    async with server() as port:
        received = await talk(port, request % (len(hidden), hidden), wait_seconds=0.5)
    assert statuses(received) == [200]
    assert b'"path": "/seen"' in received


async def test_pipelined_requests_are_answered_in_order_and_bounded() -> None:
    """A few wait for their turn; thousands do not wait in memory."""
    one = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
    async with server() as port:
        few = await talk(port, b"".join(one % number for number in range(10)), wait_seconds=0.5)
        many = await talk(port, b"".join(one % number for number in range(5_000)), wait_seconds=0.5)
    assert [f'"path": "/{number}"'.encode() in few for number in range(10)] == [True] * 10
    assert statuses(few) == [200] * 10
    assert statuses(many)[-1] == 503
    assert len(statuses(many)) < 100


async def test_a_body_beyond_the_limit_is_not_read_to_its_end() -> None:
    """413 at once, by its length or where it passes the limit; an endless one fills no memory."""
    async with upstream([answer(200)]) as wethod, gateway(wethod.url) as client:
        port = int(client.url.rpartition(":")[2])
        head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        by_length = await talk(port, head + b"Content-Length: 9999999999\r\n\r\n{", wait_seconds=2)
        chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        by_count = await talk(port, head + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 40, wait_seconds=2)
        assert statuses(by_length) == [413]
        assert statuses(by_count) == [413]
        assert wethod.asked == []


async def test_a_continue_is_sent_where_it_is_waited_for() -> None:
    """RFC 9110 section 10.1.1."""
    async with server() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n" + CLOSE)
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"ab")
        assert b'"body": "ab"' in await reader.read()
        writer.close()


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    """Breaks in the way its path says."""
    del receive
    if scope["path"] == "/header":
        headers = [(b"x", b"a\r\nSet-Cookie: b")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
    if scope["path"] == "/half":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"ab", "more_body": True})
    if scope["path"] != "/nothing":
        raise RuntimeError("hunter2")


@pytest.mark.parametrize("path", ["/raises", "/nothing", "/header"])
async def test_an_application_that_fails_is_a_masked_500(path: str, caplog: pytest.LogCaptureFixture) -> None:
    """No traceback, and no header that its own value forges."""
    async with serve(failing, lifespan="off") as url:
        received = await talk(int(url.rpartition(":")[2]), f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    status, _, body = refusal(received)
    assert status == 500
    assert body == {
        "errors": [
            {
                "message": "The gateway failed to answer this request.",
                "extensions": {"code": "INTERNAL_SERVER_ERROR"},
            }
        ]
    }
    assert b"hunter2" not in received
    assert b"Set-Cookie" not in received
    assert [record.levelname for record in caplog.records if record.name == "app.server"] == ["ERROR"]


async def test_half_an_answer_is_cut_off_not_completed() -> None:
    """Only a broken connection tells a client that what it has is not the whole."""
    async with serve(failing, lifespan="off") as url:
        received = await talk(int(url.rpartition(":")[2]), b"GET /half HTTP/1.1\r\nHost: x\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.endswith(b"\r\n\r\nab")
