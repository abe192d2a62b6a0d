"""``scripts/benchmark``: measures servers, writes ``results.json``, and updates the documents that quote it.

A server is ``FOLDER[:FLAG]``: a folder with ``start.sh PORT UPSTREAM_URL [FLAG]`` (it runs in the foreground),
``body.json`` (``@ID@`` stands for the id) and, if the endpoint is not ``/graphql``, ``path``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.benchmark.documents import measure_documents
from tests.benchmark.measure import Server, Upstream, check_tools
from tests.benchmark.report import update_documents
from tests.benchmark.results import Row, ServerResult, new_results, read_results, write_results

if TYPE_CHECKING:
    from tests.benchmark.measure import Heads

OURS = ["floor", "gateway", "gateway:audit", "gateway:log", "gateway:default", "gateway:httpx", "naive", "naive:caches"]
LOADS: list[tuple[Heads, int]] = [("differ", 1), ("differ", 32), ("differ", 512), ("differ", 1024), ("same", 32)]
BRIEFLY = {"floor", "gateway:audit", "gateway:log", "gateway:httpx", "naive", "naive:caches"}
"""Servers that are compared at 32 connections only, with heads and replies that differ."""

PROFILES = {"log and audit off": "profile", "default settings": "profile-default"}
WARM_UP_SECONDS = 2


class Round(NamedTuple):
    """One server in one round: figures of the server itself, and those of each load."""

    cold_seconds: float
    rss_idle_mb: float
    wrong: int
    rows: list[Row]


def measure(spec: str, upstream: Upstream, seconds: int, logs: Path) -> Round:
    server = Server(spec, upstream, logs)
    process = server.process
    try:
        time.sleep(1)
        idle = process.rss_mb()
        rows: list[Row] = []
        wrong = server.load("differ", 32, WARM_UP_SECONDS, check=True).wrong
        for heads, connections in [LOADS[1]] if spec in BRIEFLY else LOADS:
            calls, cpu_seconds = upstream.ask(heads), sum(process.cpu_seconds())
            result = server.load(heads, connections, seconds)
            calls, cpu_seconds = upstream.ask("count") - calls, sum(process.cpu_seconds()) - cpu_seconds
            rows.append(
                Row(
                    heads=heads,
                    connections=connections,
                    requests_per_second=result.requests / result.seconds,
                    requests_per_cpu_second=result.requests / cpu_seconds,
                    p50_ms=result.p50_ms,
                    p99_ms=result.p99_ms,
                    errors=result.errors,
                    upstream_calls_per_request=calls / max(1, result.requests),
                    rss_mb=process.rss_mb(),
                )
            )
        return Round(server.cold_seconds, idle, wrong, rows)
    finally:
        process.stop()


def medians(rounds: list[Round]) -> ServerResult:
    rows = []
    for same in zip(*(one.rows for one in rounds), strict=True):
        middle = {
            name: statistics.median(getattr(row, name) for row in same)
            for name in Row.__struct_fields__
            if name not in {"heads", "connections", "errors"}
        }
        rows.append(
            Row(heads=same[0].heads, connections=same[0].connections, errors=max(row.errors for row in same), **middle)
        )
    return ServerResult(
        cold_seconds=statistics.median(one.cold_seconds for one in rounds),
        rss_idle_mb=statistics.median(one.rss_idle_mb for one in rounds),
        wrong=sum(one.wrong for one in rounds),
        rows=rows,
    )


def profile(flag: str, upstream: Upstream, seconds: int, logs: Path) -> dict[str, float]:
    """Sample the gateway under load: µs of user CPU for each delete by module; ``kernel`` is the time in the kernel."""
    file = logs / f"{flag}.json"
    os.environ["SAMPLES"] = str(file)
    server = Server(f"gateway:{flag}", upstream, logs)
    try:
        upstream.ask("differ")
        server.load("differ", 32, WARM_UP_SECONDS)
        server.process.signal(signal.SIGUSR1)
        user, kernel = server.process.cpu_seconds()
        requests = server.load("differ", 32, seconds).requests
        user, kernel = (after - then for after, then in zip(server.process.cpu_seconds(), (user, kernel), strict=True))
    finally:
        server.process.stop()
    samples: dict[str, int] = json.loads(file.read_text(encoding="utf-8"))
    each = 1e6 * user / requests / sum(samples.values())
    return {"kernel": 1e6 * kernel / requests} | {module: count * each for module, count in sorted(samples.items())}


def main() -> None:
    """Measure in rounds, so that a slow minute affects all servers alike."""
    parser = argparse.ArgumentParser(prog="scripts/benchmark", description=__doc__)
    parser.add_argument("servers", nargs="*", help="further servers: FOLDER or FOLDER:FLAG")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="length of each load")
    parser.add_argument("--report", action="store_true", help="measure nothing; update the documents from results.json")
    arguments = parser.parse_args()
    if not arguments.report:
        check_tools()
        # 1,024 connections need more than the usual 1,024 descriptors, here and in what is started.
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        results = new_results(arguments.rounds, arguments.seconds)
        logs = Path(tempfile.mkdtemp(prefix="wethod-graphql-benchmark-"))
        upstream = Upstream(logs)
        rounds: dict[str, list[Round]] = defaultdict(list)
        try:
            for _ in range(arguments.rounds):
                for spec in [*OURS, *arguments.servers]:
                    rounds[Path(spec).name].append(measure(spec, upstream, arguments.seconds, logs))
            for name, flag in PROFILES.items():
                results.profiles[name] = profile(flag, upstream, arguments.seconds, logs)
        finally:
            upstream.process.stop()
        results.servers = {name: medians(each) for name, each in rounds.items()}
        results.documents = measure_documents()
        write_results(results)
    for path in update_documents(read_results()):
        print(f"updated {path}")


if __name__ == "__main__":
    main()
