"""Several workers share one address; a worker that dies is replaced."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from app.server.supervisor import MAX_FAILURES
from tests.server.processes import Program, running, started
from tests.server.serving import request
from tests.support import free_port, until
from tests.system_parts import require


def taken(port: int) -> str:
    """The log of a gateway whose port is taken by another gateway."""
    return f"wethod-graphql: cannot listen on 127.0.0.1:{port} (GATEWAY_PORT): address already in use\n"


async def pids(program: Program, count: int) -> dict[int, int]:
    """Wait for this many workers, and return their processes by their number."""
    found: dict[int, int] = {}

    async def all_found() -> bool:
        _, facts, _ = await program.ask("/")
        found[facts["index"]] = facts["pid"]
        return len(found) == count

    await until(all_found)
    return found


def children(program: Program) -> set[int]:
    """The processes of the workers, also of those that do not answer yet."""
    pid = program.process.pid
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_bytes().split()))


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
    async with running(workers=2, drain_delay=0.1, drain_seconds=10) as program:
        before = await pids(program, 2)
        answers = [asyncio.create_task(program.ask("/?2")) for _ in range(16)]
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


async def test_a_worker_stops_only_once_its_parent_has_closed_its_socket() -> None:
    """Otherwise clients would still connect, but no worker would accept them."""
    async with running(workers=2, drain_delay=0) as program:
        before = await pids(program, 2)
        program.signal(signal.SIGSTOP)
        try:
            os.kill(before[1], signal.SIGTERM)
            for _ in range(40):
                assert (await program.ask())[0] == 200
                await asyncio.sleep(0.005)
        finally:
            program.signal(signal.SIGCONT)
        await program.log_until(1, b"(pid %d) ended with 0 and is replaced" % before[1])
        program.signal(signal.SIGINT)
        assert (await program.end())[0] == 0


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


async def test_a_suspended_worker_does_not_block_its_parent() -> None:
    """A suspended worker reads no commands."""
    async with contextlib.AsyncExitStack() as stack:
        program = await stack.enter_async_context(running(workers=2, drain_delay=0))
        before = await pids(program, 2)
        index = None
        while index != 1:
            client = await stack.enter_async_context(program.connect())
            await client.send(request(b"/"))
            index = (await client.answer()).json["index"]

        async def reloaded() -> bool:
            await client.send(request(b"/"))
            return bool((await client.answer()).json["reloads"] == sent)

        sent = 0
        os.kill(before[0], signal.SIGSTOP)
        try:
            # More commands than the pipe to a worker can hold.
            while sent < 300:
                sent += 1
                program.signal(signal.SIGHUP)
                await until(reloaded)
            program.signal(signal.SIGINT)
            assert await client.rest() == b""
        finally:
            os.kill(before[0], signal.SIGCONT)
        code, log = await program.end()
        assert (code, "is killed" in log) == (0, False)


async def test_workers_that_end_at_their_start_end_the_program() -> None:
    async with started("dying", workers=2) as program:
        code, log = await program.end()
    assert code == 1
    assert re.fullmatch(
        r"wethod-graphql: worker [01] \(pid \d+\) does not start: it ended with 7; "
        r"given up after 5 attempts of each worker",
        log.splitlines()[-1],
    )
    assert "Traceback" not in log


async def test_workers_that_end_after_their_start_end_the_program() -> None:
    """Each restart comes later than the one before."""
    async with started("dying_once_ready", workers=2) as program:
        code, log = await program.end()
    assert code == 1
    lines = log.splitlines()
    assert lines[-1].startswith("wethod-graphql: worker ")
    assert lines[-1].endswith("after its start; given up after 5 attempts of each worker")
    assert [line.rpartition(" is started again ")[2] for line in lines if "worker 1 " in line][:4] == [
        "at once",
        "in 0.5 s",
        "in 1 s",
        "in 2 s",
    ]
    assert "Traceback" not in log


@pytest.mark.parametrize(("one", "other"), [(1, 1), (2, 2), (1, 2)])
async def test_one_of_two_gateways_that_start_together_serves(one: int, other: int) -> None:
    port = free_port()
    async with started(workers=one, port=port) as first, started(workers=other, port=port) as second:
        ends = {asyncio.create_task(program.end()): program for program in (first, second)}
        (loses,), (serves,) = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        assert await loses == (1, taken(port))
        assert (await ends[serves].ask())[0] == 200
        ends[serves].signal(signal.SIGINT)
        code, _ = await serves
    assert code == 0


async def test_one_worker_that_cannot_start_does_not_end_the_other() -> None:
    async with started("dying_second", workers=2, drain_delay=0) as program:
        await program.log_until(4, b"worker 1 ")
        program.signal(signal.SIGTERM)
        code, log = await program.end()
    assert code == 0
    assert "wethod-graphql:" not in log


async def test_a_worker_that_serves_is_kept_while_the_other_fails() -> None:
    """Its own failures are over."""
    require("/proc, which names the children of a process", present=sys.platform == "linux")
    async with running(workers=2) as program:
        before = await pids(program, 2)

        async def fail(index: int, survivor: int, times: int) -> None:
            for _ in range(times):
                await until(lambda: len(children(program)) == 2)
                (victim,) = children(program) - {survivor}
                os.kill(victim, signal.SIGKILL)
                await program.log_until(1, b"worker %d (pid %d)" % (index, victim))

        await fail(1, survivor=before[0], times=MAX_FAILURES)
        kept = (await pids(program, 2))[1]
        # The first end is no failure if the worker has run for long enough.
        await fail(0, survivor=kept, times=MAX_FAILURES + 1)
        assert (await program.ask())[1]["pid"] == kept
        program.signal(signal.SIGINT)
        code, log = await program.end()
    assert code == 0
    assert log.count("is started again") >= 2 * MAX_FAILURES


async def test_a_parent_without_file_descriptors_starts_the_worker_later() -> None:
    require("the limits of another process (prlimit)", present=hasattr(resource, "prlimit"))
    async with running(workers=2) as program:
        before = await pids(program, 2)
        limits = resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE, (0, limits[1]))
        os.kill(before[0], signal.SIGKILL)
        await program.log_until(2, b"worker 0 cannot be started: Too many open files and is started again")
        assert {(await program.ask("/"))[1]["pid"] for _ in range(5)} == {before[1]}
        resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE, limits)
        after = await pids(program, 2)
        assert after[0] != before[0]
        program.signal(signal.SIGINT)
        assert (await program.end())[0] == 0


async def test_a_second_signal_ends_a_worker_that_hangs_at_its_start() -> None:
    require("/proc, which names the children of a process", present=sys.platform == "linux")
    async with started("hanging", workers=2) as program:
        await until(lambda: len(children(program)) == 2)
        program.signal(signal.SIGINT)
        await asyncio.sleep(0.2)
        program.signal(signal.SIGINT)
        code, log = await program.end()
    assert code == 0, log
