"""The sandbox on a socket: dropped and slow answers, its start and its end."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from app.sandbox import serve_sandbox
from app.sandbox.application import SLOW_SECONDS
from app.settings import Settings
from tests.sandbox.requests import address, editor, status, wait_until_gone

DELETE_7 = (
    b"DELETE /api/contact/7 HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer %s\r\n"
    b"Wethod-Company: acme\r\nWethod-Version: 2024-06-15\r\n\r\n"
)
DROPPED = {"Authorization": "Bearer demo-dropped"}
SLOW = {"Authorization": "Bearer demo-slow"}


def test_dropped_deletes_and_closes_without_a_byte(sandbox: str) -> None:
    with socket.create_connection(address(sandbox), timeout=5) as connection:
        connection.sendall(DELETE_7 % b"demo-dropped")
        assert connection.recv(1) == b""
    assert status(sandbox, "GET", 7) == 404
    with socket.create_connection(address(sandbox), timeout=5) as connection:
        connection.sendall(DELETE_7 % b"demo-dropped")
        assert connection.recv(4096).startswith(b"HTTP/1.1 404 ")


async def test_dropped_is_a_protocol_error_to_httpx(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Also on a connection that was used before; the server logs nothing."""
    await client.get("/api/contact/7")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await client.delete("/api/contact/7", headers=DROPPED)
    assert caplog.records == []


async def test_demo_slow_deletes_at_once_and_answers_later() -> None:
    with serve_sandbox(slow_seconds=0.5) as url:
        async with editor(url) as client:
            slow = asyncio.create_task(client.delete("/api/contact/7", headers=SLOW))
            await wait_until_gone(client, 7)
            assert not slow.done()
            answer = await slow
            assert (answer.status_code, answer.content) == (200, b"")


def test_slow_is_longer_than_the_default_deadline_of_the_gateway() -> None:
    deadline = Settings.model_fields["wethod_timeout_seconds"].default
    default = inspect.signature(serve_sandbox).parameters["slow_seconds"].default
    assert default == SLOW_SECONDS == 15
    assert deadline + 1 <= SLOW_SECONDS


def test_stopping_does_not_wait_for_a_slow_answer() -> None:
    with contextlib.ExitStack() as stack:
        with serve_sandbox() as url:
            connection = stack.enter_context(socket.create_connection(address(url), timeout=5))
            connection.sendall(DELETE_7 % b"demo-slow")
            while status(url, "GET", 7) == 200:
                time.sleep(0.01)
            stopping = time.monotonic()
        assert time.monotonic() - stopping < SLOW_SECONDS / 2
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    with pytest.raises(httpx.ConnectError):
        status(url, "GET", 7)


def test_it_can_start_again_on_its_port() -> None:
    with serve_sandbox() as url:
        assert status(url, "DELETE", 7) == 200
    with serve_sandbox(port=address(url)[1]) as again:
        assert again == url
        assert status(url, "DELETE", 7) == 200


PROGRAM = """
import functools
from app.sandbox import run_sandbox
run_sandbox("127.0.0.1", 0, None, functools.partial(print, flush=True))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_program_stops_at_a_signal(number: signal.Signals) -> None:
    environment = {**os.environ, "WEB_CONCURRENCY": "many", "FORWARDED_ALLOW_IPS": "*"}
    command = ["timeout", "--foreground", "--kill-after=5", "30", sys.executable, "-c", PROGRAM]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=environment
    ) as program:
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        with socket.create_connection(address(url), timeout=5) as connection:
            connection.sendall(DELETE_7 % b"demo-slow")
            while status(url, "GET", 7) == 200:
                time.sleep(0.01)
            program.send_signal(number)
            program.communicate(timeout=5)
    assert program.returncode == 0
