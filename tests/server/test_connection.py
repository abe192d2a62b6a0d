"""Faults of a server connection that no client can cause over a socket."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING

import pytest

from app.server.config import ServerConfig
from app.server.connection import Connection
from app.server.lifecycle import Lifecycle
from app.server.state import WorkerState
from tests.server.serving import echo, read, reply, request
from tests.server.wire import CHUNKED, CLIENT, Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

AN_HOUR = 3_600


def connect(wire: Wire, config: ServerConfig, app: ASGIApp = echo) -> Connection:
    connection = Connection(app, WorkerState(config, Lifecycle()), set(), CLIENT)
    connection.connection_made(wire)
    return connection


def seconds_from_now(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def turns() -> None:
    """Let the tasks run until each of them waits."""
    for _ in range(5):
        await asyncio.sleep(0)


def held() -> tuple[ASGIApp, Callable[[], None]]:
    """Make an application that answers once the returned function is called."""
    release = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await release.wait()
        await reply(send, 200, await read(receive))

    return app, release.set


def test_an_exception_in_a_parser_callback_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    """The response does not show the reason."""
    caplog.set_level(logging.ERROR)

    class Broken(int):
        def __lt__(self, other: object) -> bool:
            raise ZeroDivisionError

    async def ask() -> bytes:
        wire = Wire([])
        connection = connect(wire, ServerConfig(max_header_bytes=Broken()))
        connection.data_received(request())
        return wire.written

    answer = asyncio.run(ask())
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"ZeroDivisionError" not in answer
    assert "ZeroDivisionError" in caplog.text


async def test_an_idle_connection_with_unread_bytes_does_not_expire() -> None:
    """A close would reset the request that the kernel has and the event loop has not read."""
    wire = Wire([])
    connection = connect(wire, ServerConfig())
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire.socket = ours
        theirs.sendall(request())
        an_hour_on = seconds_from_now(AN_HOUR)
        connection.expire(an_hour_on)
        assert not wire.is_closing()
        connection.data_received(ours.recv(4096))
        await turns()
        assert wire.written.startswith(b"HTTP/1.1 200 ")
        connection.expire(an_hour_on)
        assert wire.is_closing()
    connection.connection_lost(None)


async def check_waits(connection: Connection, wire: Wire, release: Callable[[], None]) -> None:
    """Check that an hour does not end the connection, and that the client then gets its response."""
    connection.expire(seconds_from_now(AN_HOUR))
    assert not wire.is_closing()
    release()
    await turns()
    assert wire.written.startswith(b"HTTP/1.1 200 ")
    connection.connection_lost(None)


async def test_a_client_that_stops_reading_its_last_response_is_dropped() -> None:
    """After the keep-alive time, even if it has read most of the response."""
    wire = Wire([])
    wire.unsent = 1
    connection = connect(wire, ServerConfig(keep_alive=60))
    connection.data_received(request(b"/", b"", b"POST", b"Connection: close"))
    await turns()
    assert wire.is_closing()
    # The order of a real transport is another: it pauses before the end of the response.
    connection.pause_writing()
    connection.resume_writing()
    connection.expire(seconds_from_now(30))
    assert not wire.aborted
    connection.expire(seconds_from_now(61))
    assert wire.aborted


async def test_a_client_that_reads_again_keeps_its_connection() -> None:
    app, release = held()
    wire = Wire([])
    connection = connect(wire, ServerConfig(keep_alive=60), app)
    connection.data_received(request())
    connection.pause_writing()
    connection.resume_writing()
    await check_waits(connection, wire, release)


async def test_a_line_end_after_a_response_does_not_shorten_the_keep_alive() -> None:
    """The client may send a line end after its body (RFC 9112 section 2.2). No task is left of an idle connection."""
    tasks = asyncio.all_tasks()
    wire = Wire([])
    connection = connect(wire, ServerConfig(read_timeout=10, keep_alive=60))
    connection.data_received(request())
    await turns()
    connection.data_received(b"\r\n")
    connection.expire(seconds_from_now(59))
    assert not wire.is_closing()
    connection.expire(seconds_from_now(61))
    assert wire.is_closing()
    connection.connection_lost(None)
    await turns()
    assert asyncio.all_tasks() == tasks


BODY = b"x" * 65_000
PIECE = request(b"/", BODY + b"x" * (65_536 - len(request(b"/", BODY))))
"""A request of as many bytes as the parser reads at once."""


@pytest.mark.parametrize(
    "packets",
    [[PIECE, b"\r\n"], [PIECE + b"\r\n"], [PIECE[:99], PIECE[99:] + b"\r\n"]],
    ids=["apart", "behind", "late"],
)
async def test_a_line_end_behind_a_request_does_not_end_its_time(packets: list[bytes]) -> None:
    app, release = held()
    wire = Wire([])
    connection = connect(wire, ServerConfig(), app)
    for packet in packets:
        connection.data_received(packet)
    await check_waits(connection, wire, release)


@pytest.mark.parametrize("status", [200, 500])
async def test_a_half_closed_connection_ends_with_its_response(status: int) -> None:
    release = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await release.wait()
        if status == 200:
            await reply(send, 200, b"")

    wire = Wire([])
    connection = connect(wire, ServerConfig(), app)
    connection.data_received(request())
    assert connection.eof_received(), "the transport must stay open"
    release.set()
    await turns()
    assert wire.written.startswith(b"HTTP/1.1 %d " % status)
    assert wire.is_closing()
    connection.connection_lost(None)


async def test_pipelined_requests_in_packets_of_their_own_pause_reading() -> None:
    """During a drain, the client may then read the response before the connection is reset."""
    app, release = held()
    wire = Wire([])
    connection = connect(wire, ServerConfig(), app)
    connection.data_received(request())
    assert wire.is_reading()
    connection.data_received(request())
    assert not wire.is_reading()
    connection.state.draining = True
    release()
    await turns()
    assert b"connection: close" in wire.written
    assert (wire.eof, wire.closed) == (True, False)
    connection.connection_lost(None)


async def test_a_client_whose_body_is_not_read_is_not_late() -> None:
    app, release = held()
    wire = Wire([])
    connection = connect(wire, ServerConfig(), app)
    data = request(b"/", b"x" * 100_000)
    connection.data_received(data[:-1])
    await turns()
    assert not wire.is_reading()
    connection.expire(seconds_from_now(AN_HOUR))
    release()
    await turns()
    assert wire.is_reading()
    connection.data_received(data[-1:])
    await turns()
    assert wire.written.startswith(b"HTTP/1.1 200 ")
    connection.connection_lost(None)


async def test_a_body_that_ends_too_late_in_a_drain_is_a_408() -> None:
    """Also between two checks of the times."""
    wire = Wire([])
    connection = connect(wire, ServerConfig())
    connection.data_received(request(b"/", b"body")[:-1])
    connection.state.draining = True
    connection.state.last_start = seconds_from_now(0)
    connection.data_received(b"y")
    await turns()
    assert wire.written.startswith(b"HTTP/1.1 408 ")
    connection.connection_lost(None)


async def test_no_100_is_sent_within_a_response() -> None:
    """The client would read it as a part of the body."""
    received = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        received.append((await receive())["body"])

    wire = Wire([])
    connection = connect(wire, ServerConfig(), app)
    connection.data_received(CHUNKED.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
    await turns()
    assert b"100 Continue" not in wire.written
    connection.data_received(b"1\r\nx\r\n")
    await turns()
    assert received == [b"x"]
    connection.connection_lost(None)


async def test_an_application_whose_response_is_replaced_sees_a_disconnect() -> None:
    """No 100 is sent, and the application does not wait for a client that does not read."""
    received = []
    called = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await called.wait()
        received.append((await receive())["type"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        received.append((await receive())["type"])

    wire = Wire([])
    connection = connect(wire, ServerConfig(), app)
    connection.data_received(request(b"/", b"body", b"POST", b"Expect: 100-continue")[:-4])
    await turns()
    connection.expire(seconds_from_now(AN_HOUR))
    assert wire.written.startswith(b"HTTP/1.1 408 ")
    connection.pause_writing()
    called.set()
    await turns()
    assert received == ["http.disconnect", "http.disconnect"]
    assert b"100 Continue" not in wire.written
    connection.connection_lost(None)
