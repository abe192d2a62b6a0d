"""One command, one table: ``scripts/benchmark [FOLDER[:FLAG] ...]``.

A folder has ``start.sh PORT UPSTREAM_URL [FLAG]`` (foreground), ``body.json`` (``@ID@`` stands for the id) and, where
the endpoint is not ``/graphql``, ``path``.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmark.bulk import print_bulk
from tests.benchmark.documents import print_documents
from tests.benchmark.growth import print_growth
from tests.benchmark.measure import SERVER_CORE, Load, Process, ask, deletes, free_port, load, start_stub
from tests.benchmark.scale import print_scale

SUBJECTS = Path(__file__).parent / "subjects"
OURS = [
    "floor",
    "gateway",
    "gateway:audit",
    "gateway:everything",
    "gateway:core",
    "gateway:httpx",
    "naive:caches",
    "naive",
]
COLUMNS = ("req/s", "req/cpu-s", "p50 ms", "p99 ms", "max ms", "errors", "up/req")


@dataclass(slots=True)
class Figures:
    """What was measured of one server.

    Attributes:
        cold_seconds: from its start to its first right answer.
        rss_idle: MB, a second after that.
        rss_loaded: MB, after the last load.
        bad: wrong answers in the checked warm-up.
        rounds: for each number of connections, each round's columns.
    """

    cold_seconds: float = 0.0
    rss_idle: float = 0.0
    rss_loaded: float = 0.0
    bad: int = 0
    rounds: dict[int, list[tuple[float, ...]]] = field(default_factory=dict)

    def median(self, connections: int) -> tuple[float, ...]:
        """The median of each column."""
        return tuple(statistics.median(column) for column in zip(*self.rounds[connections], strict=True))


def subject_folder(spec: str) -> tuple[Path, list[str]]:
    """The folder and the flag of ``FOLDER[:FLAG]``."""
    name, _, flag = spec.partition(":")
    folder = SUBJECTS / name if (SUBJECTS / name).is_dir() else Path(name).resolve()
    return folder, [flag] if flag else []


def measure(spec: str, stub_port: int, connections: list[int], seconds: float, figures: Figures, logs: Path) -> None:
    """One round of one server: start it, check it, load it, stop it."""
    folder, flags = subject_folder(spec)
    port = free_port()
    path = (folder / "path").read_text(encoding="utf-8").strip() if (folder / "path").exists() else "/graphql"
    url, body = f"http://127.0.0.1:{port}{path}", folder / "body.json"
    log = logs / f"{folder.name}.log"
    started = time.monotonic()
    server = Process([str(folder / "start.sh"), str(port), f"http://127.0.0.1:{stub_port}", *flags], SERVER_CORE, log)
    try:
        question = body.read_bytes().replace(b"@ID@", b"7")
        while True:
            try:
                if b"successfully deleted" in ask(url, question):
                    break
            except OSError:
                pass
            if not server.alive() or time.monotonic() - started > 30:
                raise RuntimeError(f"{spec} gives no right answer, see {log}")
            time.sleep(0.01)
        figures.cold_seconds = time.monotonic() - started
        time.sleep(1)
        figures.rss_idle = server.rss_mb()
        figures.bad += load(url, body, connections=32, seconds=2, check=True).bad
        for count in connections:
            before, cpu = deletes(stub_port), server.cpu_seconds()
            result: Load = load(url, body, connections=count, seconds=seconds)
            cpu, sent = server.cpu_seconds() - cpu, deletes(stub_port) - before
            figures.rounds.setdefault(count, []).append(
                (
                    result.requests / result.seconds,
                    result.requests / cpu if cpu else 0.0,
                    result.p50,
                    result.p99,
                    result.max,
                    result.errors,
                    sent / max(1, result.requests),
                )
            )
        figures.rss_loaded = server.rss_mb()
    finally:
        server.stop()


def print_table(results: dict[str, Figures], connections: list[int]) -> None:
    """One row a server and number of connections; medians of the rounds."""
    names = {spec: Path(spec).name for spec in results}
    print(f"{'server':<22}{'conns':>6}" + "".join(f"{name:>11}" for name in COLUMNS) + "   cold s  rss MB  loaded  bad")
    for spec, figures in results.items():
        for count in connections:
            row = figures.median(count)
            digits = (0, 0, 2, 2, 1, 0, 2)
            shown = "".join(f"{value:>11.{places}f}" for value, places in zip(row, digits, strict=True))
            print(
                f"{names[spec]:<22}{count:>6}{shown}   {figures.cold_seconds:>6.2f}{figures.rss_idle:>8.0f}"
                f"{figures.rss_loaded:>8.0f}{figures.bad:>5}"
            )
    if "gateway" not in results:
        return
    count = 32 if 32 in connections else connections[0]
    ours = results["gateway"].median(count)[1]
    print(f"\nrequests per server-CPU-second at {count} connections, gateway = 1:")
    for spec, figures in results.items():
        other = figures.median(count)[1]
        print(f"  {names[spec]:<22}{other / ours:>8.2f}   (gateway is {ours / other:.2f} x)")


def added_latency(stub_port: int, results: dict[str, Figures], body: Path, seconds: float) -> None:
    """What a server adds to the upstream's own latency, one request at a time."""
    direct = load(f"http://127.0.0.1:{stub_port}/api/contact/7", body, connections=1, seconds=seconds)
    print(f"\nthe upstream alone answers in {direct.p50:.2f} ms (median, 1 connection); added by:")
    for spec, figures in results.items():
        if 1 in figures.rounds:
            print(f"  {Path(spec).name:<22}{figures.median(1)[2] - direct.p50:>8.2f} ms")


def main() -> None:
    """Measure in rounds, so that a slow minute hits all alike, and print medians."""
    parser = argparse.ArgumentParser(prog="scripts/benchmark", description=__doc__)
    parser.add_argument("folders", nargs="*", help="further servers: FOLDER or FOLDER:FLAG")
    parser.add_argument("--only", action="store_true", help="the folders that are named, none of ours")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4, help="length of each load")
    parser.add_argument("--connections", default="1,32,512")
    parser.add_argument("--growth", action="store_true", help="the growth table instead")
    parser.add_argument("--documents", action="store_true", help="the table of an attacker's documents instead")
    parser.add_argument("--bulk", action="store_true", help="100 ids in one field, beside aliases, instead")
    parser.add_argument("--scale", action="store_true", help="one worker and two, and memory by connections, instead")
    arguments = parser.parse_args()
    if arguments.documents:
        print_documents()
        return
    connections = [int(count) for count in arguments.connections.split(",")]
    logs = Path(tempfile.mkdtemp(prefix="wethod-graphql-benchmark-"))
    if arguments.growth:
        print_growth(logs, arguments.seconds)
        return
    if arguments.bulk:
        print_bulk(logs)
        return
    if arguments.scale:
        print_scale(logs, arguments.seconds)
        return
    specs = arguments.folders if arguments.only else [*OURS, *arguments.folders]
    stub_port = free_port()
    stub = start_stub(stub_port, logs / "stub.log")
    results = {spec: Figures() for spec in specs}
    try:
        for _ in range(arguments.rounds):
            for spec in specs:
                measure(spec, stub_port, connections, arguments.seconds, results[spec], logs)
        print_table(results, connections)
        added_latency(stub_port, results, SUBJECTS / "gateway" / "body.json", arguments.seconds)
    finally:
        stub.stop()


if __name__ == "__main__":
    main()
