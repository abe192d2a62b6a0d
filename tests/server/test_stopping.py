"""The stop of the whole gateway: no delete is lost, and every answer is true."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import httpx
import pytest

from tests.gateway import HEADERS, MUTATION
from tests.program import CLEAN, running
from tests.support import NO_TLS, until
from tests.upstream import answer, upstream

BODY = {"query": MUTATION, "variables": {"id": "7"}}


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_sigterm_loses_no_delete(workers: str) -> None:
    """Readiness fails first, new work is still served, what is in flight finishes, exit code 0."""
    async with (
        upstream([answer(200, delay_seconds=1.2)]) as wethod,
        running(wethod.url, {"GATEWAY_DRAIN_DELAY_SECONDS": "0.6", "GATEWAY_WORKERS": workers}) as gateway,
        httpx.AsyncClient(timeout=15, verify=NO_TLS) as http,
    ):
        assert (await http.get(f"{gateway.url}/health/ready")).status_code == 200
        early = asyncio.create_task(http.post(f"{gateway.url}/graphql", json=BODY, headers=HEADERS))
        await wethod.asked_for(1)
        gateway.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.25)
        ready = await http.get(f"{gateway.url}/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "draining")
        assert ready.headers["connection"] == "close"
        late_body = BODY | {"variables": {"id": "8"}}
        late = asyncio.create_task(http.post(f"{gateway.url}/graphql", json=late_body, headers=HEADERS))
        for response in await asyncio.gather(early, late):
            assert response.json()["data"]["deleteContact"]["__typename"] == "DeleteContactSuccess"
            assert response.headers["connection"] == "close"
        assert await gateway.wait() == 0
        with pytest.raises(httpx.ConnectError):
            await http.get(f"{gateway.url}/health/live")
    assert not [line for line in gateway.log if " ERROR " in line or "Traceback" in line], gateway.log


async def test_a_second_sigterm_ends_it_at_once() -> None:
    """A waiting client gets an unknown outcome if there is time; the stop does not wait for the drain."""
    async with (
        upstream([answer(200, delay_seconds=30)]) as wethod,
        running(wethod.url, {"GATEWAY_DRAIN_DELAY_SECONDS": "20"}) as gateway,
        httpx.AsyncClient(timeout=15, verify=NO_TLS) as http,
    ):
        waiting = asyncio.create_task(http.post(f"{gateway.url}/graphql", json=BODY, headers=HEADERS))
        await wethod.asked_for(1)
        gateway.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.2)
        gateway.process.send_signal(signal.SIGTERM)
        assert await gateway.wait() == 1
        assert (await waiting).json()["data"]["deleteContact"]["__typename"] == "WethodOutcomeUnknownError"


async def test_the_end_of_the_drain_is_an_answer() -> None:
    """A request that outlives the drain is cancelled and reports an unknown outcome."""
    environ = {
        "GATEWAY_DRAIN_DELAY_SECONDS": "0",
        "GATEWAY_DRAIN_SECONDS": "2",
        "WETHOD_TIMEOUT_SECONDS": "1",
        "GATEWAY_READ_TIMEOUT_SECONDS": "30",
    }
    query = "mutation { " + " ".join(f"d{i}: deleteContact(id: {i}) {{ __typename }}" for i in range(1, 4)) + " }"
    async with (
        upstream([answer(200, delay_seconds=0.9)]) as wethod,
        running(wethod.url, environ) as gateway,
        httpx.AsyncClient(timeout=15, verify=NO_TLS) as http,
    ):
        waiting = asyncio.create_task(http.post(f"{gateway.url}/graphql", json={"query": query}, headers=HEADERS))
        await wethod.asked_for(1)
        gateway.process.send_signal(signal.SIGTERM)
        outcomes = [found["__typename"] for found in (await waiting).json()["data"].values()]
        assert outcomes[0] == "DeleteContactSuccess"
        assert set(outcomes[1:]) <= {"WethodOutcomeUnknownError", "WethodUnavailableError"}
        assert await gateway.wait() == 0


async def test_ctrl_c_ends_an_idle_gateway_at_once() -> None:
    """No drain delay, no traceback."""
    async with (
        upstream([answer(200)]) as wethod,
        running(wethod.url, {"GATEWAY_DRAIN_DELAY_SECONDS": "20"}) as gateway,
        httpx.AsyncClient(verify=NO_TLS) as http,
    ):
        await http.get(f"{gateway.url}/health/live")
        gateway.process.send_signal(signal.SIGINT)
        assert await gateway.wait() == 0
    assert not [line for line in gateway.log if "Traceback" in line]


async def test_a_killed_worker_is_replaced_under_load() -> None:
    """The others go on; every answer that arrives is a whole one, and a new worker comes up."""
    async with (
        upstream([answer(200)]) as wethod,
        running(wethod.url, {"GATEWAY_WORKERS": "2", "GATEWAY_DRAIN_DELAY_SECONDS": "0"}) as gateway,
    ):
        before = gateway.workers()
        assert len(before) == 2
        stop = asyncio.Event()
        outcomes: list[str] = []
        broken = 0

        async def load(number: int) -> None:
            nonlocal broken
            while not stop.is_set():
                try:
                    async with httpx.AsyncClient(timeout=10, verify=NO_TLS) as http:
                        for _ in range(20):
                            number += 10
                            body = BODY | {"variables": {"id": str(number)}}
                            response = await http.post(f"{gateway.url}/graphql", json=body, headers=HEADERS)
                            outcomes.append(response.json()["data"]["deleteContact"]["__typename"])
                except httpx.TransportError:
                    broken += 1

        clients = [asyncio.create_task(load(number)) for number in range(1, 9)]
        await asyncio.sleep(0.3)
        os.kill(before[0], signal.SIGKILL)
        await until(lambda: len(set(gateway.workers()) - {before[0]}) == 2)
        await asyncio.sleep(1.0)
        stop.set()
        await asyncio.gather(*clients)
        assert set(outcomes) == {"DeleteContactSuccess"}
        assert broken <= len(clients)
        gateway.process.send_signal(signal.SIGTERM)
        assert await gateway.wait() == 0


async def test_workers_end_with_their_parent() -> None:
    """A killed parent leaves no process behind on the port."""
    async with upstream([answer(200)]) as wethod, running(wethod.url, {"GATEWAY_WORKERS": "2"}) as gateway:
        workers = gateway.workers()
        gateway.process.kill()
        await until(lambda: not any(alive(worker) for worker in workers))


async def test_a_worker_that_cannot_start_stops_the_start() -> None:
    """Its own word is the program's last line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app",
        "serve",
        "--port",
        "0",
        "--workers",
        "2",
        env=CLEAN | {"GATEWAY_AUDIT_LOG": "/no/such/folder/audit.log"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, output = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert "wethod-graphql: GATEWAY_AUDIT_LOG=/no/such/folder/audit.log" in output.decode()
    assert "Traceback" not in output.decode()


def alive(pid: int) -> bool:
    """Return true if a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("latin-1").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
