"""What a delete costs as something grows: connections, selection, distinct documents, error bodies."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from tests.benchmark.measure import HERE, SERVER_CORE, Process, ask, free_port, load, start_stub

if TYPE_CHECKING:
    from pathlib import Path

SUCCESS = "successfully deleted"


def document(fields: str) -> str:
    """A request body around a selection of a success."""
    query = (
        "mutation Delete($id: ID!) { deleteContact(id: $id) { "
        f"... on DeleteContactSuccess {{ {fields} }} ... on WethodError {{ message }} }} }}"
    )
    return json.dumps({"query": query, "variables": {"id": "@ID@"}})


def rows() -> list[tuple[str, str, int, str, int, int, str]]:
    """(what, how much, connections, body, distinct documents, bytes of an error body, what an answer has)."""
    plain = document("message")
    table = [("connections", str(n), n, plain, 0, 0, SUCCESS) for n in (1, 8, 64, 256, 1024)]
    for n in (1, 10, 50, 100, 200):
        fields = " ".join(f"f{i}: message" for i in range(n))
        table.append(("selected fields", str(n), 32, document(fields), 0, 0, SUCCESS))
    for n in (1, 100, 1_000, 10_000, 100_000):
        body = plain.replace("mutation Delete", "mutation Delete@N@") if n > 1 else plain
        table.append(("distinct documents", str(n), 32, body, n if n > 1 else 0, 0, SUCCESS))
    sizes = (1, 1_024, 65_536, 262_144, 1_048_576)
    return [*table, *(("error body bytes", str(n), 32, plain, 0, n, "message") for n in sizes)]


def print_growth(logs: Path, seconds: float) -> None:
    """Measure and print each row: requests a second, CPU of a request, memory afterwards."""
    stub_port = free_port()
    stub = start_stub(stub_port, logs / "stub.log")
    print(f"{'what grows':<20}{'to':>9}{'req/s':>10}{'cpu us/req':>12}{'p99 ms':>10}{'errors':>8}{'rss MB':>8}")
    try:
        for what, amount, connections, body, distinct, error_bytes, expect in rows():
            port = free_port()
            upstream = f"http://127.0.0.1:{stub_port}" + (f"/error/{error_bytes}" if error_bytes else "")
            path = logs / "body.json"
            path.write_text(body)
            start = str(HERE / "subjects" / "gateway" / "start.sh")
            server = Process([start, str(port), upstream], SERVER_CORE, logs / "gateway.log")
            url = f"http://127.0.0.1:{port}/graphql"
            try:
                wait_for(url, body.replace("@ID@", "7").replace("@N@", "0").encode(), expect)
                load(url, path, connections=connections, seconds=1, distinct=distinct)
                cpu = server.cpu_seconds()
                result = load(url, path, connections=connections, seconds=seconds, distinct=distinct)
                cpu = server.cpu_seconds() - cpu
                rate = result.requests / result.seconds
                microseconds = 1e6 * cpu / max(1, result.requests)
                print(
                    f"{what:<20}{amount:>9}{rate:>10.0f}{microseconds:>12.1f}{result.p99:>10.2f}{result.errors:>8}"
                    f"{server.rss_mb():>8.0f}",
                    flush=True,
                )
            finally:
                server.stop()
    finally:
        stub.stop()


def wait_for(url: str, question: bytes, expect: str) -> None:
    """Wait for the first right answer.

    Raises:
        RuntimeError: there is none within ten seconds.
    """
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            if expect.encode() in ask(url, question):
                return
        except OSError:
            pass
        time.sleep(0.01)
    raise RuntimeError("no right answer")
