"""What a delete costs as something grows: connections, selection, distinct documents, heads, error bodies."""

from __future__ import annotations

import functools
import json
import time
from dataclasses import dataclass
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


PLAIN = document("message")


@dataclass(frozen=True, slots=True)
class Row:
    """One amount of what grows.

    Attributes:
        what: what grows.
        amount: to what.
        connections: how many at once.
        body: of the requests.
        distinct: how many documents take turns; 0 where it is one.
        below: path of the upstream's base URL: which answers it gives.
        unlike: every request has a head of its own.
        expect: what an answer has.
    """

    what: str
    amount: str
    connections: int = 32
    body: str = PLAIN
    distinct: int = 0
    below: str = ""
    unlike: bool = False
    expect: str = SUCCESS


def rows() -> list[Row]:
    """The table."""
    table = [Row("connections", str(n), n) for n in (1, 8, 64, 256, 1024)]
    for n in (1, 10, 50, 100, 200):
        fields = " ".join(f"f{i}: message" for i in range(n))
        table.append(Row("selected fields", str(n), body=document(fields)))
    for n in (1, 100, 1_000, 10_000, 100_000):
        body = PLAIN.replace("mutation Delete", "mutation Delete@N@") if n > 1 else PLAIN
        table.append(Row("distinct documents", str(n), body=body, distinct=n if n > 1 else 0))
    table.append(Row("heads", "one"))
    table.append(Row("heads", "all differ", unlike=True, below="/unlike"))
    sizes = (1, 1_024, 65_536, 262_144, 1_048_576)
    return [*table, *(Row("error body bytes", str(n), below=f"/error/{n}", expect="message") for n in sizes)]


def print_growth(logs: Path, seconds: float) -> None:
    """Measure and print each row: requests a second, CPU of a request, memory afterwards."""
    stub_port = free_port()
    stub = start_stub(stub_port, logs / "stub.log")
    print(f"{'what grows':<20}{'to':>11}{'req/s':>10}{'cpu us/req':>12}{'p99 ms':>10}{'errors':>8}{'rss MB':>8}")
    try:
        for row in rows():
            port = free_port()
            upstream = f"http://127.0.0.1:{stub_port}{row.below}"
            path = logs / "body.json"
            path.write_text(row.body, encoding="utf-8")
            start = str(HERE / "subjects" / "gateway" / "start.sh")
            server = Process([start, str(port), upstream], SERVER_CORE, logs / "gateway.log")
            url = f"http://127.0.0.1:{port}/graphql"
            try:
                wait_for(url, row.body.replace("@ID@", "7").replace("@N@", "0").encode(), row.expect)
                ask_all = functools.partial(
                    load, url, path, connections=row.connections, distinct=row.distinct, unlike=row.unlike
                )
                ask_all(seconds=1)
                cpu = server.cpu_seconds()
                result = ask_all(seconds=seconds)
                cpu = server.cpu_seconds() - cpu
                rate = result.requests / result.seconds
                microseconds = 1e6 * cpu / max(1, result.requests)
                print(
                    f"{row.what:<20}{row.amount:>11}{rate:>10.0f}{microseconds:>12.1f}{result.p99:>10.2f}{result.errors:>8}"
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
