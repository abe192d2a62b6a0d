"""A stop with one worker and with several: every request in progress gets an answer."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest

from tests.server.processes import running, started
from tests.server.serving import read, reply, request, serving
from tests.support import with_lifespan

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

WORKERS = pytest.mark.parametrize("workers", [1, 2], ids=["one-worker", "two-workers"])


@WORKERS
async def test_the_echo_of_a_signal_is_not_a_second_one(workers: int) -> None:
    """`timeout`, shells and process managers signal the group and then the process."""
    async with running(workers=workers, drain_delay=0.2, drain_seconds=3) as program:
        slow = asyncio.create_task(program.ask("/?0.6"))
        await asyncio.sleep(0.1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            program.signal(number)
        assert (await slow)[0] == 200
        assert (await program.end())[0] == 0


@WORKERS
async def test_a_signal_after_the_end_of_serving_changes_nothing(workers: int) -> None:
    """Signals arrive until the process and a worker are gone."""
    async with running(workers=workers, drain_delay=0) as program:
        pids = {program.process.pid, (await program.ask())[1]["pid"]}
        while program.process.returncode is None:
            for pid, number in itertools.product(pids, (signal.SIGTERM, signal.SIGHUP)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            await asyncio.sleep(0.001)
        assert (await program.end())[0] == 0


@WORKERS
async def test_the_end_of_the_drain_cancels_requests_which_still_answer(workers: int) -> None:
    async with running(workers=workers, drain_delay=0, drain_seconds=0.3) as program:
        answering = asyncio.create_task(program.ask("/answers-cancellation?15"))
        plain = asyncio.create_task(program.ask("/?15"))
        await asyncio.sleep(0.1)
        program.signal(signal.SIGTERM)
        status, facts, _ = await answering
        assert (status, facts["state"]) == (200, "draining")
        status, error, _ = await plain
        assert (status, error["errors"][0]["extensions"]["code"]) == (500, "INTERNAL_SERVER_ERROR")
        code, log = await program.end()
    assert code == 1
    assert "requests are cut off" in log


async def test_a_request_that_ignores_its_cancellation_is_cut() -> None:
    async with running(drain_delay=0, drain_seconds=0.2) as program:
        ignoring = asyncio.create_task(program.ask("/ignores-cancellation?15"))
        await asyncio.sleep(0.1)
        started = time.monotonic()
        program.signal(signal.SIGTERM)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await ignoring
        assert time.monotonic() - started > 1.1


async def test_an_application_that_does_not_end_is_left_behind() -> None:
    """No request was cut, so the exit code is 0."""
    async with running("lingering") as program:
        program.signal(signal.SIGINT)
        code, log = await program.end()
    assert code == 0
    assert "the application did not shut down within 3 s; exiting without it" in log


@WORKERS
async def test_a_signal_during_the_start_stops_without_an_error(workers: int) -> None:
    for seconds in (0.2, 0.6):
        async with started(workers=workers, drain_delay=0) as program:
            await asyncio.sleep(seconds)
            program.signal(signal.SIGTERM)
            code, log = await program.end()
        # Before the program handles signals, the system ends it.
        assert code in {0, -signal.SIGTERM}, log
        assert "ERROR" not in log
        assert "Traceback" not in log


async def test_clients_that_the_kernel_has_accepted_are_answered() -> None:
    """The listener has not accepted them yet."""
    async with serving() as served:
        clients = []
        for _ in range(50):
            clients.append(socket.create_connection(("127.0.0.1", served.port)))
            clients[-1].sendall(request())
        served.server.finish()
    for client in clients:
        with client:
            assert client.recv(12) == b"HTTP/1.1 200"


LATE = {
    "head": (request(b"/", b"{}")[:10], request(b"/", b"{}")[10:]),
    "body": (request(b"/", b"{}")[:-1], b"}"),
    "continue": (request(b"/", b"{}", b"POST", b"Expect: 100-continue")[:-2], b"{}"),
}


@pytest.mark.parametrize(("begin", "rest"), LATE.values(), ids=LATE)
async def test_while_draining_a_request_that_is_late_is_a_408(begin: bytes, rest: bytes) -> None:
    """The rest of the drain is shorter than the time of a request."""
    complete = False

    @with_lifespan
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal complete
        with contextlib.suppress(ConnectionError):
            await read(receive)
            complete = True
            await reply(send, 200, b"")

    async with (
        serving(app, request_seconds=1.0, drain_seconds=1.3) as served,
        served.connect() as client,
        served.connect() as other,
    ):
        for each in (client, other):
            await each.send(begin)
        if b"Expect" in begin:
            assert (await client.answer()).status == 100
        await asyncio.sleep(0.05)
        served.server.finish()
        assert (await client.answer()).status == 408
        # The other client sends its rest later. The server may not have noticed yet that this client is late.
        with contextlib.suppress(ConnectionError):
            await other.send(rest)
        assert b" 408 " in await other.rest()
        assert served.refused == {408: 2}
    assert not complete


async def test_while_draining_a_request_in_time_has_its_full_time() -> None:
    @with_lifespan
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await read(receive)
        await asyncio.sleep(0.9)
        await reply(send, 200, b"in time")

    async with serving(app, request_seconds=1.0, drain_seconds=1.6) as served, served.connect() as client:
        await client.send(request(b"/", b"{}")[:-1])
        await asyncio.sleep(0.05)
        served.server.finish()
        await asyncio.sleep(0.3)
        await client.send(b"}")
        assert (await client.answer()).body == b"in time"
    assert served.server.cut == 0


async def test_a_forced_stop_starts_no_request() -> None:
    started: list[str] = []

    @with_lifespan
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.suppress(ConnectionError):
            await read(receive)
            started.append(scope["path"])
            if scope["path"] == "/slow":
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(10)
                await asyncio.sleep(0.3)
            await reply(send, 200, scope["path"].encode())

    async with (
        serving(app, drain_delay=10, drain_seconds=10) as served,
        served.connect() as slow,
        served.connect() as arriving,
        served.connect() as idle,
    ):
        await slow.send(request(b"/slow"))
        await arriving.send(request(b"/arriving", b"{}")[:-1])
        await idle.send(request(b"/idle"))
        await idle.answer()
        served.server.drain()
        await asyncio.sleep(0.05)
        served.server.force_stop()
        assert (await arriving.answer()).status == 408
        with contextlib.suppress(ConnectionError):
            await arriving.send(b"}")
            await idle.send(request(b"/late"))
        assert (await slow.answer()).body == b"/slow"
        assert b" 200 " not in await idle.rest()
    assert sorted(started) == ["/idle", "/slow"]


async def test_a_forced_stop_waits_for_a_client_that_reads_slowly() -> None:
    size = 8_000_000

    @with_lifespan
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(10)
        await reply(send, 200, b"x" * size)

    async with serving(app, drain_seconds=10) as served, served.connect() as client:
        await client.send(request())
        await asyncio.sleep(0.05)
        served.server.finish()
        served.server.force_stop()
        await asyncio.sleep(0.3)
        assert len((await client.answer()).body) == size
