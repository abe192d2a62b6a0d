"""One exchange over our own transport: its response, and the reuse of the connection."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import uvloop

from app.http_client.connection import UNREAD_BODY_BYTES
from app.http_client.response_parser import MAX_HEAD_BYTES
from app.http_client.transport import Interrupted, Origin, Response
from tests.faults.server import FaultServer
from tests.faults.steps import (
    SOUND,
    Answer,
    CloseProperly,
    Flood,
    Hang,
    Read,
    Send,
    Steps,
    Trickle,
    Wait,
)
from tests.faults.transports import HEADERS, delete, transport_to
from tests.http_client.exchanges import LOOPS, http1, outcome, response
from tests.support import until

if TYPE_CHECKING:
    import ssl

pytestmark = pytest.mark.parametrize("anyio_backend", LOOPS)

OK = b"HTTP/1.1 200 OK\r\n"
GONE = b"HTTP/1.1 404 Not Found\r\n"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"

LENGTH_2 = (b"content-length", b"2")
LENGTH_9 = (b"content-length", b"9")
CHUNKED = (b"transfer-encoding", b"chunked")
HTML = (b"content-type", b"text/html; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Case:
    """A response of the server.

    Attributes:
        then: the steps of the server after it has read the request.
        expected: the response that the caller gets.
        kept: the connection carries the next request.
    """

    then: Steps
    expected: Response
    kept: bool = False


CASES = {
    # The message is complete, and nothing forbids another.
    "body-not-needed-comes-later": Case(
        (Send(OK + b"Content-Length: 2\r\n\r\n"), Wait(0.02), Send(b"hi")), response(200, (LENGTH_2,), b""), kept=True
    ),
    "chunks-not-needed-come-later": Case(
        (
            Send(OK + b"Transfer-Encoding: chunked\r\n\r\n"),
            Trickle(b"2\r\nhi\r\n0\r\nA: b\r\n\r\n", every_seconds=0.001),
        ),
        response(200, (CHUNKED,), b""),
        kept=True,
    ),
    "204-with-a-length": Case(
        (Send(b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n"),), response(204, (LENGTH_2,), b""), kept=True
    ),
    "page-behind-white-space-and-a-bom": Case(
        (Send(PAGE + b"Content-Length: 9\r\n\r\n\xef\xbb"), Wait(0.02), Send(b"\xbf \r\n"), Wait(0.02), Send(b"<p>")),
        response(200, (HTML, LENGTH_9), b"\xef\xbb\xbf \r\n<p>"),
        kept=True,
    ),
    "page-that-comes-later": Case(
        (Send(PAGE + b"Content-Length: 2\r\n\r\n"), Wait(0.02), Send(b"<"), Wait(0.02), Send(b"p")),
        response(200, (HTML, LENGTH_2), b"<"),
        kept=True,
    ),
    "interim-answers": Case(
        (
            Send(b"HTTP/1.1 100 Continue\r\n\r\n"),
            Send(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + OK),
            Send(b"Content-Length: 2\r\n\r\nhi"),
        ),
        response(200, (LENGTH_2,), b""),
        kept=True,
    ),
    # The answer is complete, and something forbids another on the connection.
    "1.0-keep-alive": Case(
        (Send(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi"), Hang()),
        response(200, ((b"connection", b"keep-alive"), LENGTH_2), b""),
    ),
    "101-with-upgrade": Case(
        (Send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nx"), Hang()),
        response(101, ((b"upgrade", b"x"), (b"connection", b"Upgrade")), b""),
    ),
    "ended-by-the-connection": Case((Send(GONE + b"\r\nhi"), CloseProperly()), response(404, (), b"hi")),
    "page-without-a-byte-ended-by-the-connection": Case(
        (Send(PAGE + b"\r\n"), Wait(0.02), CloseProperly()), response(200, (HTML,), b"")
    ),
    "a-blank-line-behind": Case(
        (Send(GONE + b"Content-Length: 2\r\n\r\nhi\r\n"), Hang()), response(404, (LENGTH_2,), b"hi")
    ),
    "body-behind-a-204": Case((Send(b"HTTP/1.1 204 No Content\r\n\r\nhi"), Hang()), response(204, (), b"")),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_only_a_complete_response_lets_a_connection_be_reused(tls: ssl.SSLContext | None, case: Case) -> None:
    """tests/faults has the bodies, and the responses that are cut, late or malformed."""
    script = (Read(), *case.then, *(SOUND if case.kept else ()))
    async with FaultServer(script, tls=tls) as server, http1(server) as transport:
        assert await transport.send(delete()) == case.expected
        if case.kept:
            await until(lambda: transport.idle_connections == 1)
        assert [request.line for request in server.requests] == [b"DELETE /api/contact/7 HTTP/1.1"]
        reply = await transport.send(delete(b"/api/contact/8"))
        assert reply.headers[b"content-location"] == b"/api/contact/8"
        assert server.accepted == (1 if case.kept else 2)
        assert len(server.requests) == 2


@pytest.mark.parametrize(("excess", "status"), [(0, 404), (1, Interrupted)], ids=["longest", "too-long"])
async def test_a_head_has_a_maximum_size(excess: int, status: object) -> None:
    """Interim heads count."""
    start = b"HTTP/1.1 100 Continue\r\n\r\n" * 100 + GONE + b"Content-Length: 2\r\nA: "
    head = start + b"x" * (MAX_HEAD_BYTES - len(start) - 4 + excess) + b"\r\n\r\n"
    async with FaultServer((Read(), Send(head + b"hi"), Hang())) as server, http1(server) as transport:
        result = await outcome(transport, delete())
        assert getattr(result, "status", result) == status


@pytest.mark.parametrize("evil", [b"a\r\nb", b"a\rb", b"a\nb", b"a\0b", b"a\r", b"\n", b"\r\n\r\n"])
@pytest.mark.parametrize("place", ["value", "name", "target"])
async def test_a_line_end_in_a_request_is_refused(place: str, evil: bytes) -> None:
    """It is a bug of the caller, and the error shows no value."""
    async with FaultServer() as server, http1(server) as transport:
        request = {
            "value": delete(headers=(*HEADERS, (b"Wethod-Version", evil))),
            "name": delete(headers=(*HEADERS, (evil, b"x"))),
            "target": delete(b"/" + evil),
        }[place]
        with pytest.raises(ValueError, match=r"^the request holds CR, LF or NUL, or its target a space$"):
            await transport.send(request)
        assert server.accepted == 0


async def test_a_response_may_come_until_the_deadline() -> None:
    """The timer of an idle connection must not end the request."""
    script = (Read(), Send(OK + b"Content-Length: 0\r\n\r\n"), Read(), Wait(0.4), Answer(), Read(), Hang())
    async with FaultServer(script) as server, http1(server, idle_seconds=0.2) as transport:
        await transport.send(delete())
        assert (await transport.send(delete(seconds=2.0))).status == 200
        assert await asyncio.wait_for(outcome(transport, delete(seconds=0.3)), 5) is Interrupted
        assert (server.accepted, len(server.requests)) == (1, 3)


async def test_the_rest_of_a_response_is_read_up_to_a_limit_of_bytes_and_time() -> None:
    slow = (Read(), Send(OK + b"Content-Length: 9\r\n\r\n"), Hang())
    long = (Read(), Send(OK + b"Content-Length: 999999\r\n\r\n" + b"x" * UNREAD_BODY_BYTES), Hang())
    endless = (Read(), Send(OK + b"\r\n"), Flood(b"x" * 999))
    async with FaultServer(slow, long, endless) as server, http1(server) as transport:
        assert await transport.send(delete()) == response(200, (LENGTH_9,), b"")
        assert (transport.open_connections, transport.idle_connections) == (1, 0)
        await until(lambda: server.open == 0)
        for headers in (((b"content-length", b"999999"),), ()):
            assert await transport.send(delete()) == response(200, headers, b"")
            await until(lambda: server.open == 0)
    # The kernels' buffers at both ends take some bytes that are never read.
    assert UNREAD_BODY_BYTES < server.flooded < 32 * 1024 * 1024


# id: (bytes that arrive, the response that is known)
CUT: dict[str, tuple[bytes, Response]] = {
    "whole-without-body": (GONE + b"Content-Length: 0\r\n\r\n", response(404, ((b"content-length", b"0"),), b"")),
    "whole-with-body": (GONE + b"Content-Length: 2\r\n\r\nhi", response(404, (LENGTH_2,), b"hi")),
    "head": (GONE + b"Content-Length: 2\r\n\r\n", response(404, (LENGTH_2,), None)),
}


@pytest.mark.parametrize(("data", "known"), CUT.values(), ids=CUT)
async def test_a_response_that_arrives_with_the_cancellation_of_its_caller_is_known(
    data: bytes, known: Response
) -> None:
    """The loop of uvloop reads the socket before the cancelled task goes on, that of asyncio afterwards."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        origin = Origin("http", "127.0.0.1", listener.getsockname()[1])
        async with transport_to("http1", origin) as transport:
            request = delete()
            exchange = asyncio.create_task(transport.send(request))
            server, _ = await loop.sock_accept(listener)
            with server:
                await loop.sock_recv(server, 4096)
                server.send(data)
                exchange.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await exchange
        assert request.cut_response == (known if isinstance(loop, uvloop.Loop) else None)
