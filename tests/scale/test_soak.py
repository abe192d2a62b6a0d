"""Mixed faults under load: no growth of memory, sockets or tasks, and no unhandled exception.

Five seconds by default; ``SOAK_SECONDS=600`` for a long one.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.gateway import HEADERS
from tests.program import running
from tests.support import NO_TLS
from tests.upstream import HANGING, LOST, Answer, Asked, Upstream, answer, upstream

SECONDS = float(os.environ.get("SOAK_SECONDS", "5"))
CLIENTS = 24
REST_SECONDS = 1.5
"""By then the last delete has its outcome, or the end of each connection is noticed."""

DELETE = "mutation($id: ID!) { deleteContact(id: $id) { __typename ... on WethodError { key message } } }"

REPLIES = (
    *[answer(200)] * 20,
    *[answer(404, b'{"key": "not_found", "message": "Contact not found"}')] * 4,
    answer(400, b'{"key": "invalid_data", "failures": [{"field": "id", "message": "no"}]}'),
    answer(403, b"<html>" + b"x" * 100_000),
    answer(429),
    answer(500, b"x" * 10_000),
    answer(202),
    LOST,
    LOST,
    HANGING,
    Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", close=True),
    Answer(b"HTTP/1.1 403 X\r\nContent-Length: 50\r\n\r\n{"),
    Answer(b"garbage\r\n\r\n", close=True),
    Answer(b"HTTP/1.1 200 OK\r\nContent-Le", close=True),
)


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def tasks(url: str) -> float:
    """The number of tasks of the event loop, this one included."""
    async with httpx.AsyncClient(verify=NO_TLS) as http:
        metrics = (await http.get(f"{url}/metrics")).text
    return float(next(line.split()[1] for line in metrics.splitlines() if line.startswith("gateway_event_loop_tasks ")))


async def load(url: str, seconds: float, outcomes: Counter[str]) -> None:
    """Requests from many clients. Some disconnect early."""
    end = time.monotonic() + seconds

    async def client(number: int) -> None:
        async with httpx.AsyncClient(timeout=10, verify=NO_TLS) as http:
            while time.monotonic() < end:
                number += CLIENTS
                body = {"query": DELETE, "variables": {"id": str(number)}}
                patience = 0.05 if random.random() < 0.05 else 10
                try:
                    response = await http.post(f"{url}/graphql", json=body, headers=HEADERS, timeout=patience)
                except httpx.TimeoutException:
                    outcomes["gone"] += 1
                    continue
                assert response.status_code == 200, (response.status_code, response.text)
                outcomes[response.json()["data"]["deleteContact"]["__typename"]] += 1

    await asyncio.gather(*(client(number) for number in range(1, CLIENTS + 1)))


async def rest(wethod: Upstream) -> None:
    """Wait for the last outcome, and end the connections that are kept for a next request."""
    await asyncio.sleep(REST_SECONDS)
    wethod.hang_up()
    await asyncio.sleep(REST_SECONDS)


@pytest.mark.parametrize("transport", ["http1", "httpx"])
async def test_nothing_grows_under_mixed_faults(transport: str) -> None:
    def script(asked: Asked) -> Answer:
        wethod.asked.clear()  # the test's own memory must not grow either
        return random.choice(REPLIES)

    environ = {"WETHOD_TRANSPORT": transport, "WETHOD_TIMEOUT_SECONDS": "1", "GATEWAY_LOG_LEVEL": "warning"}
    async with upstream(script) as wethod, running(wethod.url, environ) as gateway:
        pid = gateway.process.pid
        outcomes: Counter[str] = Counter()
        await load(gateway.url, max(3.0, SECONDS * 0.3), outcomes)
        await rest(wethod)
        before = resident_mb(pid), descriptors(pid), await tasks(gateway.url)
        await load(gateway.url, SECONDS, outcomes)
        await rest(wethod)
        after = resident_mb(pid), descriptors(pid), await tasks(gateway.url)
        async with httpx.AsyncClient(verify=NO_TLS) as http:
            metrics = (await http.get(f"{gateway.url}/metrics")).text
    print(transport, "requests", outcomes.total(), dict(outcomes), "MB, fds, tasks before", before, "after", after)  # noqa: T201
    assert after[0] <= before[0] * 1.1 + 5
    assert after[1] <= before[1]
    assert after[2] <= before[2]
    assert set(outcomes) - {"gone"} <= {
        "DeleteContactSuccess",
        "WethodNotFoundError",
        "WethodValidationError",
        "WethodForbiddenError",
        "WethodRateLimitedError",
        "WethodOutcomeUnknownError",
        "WethodUnavailableError",
    }
    assert 'wethod_operation_in_progress{operation="deleteContact"} 0.0' in metrics
    assert not [line for line in gateway.log if "Traceback" in line or "never retrieved" in line]
