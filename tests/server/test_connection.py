"""Faults of a server connection that no client can cause over a socket."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING

from app.server.config import ServerConfig
from app.server.connection import Connection
from app.server.lifecycle import Lifecycle
from app.server.state import WorkerState
from tests.server.serving import echo, request
from tests.server.wire import CLIENT, Wire

if TYPE_CHECKING:
    import pytest


def connect(wire: Wire, config: ServerConfig) -> Connection:
    connection = Connection(echo, WorkerState(config, Lifecycle()), set(), CLIENT)
    connection.connection_made(wire)
    return connection


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
        an_hour_on = asyncio.get_running_loop().time() + 3_600
        connection.expire(an_hour_on)
        assert not wire.is_closing()
        connection.data_received(ours.recv(4096))
        for _ in range(5):
            await asyncio.sleep(0)
        assert wire.written.startswith(b"HTTP/1.1 200 ")
        connection.expire(an_hour_on)
        assert wire.is_closing()
    connection.connection_lost(None)
