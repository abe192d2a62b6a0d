"""The sandbox as a server: dropped and slow answers, stopping, restarting, threads, programs."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing
from urllib.parse import urlsplit

import httpx
import pytest

from app.sandbox import SandboxThread, create_sandbox, run_sandbox, serve_sandbox
from app.sandbox.application import SLOW_SECONDS
from app.settings import Settings
from tests.sandbox.facts import EDITOR_OF_ACME, address, editor, eventually, status
from tests.system_parts import require_ipv6

DELETE_7 = (
    b"DELETE /api/contact/7 HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer %s\r\n"
    b"Wethod-Company: acme\r\nWethod-Version: 2024-06-15\r\n\r\n"
)


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Both event loops that a program may embed the sandbox in: they close and buffer in ways of their own."""
    return "asyncio", {"use_uvloop": request.param}


async def is_gone(client: httpx.AsyncClient, number: int) -> bool:
    """Whether the client's company does not have a contact."""
    return (await client.get(f"/api/contact/{number}")).status_code == 404


async def test_dropped_deletes_and_closes_without_a_byte(client: httpx.AsyncClient, sandbox: str) -> None:
    """demo-dropped: the contact is gone, and the connection ends before any status line; a repeat gets its 404."""
    reader, writer = await asyncio.open_connection(*address(sandbox))
    writer.write(DELETE_7 % b"demo-dropped")
    assert await asyncio.wait_for(reader.read(), 2) == b""
    writer.close()
    await writer.wait_closed()

    assert (await client.get("/api/contact/7")).status_code == 404
    repeat = await client.delete("/api/contact/7", headers={"Authorization": "Bearer demo-dropped"})
    assert (repeat.status_code, repeat.json()["key"]) == (404, "not_found")


async def test_dropped_is_a_protocol_error_to_httpx(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The usual client sees a lost connection, also on one that was used before; the server has nothing to log."""
    caplog.set_level(logging.INFO)
    await client.get("/api/contact/7")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await client.delete("/api/contact/7", headers={"Authorization": "Bearer demo-dropped"})
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []


async def test_a_server_that_cannot_drop_does_not_delete() -> None:
    """Without the ASGI extension demo-dropped fails before the contact is touched."""
    app = create_sandbox()
    headers = {**EDITOR_OF_ACME, "Authorization": "Bearer demo-dropped"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox", headers=headers) as client,
    ):
        with pytest.raises(RuntimeError, match=r"wethod-sandbox\.drop"):
            await client.delete("/api/contact/7")
        assert (await client.get("/api/contact/7")).status_code == 200


async def test_slow_deletes_at_once_and_answers_later() -> None:
    """demo-slow: the contact is gone while its delete still waits for the answer, a 200."""
    async with (
        serve_sandbox(slow_seconds=0.5) as url,
        editor(url) as client,
    ):
        started = time.monotonic()
        slow = asyncio.create_task(client.delete("/api/contact/7", headers={"Authorization": "Bearer demo-slow"}))
        await eventually(lambda: is_gone(client, 7))
        assert not slow.done()
        answer = await slow
        assert (answer.status_code, answer.content) == (200, b"")
        assert 0.5 <= time.monotonic() - started < 2


def test_slow_is_slower_than_the_gateway_waits() -> None:
    """By default the answer to demo-slow comes after the gateway's own default deadline."""
    deadline = Settings.model_fields["wethod_timeout_seconds"].default
    default = inspect.signature(serve_sandbox).parameters["slow_seconds"].default
    assert default == SLOW_SECONDS == 15
    assert deadline + 1 <= SLOW_SECONDS


async def test_a_slow_delete_whose_client_hung_up_ends(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing of a request is left once its connection is gone, and nothing is logged about it."""

    async def is_working() -> bool:
        return asyncio.all_tasks() != before

    async def is_idle() -> bool:
        return not await is_working()

    async with serve_sandbox() as url:
        before = asyncio.all_tasks()
        _, writer = await asyncio.open_connection(*address(url))
        writer.write(DELETE_7 % b"demo-slow")
        await eventually(is_working)
        writer.close()
        await writer.wait_closed()
        await eventually(is_idle)
    assert caplog.records == []


async def test_stopping_does_not_wait_for_a_slow_answer(caplog: pytest.LogCaptureFixture) -> None:
    """With a demo-slow request pending, stopping takes well under its 15 s, and its client sees the end."""
    async with serve_sandbox() as url:
        reader, writer = await asyncio.open_connection(*address(url))
        writer.write(DELETE_7 % b"demo-slow")
        await asyncio.sleep(0.1)
        stopping = time.monotonic()
    assert time.monotonic() - stopping < 0.5
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address(url))
    assert caplog.records == []


async def test_stopping_does_not_wait_for_a_client_that_does_not_read() -> None:
    """A peer that asks without reading the answers is cut off after a second."""
    get_1 = DELETE_7.replace(b"DELETE /api/contact/7", b"GET /api/contact/1") % b"demo-editor"

    async def is_stuck() -> bool:
        working = asyncio.all_tasks() - before
        await asyncio.sleep(0.1)
        return bool(working & asyncio.all_tasks())

    with closing(socket.socket()) as greedy:
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        async with serve_sandbox() as url:
            greedy.connect(address(url))
            greedy.settimeout(0)
            asking = asyncio.create_task(asyncio.get_running_loop().sock_sendall(greedy, get_1 * 12_000))
            before = asyncio.all_tasks()
            await eventually(is_stuck)
            asking.cancel()
            stopping = time.monotonic()
        assert 0.9 < time.monotonic() - stopping < 2
        assert asyncio.all_tasks() <= before


async def test_connections_are_kept_and_carry_many_requests(sandbox: str) -> None:
    """One connection answers pipelined requests, each by its own answer, in order."""
    reader, writer = await asyncio.open_connection(*address(sandbox))
    writer.write(DELETE_7 % b"demo-editor" + DELETE_7 % b"demo-editor" + DELETE_7 % b"stolen")
    statuses = []
    for _ in range(3):
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:-2])
        await reader.readexactly(int(fields["content-length"]))
        statuses.append(head.split(b" ", 2)[1])
    writer.close()
    await writer.wait_closed()
    assert statuses == [b"200", b"404", b"401"]


async def test_an_answer_takes_no_round_of_acknowledgements(client: httpx.AsyncClient) -> None:
    """Twenty answers on one connection come at once, not 40 ms apart as without TCP_NODELAY."""
    started = time.monotonic()
    for _ in range(20):
        await client.get("/api/contact/7")
    assert time.monotonic() - started < 0.4


async def test_a_name_that_does_not_resolve_is_an_os_error() -> None:
    """The caller is told which name."""
    with pytest.raises(OSError, match=r"cannot listen on no\.such\.host\.invalid:0: "):
        async with serve_sandbox("no.such.host.invalid"):
            pass


async def test_it_can_start_again_on_its_port() -> None:
    """A stopped sandbox leaves its port free at once; a new one in memory has every contact again."""
    async with serve_sandbox() as url, editor(url) as client:
        assert (await client.delete("/api/contact/7")).status_code == 200
    async with serve_sandbox(port=address(url)[1]) as again, editor(url) as client:
        assert again == url
        assert (await client.delete("/api/contact/7")).status_code == 200


async def test_a_taken_port_is_an_os_error(sandbox: str) -> None:
    """The caller is told which address cannot be had."""
    port = address(sandbox)[1]
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}: address already in use"):
        async with serve_sandbox(port=port):
            pass


async def test_it_listens_on_ipv6() -> None:
    """The URL of an IPv6 address has brackets and works."""
    require_ipv6()
    async with serve_sandbox("::1") as url, editor(url) as client:
        assert url.startswith("http://[::1]:")
        assert (await client.get("/api/contact/7")).status_code == 200


async def test_a_server_of_its_own_leaves_signals_alone(sandbox: str) -> None:
    """An embedding program keeps its own handling of SIGINT and SIGTERM."""
    assert sandbox
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with serve_sandbox():
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_thread_serves_and_stops() -> None:
    """SandboxThread answers while entered, and leaves neither thread nor port behind."""
    with SandboxThread() as url:
        assert status(url, "DELETE", 7) == 200
        assert status(url, "DELETE", 7) == 404
    assert "sandbox" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(httpx.ConnectError):
        status(url, "GET", 7)


def test_a_thread_stops_with_a_slow_request_pending() -> None:
    """Leaving a SandboxThread does not wait for demo-slow."""
    with ExitStack() as stack:
        with SandboxThread() as url:
            connection = stack.enter_context(socket.create_connection(address(url), timeout=5))
            connection.sendall(DELETE_7 % b"demo-slow")
            while status(url, "GET", 7) == 200:
                time.sleep(0.01)
            stopping = time.monotonic()
        assert time.monotonic() - stopping < 0.5
        assert connection.recv(1) == b""


def test_a_thread_raises_what_starting_raises() -> None:
    """A taken port is an OSError in the thread that asked, and no sandbox thread is left."""
    with (
        SandboxThread() as url,
        pytest.raises(OSError, match="address already in use"),
        SandboxThread(port=address(url)[1]),
    ):
        pass
    assert "sandbox" not in {thread.name for thread in threading.enumerate()}


def test_a_program_returns_at_a_signal() -> None:
    """run_sandbox announces a URL that answers at once, and returns when a signal comes."""
    announced: list[str] = []

    def announce(url: str) -> None:
        announced.append(url)
        socket.create_connection(address(url), timeout=5).close()
        os.kill(os.getpid(), signal.SIGTERM)

    run_sandbox("127.0.0.1", 0, None, announce)
    assert [urlsplit(url).hostname for url in announced] == ["127.0.0.1"]


PROGRAM = """
import functools
from app.sandbox import run_sandbox
run_sandbox("127.0.0.1", 0, None, functools.partial(print, flush=True))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_program_stops_at_a_signal(number: signal.Signals) -> None:
    """run_sandbox announces its URL and returns at a signal, a delete unanswered; no variable of uvicorn's matters."""
    environment = {**os.environ, "WEB_CONCURRENCY": "many", "FORWARDED_ALLOW_IPS": "*"}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment,
    ) as program:
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        with socket.create_connection(address(url), timeout=5) as connection:
            connection.sendall(DELETE_7 % b"demo-slow")
            while status(url, "GET", 7) == 200:
                time.sleep(0.01)
            program.send_signal(number)
            output, errors = program.communicate(timeout=5)
            assert connection.recv(1) == b""
    assert (program.returncode, output, errors) == (0, "", "")
