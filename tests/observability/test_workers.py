"""Workers are killed, replaced, rotated and stopped: every delete is in lines and numbers once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.gateway import HEADERS
from tests.observability.records import lines, samples
from tests.upstream import answer, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.upstream import Upstream

ROOT = Path(__file__).parents[2]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("WETHOD_", "GATEWAY_", "OTEL_"))}
DELETE = "mutation($id: ID!) { deleteContact(id: $id) { __typename } }"
SUCCESSES = 'wethod_operation_total{operation="deleteContact",outcome="DeleteContactSuccess"}'


class Serving:
    """A running ``serve``, and the files of its standard output and error."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path, err: Path) -> None:
        self.process = process
        self.out = out
        self.err = err
        self.url = ""

    async def delete(self, first: int, count: int) -> None:
        """Delete some contacts, each over a connection of its own, so that all workers have some."""
        for number in range(first, first + count):
            async with httpx.AsyncClient() as http:
                body = {"query": DELETE, "variables": {"id": str(number)}}
                answered = await http.post(f"{self.url}/graphql", json=body, headers=HEADERS, timeout=10)
            assert answered.json() == {"data": {"deleteContact": {"__typename": "DeleteContactSuccess"}}}

    async def numbers(self, url: str = "") -> dict[str, float]:
        """Return the samples of a page of metrics."""
        async with httpx.AsyncClient() as http:
            return samples((await http.get(f"{url or self.url}/metrics", timeout=10)).content)

    def workers(self) -> list[int]:
        """Return the process ids of the live workers; the resource tracker is another child."""
        children = (
            Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="utf-8").split()
        )
        return [int(pid) for pid in children if b"app.server" in command_of(pid)]


def command_of(pid: str) -> bytes:
    """Return the command line of a process; nothing once it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


@contextlib.asynccontextmanager
async def serving(folder: Path, wethod: Upstream, **environ: str) -> AsyncIterator[Serving]:
    """Serve with two workers; killed at the end if it still runs."""
    defaults = {"WETHOD_BASE_URL": wethod.url, "WETHOD_TRANSPORT": "httpx", "GATEWAY_DRAIN_DELAY_SECONDS": "0"}
    out, err = folder / "stdout", folder / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(  # noqa: ASYNC220 - a few milliseconds
            [sys.executable, "-m", "app", "serve", "--port", "0", "--workers", "2"],
            env=CLEAN | defaults | environ,
            stdout=stdout,
            stderr=stderr,
            cwd=ROOT,
        )
    running = Serving(process, out, err)
    try:
        await until(lambda: "listens on" in err.read_text(encoding="utf-8") or process.poll() is not None, 60)
        found = re.search(r"listens on (\S+)/graphql", err.read_text(encoding="utf-8"))
        assert found, err.read_text(encoding="utf-8")
        running.url = found[1]
        yield running
    finally:
        process.kill()
        process.wait()


async def until(condition: Callable[[], object], seconds: float = 15) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - other processes have no event for it
            await asyncio.sleep(0.02)


async def test_a_killed_worker_loses_no_line_and_no_count(tmp_path: Path) -> None:
    """Its counts and its lines stay, and its successor continues; each worker serves the numbers of both."""
    path = tmp_path / "audit"
    environ = {"GATEWAY_AUDIT_LOG": str(path)}
    async with upstream([answer(200)]) as wethod, serving(tmp_path, wethod, **environ) as gateway:
        await gateway.delete(1, 30)
        victim, other = gateway.workers()
        os.kill(victim, signal.SIGKILL)
        await until(lambda: len(gateway.workers()) == 2 and victim not in gateway.workers())
        await gateway.delete(31, 30)
        for _ in range(4):
            found = await gateway.numbers()
            assert found[SUCCESSES] == 60
            assert found["gateway_audit_lines_total"] == 60
            assert found["gateway_worker_starts_total"] == 3
        assert other in gateway.workers()
        gateway.process.send_signal(signal.SIGTERM)
        await until(lambda: gateway.process.poll() is not None)
        assert gateway.process.returncode == 0
    ids = [line["contactId"] for line in lines(path)]
    assert sorted(ids, key=int) == [str(number) for number in range(1, 61)]
    assert len({line["token"] for line in lines(path)}) == 1
    assert f"(pid {victim})" in gateway.err.read_text(encoding="utf-8")


async def test_metrics_on_their_own_port_are_those_of_all_workers(tmp_path: Path, free_port: int) -> None:
    """The parent serves them; the port that clients use does not."""
    environ = {"GATEWAY_AUDIT_LOG": str(tmp_path / "audit"), "GATEWAY_METRICS_PORT": str(free_port)}
    async with upstream([answer(200)]) as wethod, serving(tmp_path, wethod, **environ) as gateway:
        await gateway.delete(1, 20)
        assert (await gateway.numbers(f"http://127.0.0.1:{free_port}"))[SUCCESSES] == 20
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"{gateway.url}/metrics")).status_code == 404


async def test_a_rotation_loses_no_line(tmp_path: Path) -> None:
    """After ``mv`` and SIGHUP to the parent, every worker writes to a new file."""
    path = tmp_path / "audit"
    old = tmp_path / "audit.1"
    environ = {"GATEWAY_AUDIT_LOG": str(path)}
    async with upstream([answer(200)]) as wethod, serving(tmp_path, wethod, **environ) as gateway:
        await gateway.delete(1, 10)
        path.rename(old)
        await gateway.delete(11, 10)
        assert len(lines(old)) == 20
        gateway.process.send_signal(signal.SIGHUP)
        await until(lambda: path.exists() and all(holds(pid, path) for pid in gateway.workers()))
        await gateway.delete(21, 10)
    assert [line["contactId"] for line in lines(path)] == [str(number) for number in range(21, 31)]
    assert len(lines(old)) == 20


def holds(pid: int, path: Path) -> bool:
    """Return whether a process has a file open."""
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if fd.readlink() == path:
                return True
    return False


async def test_only_the_audit_writes_to_standard_output(tmp_path: Path) -> None:
    """Whole lines of both workers; everything else goes to standard error, and the token nowhere."""
    async with upstream([answer(200)]) as wethod, serving(tmp_path, wethod) as gateway:
        await gateway.delete(1, 20)
        gateway.process.send_signal(signal.SIGTERM)
        await until(lambda: gateway.process.poll() is not None)
    assert sorted(int(line["contactId"]) for line in lines(gateway.out)) == list(range(1, 21))
    assert b"test-token" not in gateway.out.read_bytes() + gateway.err.read_bytes()


@pytest.fixture
def free_port() -> int:
    """A port that is free at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port
