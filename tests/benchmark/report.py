"""The figures in documents, made of the results file; ``scripts/benchmark --report`` writes them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tests.benchmark.results import Results

ROOT = Path(__file__).parents[2]

PARTS = {
    "kernel": "the kernel: system calls that read and write",
    "": "uvloop, asyncio and uvicorn, outside the gateway's modules",
    "app/server": "`server`: parse the request, render the response",
    "app/graphql_http": "`graphql_http`: headers, negotiation, JSON",
    "app/headers.py": "`headers.py`: look up header fields by name",
    "app/documents": "`documents`: find the plan",
    "app/execution": "`execution`: coerce variables, call the resolver, project the result",
    "app/wethod/audit.py": "`wethod/audit.py` and `line_writer.py`: the audit",
    "app/wethod/caller.py": "`wethod/caller.py`: read the three headers",
    "app/wethod": "`wethod`, other modules: checks, deadline, sharing",
    "app/http_client": "`http_client`: connections, requests, responses",
    "app/observability/logs.py": "`observability/logs.py`: the request log",
    "app/observability": "`observability`, other modules: metrics",
    "schema": "`schema`: the outcome tables, the resolver",
}
"""Parts of the gateway by the prefix of a module's path; the longest matching prefix counts."""

_UPSTREAM_CALLS = (
    "More than one call of the upstream for each answer does not mean that deletes are sent twice. When a load ends,\n"
    "each connection has a request in flight. The load generator does not count its answer, but the upstream counts\n"
    "its call, in this row or in the next one of the server."
)
_PROFILES = (
    "Each column is a separate load, under the profiler. Compare only the parts of one column: its total cannot be\n"
    "compared with the other column or with the rates above."
)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def render_run(results: Results) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    return (
        f"Commit `{results.commit}`; {results.machine}; one run, medians of {results.rounds} rounds of "
        f"{results.seconds} s.\n"
        f"Versions: {versions}."
    )


def render_servers(results: Results) -> str:
    head = (
        *("server", "heads and replies", "connections", "req/s", "req/cpu-s", "p50 ms", "p99 ms"),
        *("calls of the upstream for each answer", "errors", "RSS MB"),
    )
    rows = (
        (
            *(name, row.heads, str(row.connections), f"{row.requests_per_second:,.0f}"),
            *(f"{row.requests_per_cpu_second:,.0f}", f"{row.p50_ms:.2f}", f"{row.p99_ms:.2f}"),
            *(f"{row.upstream_calls_per_request:.2f}", str(row.errors), f"{row.rss_mb:.0f}"),
        )
        for name, server in results.servers.items()
        for row in server.rows
    )
    return table(head, rows) + "\n\n" + _UPSTREAM_CALLS


def render_ratios(results: Results) -> str:
    """Render the gateway's requests for each CPU-second as multiples of every server's."""
    head = (
        *("server", "cold start s", "RSS idle MB", "gateway, log and audit off", "gateway, default settings"),
        "rate at 512 connections / rate at 32",
    )
    return table(
        head,
        (
            (
                *(name, f"{server.cold_seconds:.2f}", f"{server.rss_idle_mb:.0f}"),
                *(f"{_rate(results, ours) / _rate(results, name):.2f}" for ours in ("gateway", "gateway:default")),
                f"{_rate(results, name, 512) / _rate(results, name):.2f}" if len(server.rows) > 1 else "",
            )
            for name, server in results.servers.items()
        ),
    )


def render_profile(results: Results) -> str:
    """Render where the CPU time of one delete goes, by part."""
    parts: dict[str, dict[str, float]] = {part: dict.fromkeys(results.profiles, 0.0) for part in PARTS}
    for settings, profile in results.profiles.items():
        for module, microseconds in profile.items():
            parts[_part(module)][settings] += microseconds
    rows = [(PARTS[part], *(f"{cost:.1f}" for cost in costs.values())) for part, costs in parts.items()]
    total = ("total", *(f"{sum(profile.values()):.1f}" for profile in results.profiles.values()))
    return table(("part", *results.profiles), (*rows, total)) + "\n\n" + _PROFILES


def render_costs(results: Results) -> str:
    """Render the costs of observability, rounded to 10 µs: runs differ by more."""
    names = {
        "metrics": "gateway",
        "metrics and the audit, to a file": "gateway:audit",
        "metrics and the request log, to a file": "gateway:log",
        "metrics, audit and request log (default settings)": "gateway:default",
    }
    return table(
        ("", "µs of CPU for each delete"),
        ((text, f"{1e5 / _rate(results, name):.0f}0") for text, name in names.items()),
    )


def render_summary(results: Results) -> str:
    quiet, default = (_rate(results, name) for name in ("gateway", "gateway:default"))
    times = default / _rate(results, "naive:caches")
    return (
        f"With default settings (request log and audit on), the gateway answers {default:,.0f} deletes for each\n"
        f"second of CPU time. This is {times:.0f} times the rate of the usual Python stack, which logs nothing.\n"
        f"Without log and audit, the gateway answers {quiet:,.0f}."
    )


def render_scale(results: Results) -> str:
    """Render rate, latency and memory by the number of connections."""
    return table(
        ("connections", "deletes a second", "for each CPU-second", "p99 ms", "RSS MB"),
        (
            (
                *(str(row.connections), f"{row.requests_per_second:,.0f}", f"{row.requests_per_cpu_second:,.0f}"),
                *(f"{row.p99_ms:.0f}", f"{row.rss_mb:.0f}"),
            )
            for row in results.servers["gateway:default"].rows
            if row.heads == "differ"
        ),
    )


def render_documents(results: Results) -> str:
    """Render the most expensive families of documents."""
    return table(
        ("kind of document", "tokens", "CPU ms", "bytes of the answer", "result"),
        (
            (row.family, str(row.tokens), f"{row.cpu_ms:.1f}", f"{row.answer_bytes:,}", row.ended)
            for row in results.documents
        ),
    )


BLOCKS: dict[str, Callable[[Results], str]] = {
    "run": render_run,
    "servers": render_servers,
    "ratios": render_ratios,
    "profile": render_profile,
    "costs": render_costs,
    "summary": render_summary,
    "scale": render_scale,
    "documents": render_documents,
}
"""Each block by the name in its marks: ``<!-- benchmark: NAME -->`` and ``<!-- end -->``."""

DOCUMENTS = tuple(
    ROOT / name for name in ("README.md", "docs/observability.md", "docs/scale.md", "tests/benchmark/README.md")
)

_BLOCK = re.compile(r"(<!-- benchmark: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def render(text: str, results: Results) -> str:
    return _BLOCK.sub(lambda block: f"{block[1]}{BLOCKS[block[2]](results)}\n{block[3]}", text)


def update_documents(results: Results) -> list[Path]:
    """Write the blocks of all documents; return those that changed."""
    changed = []
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        rendered = render(text, results)
        if rendered != text:
            path.write_text(rendered, encoding="utf-8")
            changed.append(path.relative_to(ROOT))
    return changed


def _rate(results: Results, name: str, connections: int = 32) -> float:
    return results.servers[name].row("differ", connections).requests_per_cpu_second


def _part(module: str) -> str:
    if module == "app/line_writer.py":
        return "app/wethod/audit.py"
    fits = [part for part in PARTS if module.startswith(part) and (part or not module)]
    return max(fits, key=len, default="")
