"""Writes docs/faults.md from the tables that the tests run: python -m tests.faults.document."""

from __future__ import annotations

from pathlib import Path

from tests.faults.catalogue import FAULTS
from tests.faults.expected import UNAVAILABLE, Ending, Position, endings
from tests.faults.places import PLACES

DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"

HEAD = """\
# Outcomes when Wethod or the network breaks

`tests/faults/test_front_door.py` runs each row. It sends a delete to the gateway over a socket, and a raw-socket server
instead of Wethod breaks HTTP as the row says. The test compares the exact outcome, and the number of complete DELETEs
that the server read. There are {faults} faults, and {places} addresses without a server. Each is tried over both
transports, in three ways:

- **first**: only the first connection has the fault. The next one meets a correct server, which deletes.
- **repeat**: only the second connection has the fault. The first one is lost after the server has read the request.
- **always**: every connection has the fault.

A cell shows the member of the union, with its `confirmedBy` or `statusCode` if it has one, and the number of DELETEs.
It has two lines if the two parsers differ on the grammar of HTTP, or if the gateway may notice the fault before or
after its deadline. *At the deadline* there is no time for a repeat.

## All faults together, for ten minutes

24 clients, some of which disconnect, delete through a gateway process. Its Wethod answers two of three requests
correctly, and the third in a dozen other ways. CI runs this for five seconds, and
`SOAK_SECONDS=600 scripts/test tests/scale/test_soak.py` for ten minutes. The figures are from before and after, without
idle connections; the requests include a warm-up of three minutes:

| transport | requests | resident memory | files and sockets | tasks | deletes in progress | exceptions in the log |
| --- | --- | --- | --- | --- | --- | --- |
| http1 | 299,875 | 61.9 MB, then 63.6 MB | 23, then 23 | 3, then 3 | 0 | none |
| httpx | 279,680 | 67.0 MB, then 68.6 MB | 23, then 23 | 3, then 3 | 0 | none |

Memory does not grow with the requests: in ten seconds and 4,700 requests it grows by 1.3 and 1.0 MB.

## Each fault

| fault | the upstream … | outcome known | first | repeat | always |
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
        known = "after the connect timeout" if place.waits else "at once"
        rows.append(f"| {name} | {place.does} | {known} | | | {cell([Ending(UNAVAILABLE, 0)])} |")
    return HEAD.format(faults=len(FAULTS), places=len(PLACES)) + "\n".join(rows) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(render(), encoding="utf-8")
