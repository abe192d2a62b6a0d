"""Writes docs/attacks.md from the table that the tests run: python -m tests.attack.document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.attack.attack import shown
from tests.attack.catalogue import ATTACKS, GROUPS
from tests.attack.waiting import CROWDS, SLOW

if TYPE_CHECKING:
    from tests.attack.attack import Attack, Reply

DOCUMENT = Path(__file__).parents[2] / "docs" / "attacks.md"

HEAD = """\
# Attacks and their answers

{count} attacks: those of the OWASP GraphQL cheat sheet, graphql-armor and graphql-cop that apply, and attacks on HTTP
itself. `tests/attack` runs each row:

- The bytes go over a socket to a gateway process with the default settings, in one piece and in two.
- Status, headers and body must be exactly as expected. Long answers are shortened here.
- Wethod must read the requests that the row names, or none if it names none.
- The next valid request must be served: on the same connection, unless the row says *Closed*.

The attacks have a valid token, so only the defence in question stops them.

`python -m tests.attack.document` writes this document, and a test compares it with the table.
"""

FUZZED: dict[str, tuple[str, int]] = {
    "requests": ("the server's parser of requests", 431_377),
    "conversations": ("the server's connections: the requests that reach the application, and the responses", 279_027),
    "replies": ("the parser of Wethod's responses", 972_965),
    "exchanges": (
        "the connections to Wethod: the result for the caller, and if another request may follow",
        1_469_100,
    ),
}
"""Targets of fuzzing: a description, and the executions of its last ten minutes."""

FUZZING = """
## Fuzzing

`scripts/fuzz` mutates real requests and responses, including those of this table: it flips bits, repeats lines, inserts
framing and joins two of them. The result is parsed as a whole, in pieces, and in a series of packets with repetitions.
Three things must hold:

- No exception is raised.
- Every way to cut the bytes gives the same result.
- The result agrees with an independent parser for RFC 9112 (`tests/fuzz/reference.py`): it has no request, head or body
  that the independent parser does not find, and reuses no connection that the independent parser closes.

A minute of it runs in CI. Ten minutes each, two at a time on one busy core, ran for this record, without a finding:

| target | | executions |
| --- | --- | --- |
{rows}
Earlier findings, each fixed and kept as a test:

- A head arrived in pieces, and one read held its long body and the start of the next request. It was refused with 431.
- White space after a header's value became a part of the value, and a token was refused for it.
- After `Connection: close` in a trailer, the parser reads nothing. A client waited in vain for its next answer, and the
  answer to the next delete on such a connection to Wethod was lost.
- A response with a status below 100 and another one in the same read: the second was taken as Wethod's answer.
- `HTTP/2.0` and `HTTP/0.9` in a status line were accepted as HTTP/1.1.

atheris was tried on both parsers. It covers the Python code around the parser, where it reached every branch within
seconds, but not the parser itself, which is written in C. In 341,348 executions it found no fault, and one intended
difference: a trailer in the bytes of its own head is not counted. The corpus now has such a trailer. atheris is not a
dependency.
"""

ROW = "| {name} | {does} | {gets} |\n"
TABLE = "\n## {title}\n\n| id | an attacker sends | the answer |\n| --- | --- | --- |\n"


def gets(replies: tuple[Reply, ...], deletes: int = 0) -> str:
    kinds: dict[str, int] = {}
    for reply in replies:
        words = shown(reply).replace("|", "\\|")
        kinds[words] = kinds.get(words, 0) + 1
    text = "; ".join(f"{count} times {words}" if count > 1 else words for words, count in kinds.items())
    if replies[-1].closes:
        text += " *Closed.*"
    if deletes:
        text += f" *{deletes} DELETE{'s' if deletes > 1 else ''}.*"
    return text


def row(name: str, attack: Attack) -> str:
    return ROW.format(name=name, does=attack.does.replace("|", "\\|"), gets=gets(attack.replies, len(attack.deleted)))


def render() -> str:
    text = HEAD.format(count=len(ATTACKS) + len(SLOW) + len(CROWDS))
    for title, group in GROUPS.items():
        text += TABLE.format(title=title) + "".join(row(name, attack) for name, attack in group.items())
    text += TABLE.format(title="Slow clients")
    for name, slow in SLOW.items():
        found = gets((slow.reply,)) if slow.reply else "no answer. *Closed.*"
        text += ROW.format(name=name, does=slow.does, gets=f"after {slow.after_seconds:g} s {found}")
    text += TABLE.format(title="Too many requests at once")
    text += "".join(ROW.format(name=name, does=does, gets=gets((reply,))) for name, (does, reply) in CROWDS.items())
    rows = "".join(f"| {name} | {what} | {executions:,} |\n" for name, (what, executions) in FUZZED.items())
    return text + FUZZING.format(rows=rows)


if __name__ == "__main__":
    DOCUMENT.write_text(render(), encoding="utf-8")
