"""The measured figures of ``docs/scale.md``: one worker and two, and memory by connections.

One worker has a core, and wrk and the upstream have the other. Two workers share both cores with them, so compare
requests for each CPU-second of the server, not requests a second.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import time
from typing import TYPE_CHECKING

from tests.benchmark.growth import SUCCESS, document, wait_for
from tests.benchmark.measure import HERE, LOAD_CORE, SERVER_CORE, Process, free_port, load, start_stub

if TYPE_CHECKING:
    from pathlib import Path

CONNECTIONS = 1_000
ROUNDS = 3


def print_scale(logs: Path, seconds: float) -> None:
    """Measure and print."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    body = logs / "body.json"
    body.write_text(document("message"), encoding="utf-8")
    print(f"{'workers':<10}{'req/s':>10}{'req/cpu-s':>12}{'p99 ms':>10}{'cores busy':>12}{'rss MB':>8}")
    for workers in (1, 2):
        print(
            f"{workers:<10}"
            + "".join(
                f"{value:>{width}.{digits}f}"
                for value, width, digits in zip(
                    measure_workers(workers, logs, body, seconds), (10, 12, 10, 12, 8), (0, 0, 2, 2, 0), strict=True
                )
            ),
            flush=True,
        )
    for name, kilobytes in asyncio.run(memory(logs)).items():
        print(f"{name:<60}{kilobytes:>8.1f} KB")


def gateway(logs: Path, port: int, upstream: int, core: str, **environ: str) -> Process:
    """A gateway on one core or several."""
    start = str(HERE / "subjects" / "gateway" / "start.sh")
    return Process([start, str(port), f"http://127.0.0.1:{upstream}"], core, logs / "gateway.log", environ)


def measure_workers(workers: int, logs: Path, body: Path, seconds: float) -> tuple[float, ...]:
    """Measure a number of workers; the medians of the rounds."""
    stub_port = free_port()
    stub = start_stub(stub_port, logs / "stub.log")
    rounds = []
    try:
        for _ in range(ROUNDS):
            port = free_port()
            core = str(SERVER_CORE) if workers == 1 else f"{SERVER_CORE},{LOAD_CORE}"
            server = gateway(logs, port, stub_port, core, GATEWAY_WORKERS=str(workers))
            url = f"http://127.0.0.1:{port}/graphql"
            try:
                wait_for(url, body.read_bytes().replace(b"@ID@", b"7"), SUCCESS)
                load(url, body, connections=64, seconds=1)
                cpu, began = server.cpu_seconds(), time.monotonic()
                result = load(url, body, connections=64, seconds=seconds)
                took, cpu = time.monotonic() - began, server.cpu_seconds() - cpu
                rounds.append(
                    (result.requests / result.seconds, result.requests / cpu, result.p99, cpu / took, server.rss_mb())
                )
            finally:
                server.stop()
    finally:
        stub.stop()
    return tuple(statistics.median(column) for column in zip(*rounds, strict=True))


async def memory(logs: Path) -> dict[str, float]:
    """KB for each client connection: idle, and with a delete in flight, which has a connection to Wethod too."""
    waiting: list[asyncio.BaseTransport] = []

    class Silent(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            waiting.append(transport)

    wethod = await asyncio.get_running_loop().create_server(Silent, "127.0.0.1", 0, backlog=4096)
    port, clients = free_port(), []
    server = gateway(
        logs,
        port,
        wethod.sockets[0].getsockname()[1],
        str(SERVER_CORE),
        WETHOD_MAX_CONNECTIONS=str(CONNECTIONS),
        GATEWAY_MAX_IN_FLIGHT=str(CONNECTIONS),
        WETHOD_TIMEOUT_SECONDS="60",
        GATEWAY_DRAIN_SECONDS="60",
        GATEWAY_READ_TIMEOUT_SECONDS="60",
    )
    try:
        url = f"http://127.0.0.1:{port}/graphql"
        query = json.dumps({"query": "{ wethodContext { version } }"})
        await asyncio.to_thread(wait_for, url, query.encode(), "wethodContext")
        await asyncio.sleep(1)
        fresh = server.rss_mb()
        for _ in range(CONNECTIONS):
            clients.append(await asyncio.open_connection("127.0.0.1", port))
            await ask(*clients[-1], query)
        resting = server.rss_mb()
        for number, (_, writer) in enumerate(clients):
            send(writer, document("message").replace("@ID@", str(number + 1)))
        end = time.monotonic() + 30
        while len(waiting) < CONNECTIONS and time.monotonic() < end:  # noqa: ASYNC110 - it is a server that waits
            await asyncio.sleep(0.05)
        in_use = server.rss_mb()
        return {
            f"for each of {CONNECTIONS} idle client connections": 1000 * (resting - fresh) / CONNECTIONS,
            f"more for each of {len(waiting)} deletes in flight, connection to Wethod included": 1000
            * (in_use - resting)
            / max(1, len(waiting)),
        }
    finally:
        server.stop()
        wethod.close()
        for transport in (*waiting, *(writer.transport for _, writer in clients)):
            transport.close()


def send(writer: asyncio.StreamWriter, body: str) -> None:
    """Send one request on a connection."""
    head = (
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer bench-token\r\nWethod-Company: acme\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write((head + body).encode())


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: str) -> None:
    """Send one request and read its answer."""
    send(writer, body)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(length)
