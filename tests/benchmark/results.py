"""The results file: what ``scripts/benchmark`` measured, with the versions and settings that the figures depend on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

import msgspec

from tests.benchmark.measure import Heads  # noqa: TC001 - msgspec reads the annotation

RESULTS = Path(__file__).with_name("results.json")

_PACKAGES = ("uvloop", "httptools", "msgspec", "graphql-core", "strawberry-graphql", "uvicorn")


class Row(msgspec.Struct, frozen=True):
    """One server under one load; medians of the rounds."""

    heads: Heads
    connections: int
    requests_per_second: float
    requests_per_cpu_second: float
    p50_ms: float
    p99_ms: float
    errors: int
    upstream_calls_per_request: float
    rss_mb: float


class ServerResult(msgspec.Struct, frozen=True):
    """One server.

    Attributes:
        cold_seconds: from its start to its first right answer; the median of the rounds.
        rss_idle_mb: resident memory a second after that.
        wrong: wrong answers in the checked warm-ups.
        rows: one for each load.
    """

    cold_seconds: float
    rss_idle_mb: float
    wrong: int
    rows: list[Row]

    def row(self, heads: Heads, connections: int) -> Row:
        return next(row for row in self.rows if (row.heads, row.connections) == (heads, connections))


class DocumentResult(msgspec.Struct, frozen=True):
    """One family of documents: CPU until one at the limit of tokens is refused, or planned and run."""

    family: str
    tokens: int
    cpu_ms: float
    answer_bytes: int
    ended: str


class Results(msgspec.Struct):
    """One run.

    Attributes:
        machine: processor and cores.
        commit: the commit that was measured; ``+`` if the tree had changes.
        versions: Python and the packages that the figures depend on.
        rounds: the number of rounds.
        seconds: the length of each load.
        servers: the result of each server, by its name.
        profiles: user CPU of a delete in µs by part of the gateway, by settings.
        documents: the most expensive families first.
    """

    machine: str
    commit: str
    versions: dict[str, str]
    rounds: int
    seconds: int
    servers: dict[str, ServerResult]
    profiles: dict[str, dict[str, float]]
    documents: list[DocumentResult]


def new_results(rounds: int, seconds: int) -> Results:
    return Results(
        machine=f"{_processor()}, {os.cpu_count()} cores",
        commit=_git("rev-parse", "--short=10", "HEAD")
        + ("+" if _git("status", "--porcelain", "app", "schema") else ""),
        versions={"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in _PACKAGES},
        rounds=rounds,
        seconds=seconds,
        servers={},
        profiles={},
        documents=[],
    )


def read_results() -> Results:
    return msgspec.json.decode(RESULTS.read_bytes(), type=Results)


def write_results(results: Results) -> None:
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, encoding="utf-8", check=True).stdout.strip()
