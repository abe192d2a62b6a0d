"""What one `deleteContacts` saves: 100 ids in one field, beside five requests of 20 aliases, at a slow upstream."""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import time
from typing import TYPE_CHECKING

import httpx

from tests.benchmark.growth import wait_for
from tests.benchmark.measure import HEADERS, HERE, SERVER_CORE, Process, deletes, free_port, start_stub

if TYPE_CHECKING:
    from pathlib import Path

IDS = 100
ALIASES = 20
ROUNDS = 5
CONCURRENCY = (4, 20)

_IDS = itertools.count(1)
"""No two calls have the same id, so that none is shared."""
_SELECTION = "{ __typename ... on DeleteContactSuccess { message } ... on WethodError { key message } }"
_MANY = f"mutation ($ids: [ID!]!) {{ deleteContacts(ids: $ids) {{ id result {_SELECTION} }} }}"


def print_bulk(logs: Path) -> None:
    """Measure and print; medians of the rounds."""
    stub_port = free_port()
    stub = start_stub(stub_port, logs / "stub.log")
    print(f"{'100 deletes, each answered after 50 ms':<60}{'ms':>8}{'calls':>8}{'cpu ms':>8}")
    try:
        for concurrency in CONCURRENCY:
            for name, figures in asyncio.run(_measure(logs, stub_port, concurrency)).items():
                milliseconds, calls, cpu = (statistics.median(column) for column in zip(*figures, strict=True))
                print(f"{name:<60}{milliseconds:>8.0f}{calls:>8.0f}{cpu:>8.0f}", flush=True)
    finally:
        stub.stop()


async def _measure(logs: Path, stub_port: int, concurrency: int) -> dict[str, list[tuple[float, float, float]]]:
    """Measure one gateway: milliseconds, calls of the upstream and milliseconds of CPU time, of each round."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/graphql"
    start = [str(HERE / "subjects" / "gateway" / "start.sh"), str(port), f"http://127.0.0.1:{stub_port}/late"]
    environ = {"WETHOD_BULK_CONCURRENCY": str(concurrency)}
    server = Process(start, SERVER_CORE, logs / "gateway.log", environ)
    found: dict[str, list[tuple[float, float, float]]] = {}
    try:
        wait_for(url, json.dumps(_many(1)).encode(), "DeleteContactSuccess")
        async with httpx.AsyncClient(timeout=30) as http:

            async def ask(body: dict[str, object]) -> None:
                answer = await http.post(url, json=body, headers=HEADERS)
                assert answer.text.count("DeleteContactSuccess") in {IDS, ALIASES}, answer.text

            async def one_by_one() -> None:
                for _ in range(IDS // ALIASES):
                    await ask(_aliases())

            async def at_once() -> None:
                await asyncio.gather(*(ask(_aliases()) for _ in range(IDS // ALIASES)))

            ways = {
                f"deleteContacts, {concurrency} at a time": lambda: ask(_many(IDS)),
                "five requests of 20 aliases, one after the other": one_by_one,
                "five requests of 20 aliases, all at once": at_once,
            }
            for _ in range(ROUNDS):
                for name, way in ways.items():
                    before, cpu, started = deletes(stub_port), server.cpu_seconds(), time.monotonic()
                    await way()
                    seconds = time.monotonic() - started
                    row = (seconds * 1000, deletes(stub_port) - before, (server.cpu_seconds() - cpu) * 1000)
                    found.setdefault(name, []).append(row)
    finally:
        server.stop()
    return found


def _many(count: int) -> dict[str, object]:
    return {"query": _MANY, "variables": {"ids": [str(next(_IDS)) for _ in range(count)]}}


def _aliases() -> dict[str, object]:
    fields = " ".join(f"d{i}: deleteContact(id: {next(_IDS)}) {_SELECTION}" for i in range(ALIASES))
    return {"query": f"mutation {{ {fields} }}"}
