"""Several workers share one address; a worker that dies is replaced."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import signal
import socket
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.server.processes import Program, Spawn, running
from tests.support import until
from tests.system_parts import require


async def pids(program: Program, count: int) -> dict[int, int]:
    """Wait for this many workers, and return their processes by their number."""
    found: dict[int, int] = {}

    async def all_found() -> bool:
        _, facts, _ = await program.ask("/")
        found[facts["index"]] = facts["pid"]
        return len(found) == count

    await until(all_found)
    return found


async def test_workers_share_the_address_and_know_their_number() -> None:
    async with running(workers=2) as program:
        workers = await pids(program, 2)
        assert set(workers) == {0, 1}
        assert program.process.pid not in workers.values()
        answers = await asyncio.gather(*(program.ask("/?0.01") for _ in range(60)))
        assert {facts["context"] for _, facts, _ in answers} == {"context of this start"}
        if sys.platform == "linux":
            assert min(Counter(facts["pid"] for _, facts, _ in answers).values()) > 10, "one worker got most of a burst"


async def test_sigterm_to_a_worker_drains_and_replaces_it() -> None:
    async with running(workers=2, drain_delay=0.1, drain_seconds=5) as program:
        before = await pids(program, 2)
        answers = [asyncio.create_task(program.ask("/?1")) for _ in range(16)]
        await asyncio.sleep(0.2)
        for _ in range(3):
            os.kill(before[1], signal.SIGTERM)
            await asyncio.sleep(0.15)
        assert not any(answer.done() for answer in answers)
        late = [await program.ask("/") for _ in range(10)]
        assert {facts["index"] for _, facts, _ in late} == {0}, "a new connection reached the worker that stops"
        os.kill(before[1], signal.SIGINT)
        results = [await answer for answer in answers]
        assert {status for status, _, _ in results} == {200}
        assert before[1] in {facts["pid"] for _, facts, _ in results}

        async def replaced() -> bool:
            _, facts, _ = await program.ask("/")
            return bool(facts["index"] == 1 and facts["pid"] != before[1])

        await until(replaced)
        program.signal(signal.SIGINT)
        code, log = await program.end()
    assert code == 0
    assert "ERROR" not in log


async def test_a_worker_that_does_not_stop_is_killed() -> None:
    async with running(workers=2, drain_delay=0, drain_seconds=30) as program:
        busy = asyncio.create_task(program.ask("/busy?20"))
        await asyncio.sleep(0.2)
        program.signal(signal.SIGTERM)
        await asyncio.sleep(0.2)
        started = time.monotonic()
        program.signal(signal.SIGTERM)
        code, log = await program.end()
        assert time.monotonic() - started > 1.5
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await busy
    assert code == 1
    assert "does not end and is killed" in log


@pytest.mark.parametrize("workers", [1, 2], ids=["one-worker", "two-workers"])
async def test_a_second_gateway_finds_the_port_taken(workers: int, spawn: Spawn) -> None:
    async with running(workers=workers) as program:
        for others in (1, 2):
            process = await spawn("working", workers=others, port=program.port)
            async with asyncio.timeout(30):
                _, log = await process.communicate()
            line = f"wethod-graphql: cannot listen on 127.0.0.1:{program.port} (GATEWAY_PORT): address already in use\n"
            assert (process.returncode, log.decode()) == (1, line)


async def test_workers_that_end_at_their_start_end_the_program(spawn: Spawn) -> None:
    process = await spawn("dying", workers=2)
    async with asyncio.timeout(60):
        _, log = await process.communicate()
    assert process.returncode == 1
    last = log.decode().splitlines()[-1]
    assert re.fullmatch(
        r"wethod-graphql: worker [01] \(pid \d+\) does not start: it ended with 7; "
        r"given up after 5 attempts of each worker",
        last,
    )
    assert b"Traceback" not in log


async def test_workers_that_end_after_their_start_end_the_program(spawn: Spawn) -> None:
    """Each restart comes later than the one before."""
    process = await spawn("dying_once_ready", workers=2)
    async with asyncio.timeout(60):
        _, log = await process.communicate()
    assert process.returncode == 1
    lines = log.decode().splitlines()
    assert lines[-1].startswith("wethod-graphql: worker ")
    assert lines[-1].endswith("after its start; given up after 5 attempts of each worker")
    assert [line.rpartition(" is started again ")[2] for line in lines if "worker 1 " in line][:4] == [
        "at once",
        "in 0.5 s",
        "in 1 s",
        "in 2 s",
    ]
    assert "Traceback" not in log.decode()


@pytest.mark.parametrize(("one", "other"), [(1, 1), (2, 2), (1, 2)])
async def test_one_of_two_gateways_that_start_together_serves(one: int, other: int, spawn: Spawn) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    processes = [await spawn("working", workers=workers, port=port) for workers in (one, other)]
    async with asyncio.timeout(60):
        ends = {asyncio.create_task(process.communicate()): process for process in processes}
        (done,), (serves,) = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        loser, winner = ends[done], ends[serves]
        line = f"wethod-graphql: cannot listen on 127.0.0.1:{port} (GATEWAY_PORT): address already in use\n"
        assert (loser.returncode, (await done)[1].decode()) == (1, line)
        assert (await Program(winner, port).ask())[0] == 200
        winner.send_signal(signal.SIGINT)
        await serves
    assert winner.returncode == 0


async def test_one_worker_that_cannot_start_does_not_end_the_other(spawn: Spawn) -> None:
    process = await spawn("dying_second", workers=2, drain_delay=0)
    assert process.stderr is not None
    log = b""
    async with asyncio.timeout(60):
        while log.count(b"worker 1 ") < 4:
            log += await process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        _, rest = await process.communicate()
    assert process.returncode == 0
    assert b"wethod-graphql:" not in log + rest


async def test_a_parent_without_file_descriptors_starts_the_worker_later() -> None:
    require("the limits of another process (prlimit)", present=hasattr(resource, "prlimit"))
    async with running(workers=2) as program:
        before = await pids(program, 2)
        limits = resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE, (0, limits[1]))
        os.kill(before[0], signal.SIGKILL)
        assert program.process.stderr is not None
        log = b""
        async with asyncio.timeout(60):
            while log.count(b"worker 0 cannot be started: Too many open files and is started again") < 2:
                log += await program.process.stderr.readline()
        assert {(await program.ask("/"))[1]["pid"] for _ in range(5)} == {before[1]}
        resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE, limits)
        after = await pids(program, 2)
        assert after[0] != before[0]
        program.signal(signal.SIGINT)
        assert (await program.end())[0] == 0


async def test_a_second_signal_ends_a_worker_that_hangs_at_its_start(spawn: Spawn) -> None:
    require("/proc, which names the children of a process", present=sys.platform == "linux")
    process = await spawn("hanging", workers=2)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    await until(lambda: len(children.read_bytes().split()) == 2)
    process.send_signal(signal.SIGINT)
    await asyncio.sleep(0.2)
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(60):
        _, log = await process.communicate()
    assert process.returncode == 0, log.decode()
