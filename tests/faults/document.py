"""The command that writes docs/faults.md from the tables that the tests run: python -m tests.faults.document."""

from __future__ import annotations

from pathlib import Path

from tests.faults.catalogue import FAULTS
from tests.faults.expected import UNAVAILABLE, Ending, Position, endings
from tests.faults.fault import Until
from tests.faults.unreachable import PLACES

DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"

HEAD = """\
# Outcomes when Wethod or the network breaks

`tests/faults/test_front_door.py` tests each row. It sends a delete to the gateway over a socket. In place of Wethod,
a server on raw sockets causes the fault of the row. The test compares the exact outcome and the number of complete
DELETEs that the server read. There are {faults} faults and {places} addresses without a server. Each is tested with
both transports, in three ways:

- **first**: only the first connection has the fault. On the next connection, the server deletes correctly.
- **repeat**: only the second connection has the fault. The server reads the request on the first connection and
  closes it without a response.
- **always**: every connection has the fault.

A cell shows the member of the union, its `confirmedBy` or `statusCode` if it has one, and the number of DELETEs. It
has two lines if two results are possible: the parsers of the two transports differ, or the order of two events is not
fixed. If the outcome is known only *at the deadline*, there is no time for a repeat.

`python -m tests.faults.document` writes this document. A test compares it with the tables of the tests.

## Soak test

24 clients send deletes to a gateway process, and some of them disconnect. In place of Wethod, a server answers two of
three requests with a 200 or a 404, and the third with one of twelve errors and faults. CI runs this test for five
seconds. `SOAK_SECONDS=600 scripts/test tests/scale/test_soak.py` runs it for ten minutes. The table has the figures
before and after these ten minutes, without idle connections. The requests include a warm-up of three minutes.

| transport | requests | resident memory | files and sockets | tasks | deletes in progress | exceptions in the log |
| --- | --- | --- | --- | --- | --- | --- |
| http1 | 299,875 | 61.9 MB, then 63.6 MB | 23, then 23 | 3, then 3 | 0 | none |
| httpx | 279,680 | 67.0 MB, then 68.6 MB | 23, then 23 | 3, then 3 | 0 | none |

Memory does not grow with the number of requests: it grows by 1.3 and 1.0 MB already in the first ten seconds, with
4,700 requests.

## Each fault

| fault | the server … | outcome known | first | repeat | always |
| --- | --- | --- | --- | --- | --- |
"""


def cell(found: list[Ending]) -> str:
    return "<br>".join(f"{_name(ending.outcome)} · {ending.deletes}" for ending in found)


def _name(outcome: dict[str, object]) -> str:
    member = str(outcome["__typename"])
    detail = outcome.get("confirmedBy") or outcome.get("statusCode")
    return f"{member} {detail}" if detail else member


def render() -> str:
    rows = []
    for name, fault in FAULTS.items():
        cells = []
        for position in Position:
            found = endings(fault, position, "httpx")
            found += [one for one in endings(fault, position, "http1") if one not in found]
            cells.append(cell(found))
        rows.append(f"| {name} | {fault.does} | {fault.until.value} | {' | '.join(cells)} |")
    for name, place in PLACES.items():
        known = (Until.CONNECT_TIMEOUT if place.waits else Until.AT_ONCE).value
        rows.append(f"| {name} | {place.does} | {known} | | | {cell([Ending(UNAVAILABLE, 0)])} |")
    return HEAD.format(faults=len(FAULTS), places=len(PLACES)) + "\n".join(rows) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(render(), encoding="utf-8")
