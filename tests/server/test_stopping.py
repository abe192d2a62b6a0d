"""A stop of the whole gateway: no delete is lost, and every answer is correct."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import socket
import sys
from pathlib import Path

import httpx
import pytest

from tests.gateway import HEADERS, MUTATION
from tests.program import CLEAN, Program, running
from tests.support import NO_TLS, until
from tests.upstream import answer, upstream

WORKERS = pytest.mark.parametrize("workers", ["1", "2"], ids=["one-worker", "two-workers"])


def delete(http: httpx.AsyncClient, gateway: Program, contact_id: str = "7") -> asyncio.Task[httpx.Response]:
    body = {"query": MUTATION, "variables": {"id": contact_id}}
    return asyncio.create_task(http.post(f"{gateway.url}/graphql", json=body, headers=HEADERS))


def member(response: httpx.Response) -> str:
    return str(response.json()["data"]["deleteContact"]["__typename"])


def is_refused(gateway: Program) -> bool:
    try:
        socket.create_connection(("127.0.0.1", gateway.port)).close()
    except ConnectionError:
        return True
    return False


@WORKERS
async def test_sigterm_loses_no_delete(workers: str) -> None:
    """Readiness fails first, new requests are still served, and then the listener closes."""
    closed = asyncio.Event()
    async with (
        upstream([dataclasses.replace(answer(200), after=closed)]) as wethod,
        running(wethod.url, {"GATEWAY_DRAIN_DELAY_SECONDS": "2", "GATEWAY_WORKERS": workers}) as gateway,
        httpx.AsyncClient(timeout=15, verify=NO_TLS) as http,
    ):
        assert (await http.get(f"{gateway.url}/health/ready")).status_code == 200
        early = delete(http, gateway)
        await wethod.asked_for(1)
        gateway.process.send_signal(signal.SIGTERM)
        # Over a connection of its own, so that each worker may answer.
        await until(lambda: httpx.get(f"{gateway.url}/health/ready", verify=NO_TLS).status_code == 503)
        ready = await http.get(f"{gateway.url}/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "draining")
        assert ready.headers["connection"] == "close"
        late = delete(http, gateway, "8")
        await wethod.asked_for(2)
        await until(lambda: is_refused(gateway))
        assert not late.done()
        closed.set()
        for response in await asyncio.gather(early, late):
            assert member(response) == "DeleteContactSuccess"
            assert response.headers["connection"] == "close"
        assert await gateway.wait() == 0
    assert not [line for line in gateway.log if " ERROR " in line or "Traceback" in line], gateway.log


@WORKERS
async def test_ctrl_c_waits_only_for_deletes_in_flight(workers: str) -> None:
    """Not for the drain delay, nor for idle connections."""
    async with (
        upstream([answer(200, delay_seconds=0.5)]) as wethod,
        running(wethod.url, {"GATEWAY_DRAIN_DELAY_SECONDS": "20", "GATEWAY_WORKERS": workers}) as gateway,
        httpx.AsyncClient(timeout=15, verify=NO_TLS) as http,
    ):
        await http.get(f"{gateway.url}/health/live")
        deleting = delete(http, gateway)
        await wethod.asked_for(1)
        gateway.process.send_signal(signal.SIGINT)
        assert member(await deleting) == "DeleteContactSuccess"
        assert await gateway.wait() == 0
    assert not [line for line in gateway.log if "Traceback" in line]


@WORKERS
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
async def test_a_second_signal_ends_the_drain(workers: str, second: signal.Signals) -> None:
    """The client of the delete in flight gets an unknown outcome."""
    async with (
        upstream([answer(200, delay_seconds=30)]) as wethod,
        running(wethod.url, {"GATEWAY_DRAIN_DELAY_SECONDS": "20", "GATEWAY_WORKERS": workers}) as gateway,
        httpx.AsyncClient(timeout=15, verify=NO_TLS) as http,
    ):
        waiting = delete(http, gateway)
        await wethod.asked_for(1)
        gateway.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.2)  # an earlier signal counts as the same one
        gateway.process.send_signal(second)
        assert member(await waiting) == "WethodOutcomeUnknownError"
        assert await gateway.wait() == 1


HANGING_RESOLVER = """
import socket, sys, time

resolve = socket.getaddrinfo

def hang(host, *rest, **named):
    if "wethod.invalid" in str(host) and not rest[-1] & socket.AI_NUMERICHOST:
        print("a lookup hangs", file=sys.stderr, flush=True)
        time.sleep(600)
    return resolve(host, *rest, **named)

socket.getaddrinfo = hang
"""


@pytest.mark.parametrize(("transport", "workers"), [("http1", "1"), ("httpx", "1"), ("http1", "2")])
async def test_a_lookup_that_hangs_does_not_delay_the_exit(transport: str, workers: str, tmp_path: Path) -> None:
    """No local resolver can be made to hang, so Python's own function is replaced in the process."""
    (tmp_path / "sitecustomize.py").write_text(HANGING_RESOLVER, encoding="utf-8")
    environ = {
        "PYTHONPATH": str(tmp_path),
        "GATEWAY_WORKERS": workers,
        "WETHOD_TRANSPORT": transport,
        "WETHOD_CONNECT_TIMEOUT_SECONDS": "0.3",
    }
    async with (
        running("https://wethod.invalid", environ) as gateway,
        httpx.AsyncClient(timeout=15, verify=NO_TLS) as http,
    ):
        assert member(await delete(http, gateway)) == "WethodUnavailableError"
        assert "a lookup hangs\n" in gateway.log
        gateway.process.send_signal(signal.SIGTERM)
        assert await gateway.wait() == 0


async def test_a_killed_worker_is_replaced_under_load() -> None:
    """The other worker loses no request."""
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
                            outcomes.append(member(await delete(http, gateway, str(number))))
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


async def test_workers_stop_when_their_parent_is_killed() -> None:
    """They finish the deletes in flight."""
    async with (
        upstream([answer(200, delay_seconds=0.5)]) as wethod,
        running(wethod.url, {"GATEWAY_WORKERS": "2"}) as gateway,
        httpx.AsyncClient(timeout=15, verify=NO_TLS) as http,
    ):
        workers = gateway.workers()
        deleting = delete(http, gateway)
        await wethod.asked_for(1)
        gateway.process.kill()
        assert member(await deleting) == "DeleteContactSuccess"
        await until(lambda: not any(alive(worker) for worker in workers))
        assert is_refused(gateway)


async def test_workers_whose_parent_is_killed_while_they_start_end_without_a_traceback() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "serve", "--port", "0"),
        env=CLEAN | {"WETHOD_BASE_URL": "http://127.0.0.1:1", "GATEWAY_WORKERS": "2", "GATEWAY_AUDIT_LOG": "off"},
        stderr=asyncio.subprocess.PIPE,
    )
    await until(lambda: len(Program(process, "", []).workers()) == 2)
    process.kill()
    async with asyncio.timeout(15):
        _, log = await process.communicate()
    assert log.count(b"the parent process is gone") == 2
    assert b"Traceback" not in log


def alive(pid: int) -> bool:
    """Return true if a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("latin-1").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
