"""Several workers behind one address: they share the load, and one that dies is replaced."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from app.server.config import ServerConfig
from app.server.run import run
from app.start_error import StartError
from tests.server import factories
from tests.server.processes import Program, running, spawn
from tests.server.serving import request
from tests.support import until


async def pids(program: Program, count: int) -> dict[int, int]:
    """The workers' processes by their number, once there are so many."""
    found: dict[int, int] = {}

    async def all_found() -> bool:
        _, facts, _ = await program.ask("/")
        found[facts["index"]] = facts["pid"]
        return len(found) == count

    await until(all_found)
    return found


async def test_workers_share_the_address_and_know_their_number() -> None:
    """Connections spread over them; all have the context of this start; the parent is not one of them."""
    async with running(workers=2) as program:
        workers = await pids(program, 2)
        assert set(workers) == {0, 1}
        assert program.process.pid not in workers.values()
        answers = await asyncio.gather(*(program.ask("/?0.01") for _ in range(60)))
        assert {facts["context"] for _, facts, _ in answers} == {"context of this start"}
        if sys.platform == "linux":
            assert min(Counter(facts["pid"] for _, facts, _ in answers).values()) > 10, "a burst spreads"


async def test_a_worker_that_is_killed_is_replaced_and_the_others_go_on() -> None:
    """Under load: its own requests are lost, no other, and its successor has its number."""
    async with running(workers=2, drain_delay=0) as program:
        before = await pids(program, 2)
        stop = asyncio.Event()
        outcomes: Counter[str] = Counter()

        async def load() -> None:
            while not stop.is_set():
                try:
                    async with program.connect() as client:
                        for _ in range(20):
                            await client.send(request(b"/?0.002"))
                            answer = await client.answer()
                            outcomes[f"{answer.status} from {answer.json['pid']}"] += 1
                except (ConnectionError, asyncio.IncompleteReadError):
                    outcomes["lost"] += 1

        clients = [asyncio.create_task(load()) for _ in range(8)]
        await asyncio.sleep(0.3)
        os.kill(before[0], signal.SIGKILL)
        after = dict(before)

        async def replaced() -> bool:
            _, facts, _ = await program.ask("/")
            after[facts["index"]] = facts["pid"]
            return after[0] != before[0]

        await until(replaced)
        assert after[1] == before[1]
        stop.set()
        await asyncio.gather(*clients)
        assert outcomes["lost"] <= len(clients), "no more than it had in its hands"
        assert outcomes[f"200 from {before[1]}"] > 50
        program.signal(signal.SIGTERM)
        code, log = await program.end()
    assert code == 0, "what died earlier was replaced; the stop itself was clean"
    assert f"worker 0 (pid {before[0]}) ended with -9" in log


async def test_a_worker_may_be_drained_alone() -> None:
    """SIGTERM to a worker, not to the parent, however often: it finishes, and has a successor."""
    async with running(workers=2, drain_delay=0.1, drain_seconds=5) as program:
        before = await pids(program, 2)
        answers = [asyncio.create_task(program.ask("/?1")) for _ in range(16)]
        await asyncio.sleep(0.2)
        for _ in range(3):
            os.kill(before[1], signal.SIGTERM)
            await asyncio.sleep(0.15)
        assert not any(answer.done() for answer in answers)
        late = [await program.ask("/") for _ in range(10)]
        assert {facts["index"] for _, facts, _ in late} == {0}, "no new connection reaches the worker that has left"
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


async def test_sighup_reloads_every_worker_and_ends_none() -> None:
    """One callback that fails keeps the others from nothing."""
    for workers in (1, 2):
        async with running(workers=workers) as program:
            before = await pids(program, workers)
            program.signal(signal.SIGHUP)

            reloads: dict[int, int] = {}

            async def reloaded(reloads: dict[int, int] = reloads, program: Program = program) -> bool:
                _, facts, _ = await program.ask("/")
                reloads[facts["index"]] = facts["reloads"]
                return bool(reloads) and len(reloads) == len(before) and set(reloads.values()) == {1}  # noqa: B023

            await until(reloaded)
            assert await pids(program, workers) == before
            program.signal(signal.SIGINT)
            code, log = await program.end()
        assert code == 0
        assert log.count("a reload failed") == workers


async def test_workers_stop_when_their_parent_is_gone() -> None:
    """Killed, it cannot tell them: they find out, finish what they have, and free the address."""
    async with running(workers=2, drain_delay=30, drain_seconds=5) as program:
        await pids(program, 2)
        slow = asyncio.create_task(program.ask("/?0.5"))
        await asyncio.sleep(0.1)
        program.process.kill()
        await until(program.refuses)
        assert (await slow)[0] == 200
        _, log = await program.end()
    assert log.count("the parent process is gone") == 2


async def test_a_worker_that_does_not_stop_is_killed() -> None:
    """A second signal gives it two seconds, however deep it is in whatever it does."""
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
async def test_a_second_gateway_finds_the_port_taken(workers: int) -> None:
    """However its sockets are shared among its workers, they are not shared with another gateway."""
    async with running(workers=workers) as program:
        for others in (1, 2):
            process = await spawn("working", workers=others, port=program.port)
            async with asyncio.timeout(5):
                _, log = await process.communicate()
            line = f"wethod-graphql: cannot listen on 127.0.0.1:{program.port} (GATEWAY_PORT): address already in use\n"
            assert (process.returncode, log.decode()) == (1, line)


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        ("refusing", ["wethod-graphql: GATEWAY_X="]),
        ("dying", ["wethod-graphql: worker 0 (pid ", "wethod-graphql: worker 1 (pid "]),
    ],
    ids=["reason", "death"],
)
async def test_workers_that_cannot_start_end_the_program(factory: str, words: list[str]) -> None:
    """With the reason where there is one, after a few tries where there is none; never for ever."""
    process = await spawn(factory, workers=2)
    async with asyncio.timeout(60):
        _, log = await process.communicate()
    assert process.returncode == 1
    last = log.decode().splitlines()[-1]
    assert last.startswith(tuple(words))
    assert factory == "refusing" or last.endswith(
        "does not start: it ended with 7; given up after 5 attempts of each worker"
    )
    assert b"Traceback" not in log


async def test_workers_that_die_once_they_are_ready_end_the_program() -> None:
    """They are started again, later each time; the gateway gives up with one line, and exits with 1."""
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
async def test_of_two_gateways_that_start_at_once_one_serves(one: int, other: int) -> None:
    """The other finds the port taken, and ends with one line that names port and setting."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    processes = [await spawn("working", workers=workers, port=port) for workers in (one, other)]
    async with asyncio.timeout(20):
        ends = {asyncio.create_task(process.communicate()): process for process in processes}
        (done,), (serves,) = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        loser, winner = ends[done], ends[serves]
        line = f"wethod-graphql: cannot listen on 127.0.0.1:{port} (GATEWAY_PORT): address already in use\n"
        assert (loser.returncode, (await done)[1].decode()) == (1, line)
        assert (await Program(winner, port).ask())[0] == 200
        winner.send_signal(signal.SIGINT)
        await serves
    assert winner.returncode == 0


async def test_one_worker_that_cannot_start_does_not_end_those_that_can() -> None:
    """It is tried again, ever more seldom; the other serves, and a stop is a stop."""
    process = await spawn("dying_second", workers=2, drain_delay=0)
    assert process.stderr is not None
    log = b""
    async with asyncio.timeout(20):
        while log.count(b"worker 1 ") < 4:
            log += await process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        _, rest = await process.communicate()
    assert process.returncode == 0
    assert b"wethod-graphql:" not in log + rest


@pytest.mark.skipif(sys.platform != "linux", reason="the limits of another process")
async def test_a_parent_without_file_descriptors_starts_the_worker_later() -> None:
    """The other worker serves; the dead one is replaced once the parent can start it."""
    async with running(workers=2) as program:
        before = await pids(program, 2)
        limits = resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE, (0, limits[1]))
        os.kill(before[0], signal.SIGKILL)
        assert program.process.stderr is not None
        log = b""
        async with asyncio.timeout(20):
            while log.count(b"worker 0 cannot be started: Too many open files and is started again") < 2:
                log += await program.process.stderr.readline()
        assert {(await program.ask("/"))[1]["pid"] for _ in range(5)} == {before[1]}
        resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE, limits)
        after = await pids(program, 2)
        assert after[0] != before[0]
        program.signal(signal.SIGINT)
        assert (await program.end())[0] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="/proc names the children of a process")
async def test_a_worker_that_hangs_at_its_start_does_not_outlive_a_second_signal() -> None:
    """It does not read commands, so the parent kills it in the end."""
    process = await spawn("hanging", workers=2)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    await until(lambda: len(children.read_bytes().split()) == 2)
    process.send_signal(signal.SIGINT)
    await asyncio.sleep(0.2)
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(60):
        _, log = await process.communicate()
    assert process.returncode == 0, log.decode()


def test_a_single_worker_that_cannot_start_raises_in_place(capfd: pytest.CaptureFixture[str]) -> None:
    """The reason is printed by the same process, and the address is free again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(StartError, match="GATEWAY_X=0: cannot be"):
        run(factories.refusing, b"", ServerConfig(port=port))
    with socket.create_server(("127.0.0.1", port)):
        pass
    assert capfd.readouterr() == ("", "")
