"""Workers are killed, replaced, rotated and stopped: every delete is logged and counted once."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.gateway import HEADERS
from tests.observability.records import samples
from tests.program import running
from tests.support import NO_TLS, free_port, json_lines, until
from tests.system_parts import require
from tests.upstream import answer, upstream

if TYPE_CHECKING:
    import asyncio

    from tests.program import Program

DELETE = "mutation($id: ID!) { deleteContact(id: $id) { __typename } }"
TWO = {"GATEWAY_WORKERS": "2", "WETHOD_TRANSPORT": "httpx"}
SUCCESSES = 'wethod_operation_total{operation="deleteContact",outcome="DeleteContactSuccess"}'


async def delete(gateway: Program, first: int, count: int) -> None:
    """Delete some contacts, each over a connection of its own, so that every worker gets some."""
    for number in range(first, first + count):
        async with httpx.AsyncClient(verify=NO_TLS) as http:
            body = {"query": DELETE, "variables": {"id": str(number)}}
            answered = await http.post(f"{gateway.url}/graphql", json=body, headers=HEADERS, timeout=10)
        assert answered.json() == {"data": {"deleteContact": {"__typename": "DeleteContactSuccess"}}}


async def numbers(url: str) -> dict[str, float]:
    async with httpx.AsyncClient(verify=NO_TLS) as http:
        return samples((await http.get(f"{url}/metrics", timeout=10)).content)


async def test_a_killed_worker_loses_no_line_and_no_count(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    environ = {"GATEWAY_AUDIT_LOG": str(path)}
    async with upstream([answer(200)]) as wethod, running(wethod.url, TWO | environ) as gateway:
        await delete(gateway, 1, 30)
        victim, other = gateway.workers()
        os.kill(victim, signal.SIGKILL)
        await until(lambda: len(gateway.workers()) == 2 and victim not in gateway.workers())
        await delete(gateway, 31, 30)
        for _ in range(4):
            found = await numbers(gateway.url)
            assert found[SUCCESSES] == 60
            assert found["gateway_audit_lines_total"] == 60
            assert found["gateway_worker_starts_total"] == 3
        assert other in gateway.workers()
        gateway.process.send_signal(signal.SIGTERM)
        assert await gateway.wait() == 0
    ids = [line["contactId"] for line in json_lines(path)]
    assert sorted(ids, key=int) == [str(number) for number in range(1, 61)]
    assert len({line["token"] for line in json_lines(path)}) == 1
    assert f"(pid {victim})" in "".join(gateway.log)


async def test_a_killed_worker_leaves_no_gauge_in_a_drain() -> None:
    """Nothing replaces it then."""
    port = free_port()
    environ = {"GATEWAY_WORKERS": "2", "GATEWAY_METRICS_PORT": str(port), "GATEWAY_DRAIN_DELAY_SECONDS": "60"}
    async with running(None, environ) as gateway:

        async def draining(workers: int) -> bool:
            return (await numbers(f"http://127.0.0.1:{port}"))['gateway_workers{state="draining"}'] == workers

        gateway.process.send_signal(signal.SIGTERM)
        await until(lambda: draining(2))
        victim, other = gateway.workers()
        os.kill(victim, signal.SIGKILL)
        await until(lambda: draining(1))
        os.kill(other, signal.SIGKILL)
        await gateway.wait()


async def test_a_rotation_loses_no_line(tmp_path: Path) -> None:
    """SIGHUP to the parent reopens the file in every worker."""
    path = tmp_path / "audit"
    old = tmp_path / "audit.1"
    environ = {"GATEWAY_AUDIT_LOG": str(path)}
    async with upstream([answer(200)]) as wethod, running(wethod.url, TWO | environ) as gateway:
        await delete(gateway, 1, 10)
        path.rename(old)
        await delete(gateway, 11, 10)
        assert len(json_lines(old)) == 20
        gateway.process.send_signal(signal.SIGHUP)
        await until(lambda: path.exists() and all(holds(pid, path) for pid in gateway.workers()))
        await delete(gateway, 21, 10)
    assert [line["contactId"] for line in json_lines(path)] == [str(number) for number in range(21, 31)]
    assert len(json_lines(old)) == 20


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_rotation_during_the_start_loses_no_line(tmp_path: Path, workers: str) -> None:
    """SIGHUP arrives when a worker has opened the file and does not serve yet."""
    path = tmp_path / "audit"
    environ = {"GATEWAY_AUDIT_LOG": str(path), "GATEWAY_WORKERS": workers}

    async def rotate(process: asyncio.subprocess.Process) -> None:
        await until(path.exists)
        path.rename(tmp_path / "audit.1")
        process.send_signal(signal.SIGHUP)

    async with upstream([answer(200)]) as wethod, running(wethod.url, environ, while_starting=rotate) as gateway:
        pids = gateway.workers() or [gateway.process.pid]
        await until(lambda: path.exists() and all(holds(pid, path) for pid in pids))
        await delete(gateway, 1, 10)
    assert len(json_lines(path)) == 10


def holds(pid: int, path: Path) -> bool:
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if fd.readlink() == path:
                return True
    return False


@pytest.mark.parametrize("own_port", [False, True], ids=["main-port", "own-port"])
async def test_metrics_are_right_without_a_free_file_descriptor(own_port: bool) -> None:  # noqa: FBT001 - a parameter of the test
    require("the limits of another process (prlimit)", present=hasattr(resource, "prlimit"))
    metrics_port = free_port()
    environ = {"GATEWAY_METRICS_PORT": str(metrics_port)} if own_port else {}
    async with running(None, environ) as gateway, httpx.AsyncClient(verify=NO_TLS, timeout=10) as http:
        metrics = f"http://127.0.0.1:{metrics_port if own_port else gateway.port}/metrics"

        async def show_lookups(count: int) -> bool:
            answered = await http.get(metrics)
            assert answered.status_code == 200
            return samples(answered.content)['gateway_document_cache_requests_total{result="miss"}'] == count

        await http.get(f"{gateway.url}/health/live")
        assert await show_lookups(0)
        soft, hard = resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE, (3, hard))
        assert (await http.post(f"{gateway.url}/graphql", json={"query": "{ __typename }"})).status_code == 200
        await until(lambda: show_lookups(1))
        resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE, (soft, hard))
        gateway.process.send_signal(signal.SIGTERM)
        assert await gateway.wait() == 0
    assert "Traceback" not in "".join(gateway.log)


async def test_only_the_audit_writes_to_standard_output(tmp_path: Path) -> None:
    out = tmp_path / "stdout"
    environ = {"GATEWAY_AUDIT_LOG": "stdout"}
    async with upstream([answer(200)]) as wethod, running(wethod.url, TWO | environ, stdout=out) as gateway:
        await delete(gateway, 1, 20)
        gateway.process.send_signal(signal.SIGTERM)
        assert await gateway.wait() == 0
    assert sorted(int(line["contactId"]) for line in json_lines(out)) == list(range(1, 21))
    assert "test-token" not in out.read_text(encoding="utf-8") + "".join(gateway.log)
