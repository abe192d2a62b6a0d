"""Writes docs/faults.md from the tables that the tests run: python -m tests.faults.document."""

from __future__ import annotations

from pathlib import Path

from tests.faults.catalogue import FAULTS
from tests.faults.expected import UNAVAILABLE, Ending, Position, endings
from tests.faults.places import PLACES

DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"

HEAD = """\
# What a client is told when Wethod, or the network, breaks

Each row is run by `tests/faults/test_front_door.py`: GraphQL in over a socket, a raw-socket server that breaks HTTP as
the row says, the exact outcome out, and the number of complete DELETEs that the server read for it. {faults} faults and
{places} places where no server is, over both transports, each met in three ways:

- **first**: by the first connection only; whatever the gateway does next meets a sound server, which deletes.
- **repeat**: by the second connection only; the first is lost after the request was read.
- **always**: by every connection.

A cell is the member of the union, with `confirmedBy` or `statusCode` where it has one, and the number of DELETEs. Two
lines where the two parsers read HTTP's grammar differently, or where the gateway may learn of the fault before or after
its deadline. *At the deadline* there is no time for a repeat.

For ten minutes, all of it mixed: 24 clients, of whom some hang up, delete through a gateway process whose Wethod
answers two requests of three in order, and the third in a dozen other ways (five seconds in CI; `SOAK_SECONDS=600
scripts/test tests/scale/test_soak.py`). Measured before and after, when no idle connection was left; a warm-up of three
minutes counts among the requests:

| transport | requests | resident memory | files and sockets | tasks | deletes in progress | exceptions in the log |
| --- | --- | --- | --- | --- | --- | --- |
| http1 | 299,875 | 61.9 MB, then 63.6 MB | 23, then 23 | 3, then 3 | 0 | none |
| httpx | 279,680 | 67.0 MB, then 68.6 MB | 23, then 23 | 3, then 3 | 0 | none |

Memory does not grow with the requests: in ten seconds, with 4,700 of them, it goes up by 1.3 and 1.0 MB.

| fault | the upstream … | known | first | repeat | always |
| --- | --- | --- | --- | --- | --- |
"""


def cell(found: list[Ending]) -> str:
    """The endings of one delete, short."""
    return "<br>".join(f"{_name(ending.outcome)} · {ending.deletes}" for ending in found)


def _name(outcome: dict[str, object]) -> str:
    member = str(outcome["__typename"])
    detail = outcome.get("confirmedBy") or outcome.get("statusCode")
    return f"{member} {detail}" if detail else member


def render() -> str:
    """The document."""
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
