"""The command that writes docs/attacks.md from the table that the tests run: python -m tests.attack.document."""

from __future__ import annotations

from collections import Counter
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

This page lists {count} attacks: attacks on HTTP itself, and those of the OWASP GraphQL cheat sheet, graphql-armor and
graphql-cop that apply to this gateway. `tests/attack` tests each row:

- The test sends the bytes over a socket to a gateway process, once in one piece and once in two. The gateway has the
  default settings, except in rows with a listed origin and in the table *Too many requests at once*.
- Status, headers and body must match exactly. This page shortens long answers.
- Wethod must receive the DELETEs in the row, and no other request.
- The gateway must serve the next valid request, on the same connection unless the row says *Closed*.

Unless a row says otherwise, the attack has a valid token, so that only the tested defence can stop it.

`python -m tests.attack.document` writes this document. A test compares it with the table of the tests.
"""

FUZZED: dict[str, tuple[str, int]] = {
    "requests": ("the parser of requests", 431_377),
    "conversations": ("client connections: the requests that reach the application, and the responses", 279_027),
    "replies": ("the parser of Wethod's responses", 972_965),
    "exchanges": (
        "connections to Wethod: the result for the caller, and the decision to reuse the connection",
        1_469_100,
    ),
}
"""Targets of fuzzing: a description, and the executions of its last ten minutes."""

FUZZING = """
## Fuzzing

`scripts/fuzz` mutates real requests and responses, including those in the tables above. It flips bits, repeats lines,
inserts framing and joins two messages. It parses the result as a whole, in pieces, and several times on one
connection. Three conditions must hold:

- No exception is raised.
- Every split of the bytes gives the same result.
- The result agrees with an independent parser for RFC 9112 (`tests/fuzz/reference.py`): the gateway reads no request,
  head or body that the independent parser does not find, and reuses no connection that the independent parser closes.

CI fuzzes for six seconds. For the figures below, each target ran for ten minutes, two at a time on one busy core,
without a finding:

| target | code under test | executions |
| --- | --- | --- |
{rows}
Earlier findings are fixed, and each has a test:

- A head arrived in pieces, and one read contained its long body and the start of the next request. The gateway
  answered 431.
- White space after a header's value became a part of the value. The gateway refused a token because of it.
- The parser reads nothing after a trailer with `Connection: close`. A client waited for an answer to its next request
  and got none. On a connection to Wethod, the response to the next delete was lost.
- A read contained a response with a status below 100 and a second response. The gateway used the second one as
  Wethod's response.
- `HTTP/2.0` and `HTTP/0.9` in a status line were accepted as HTTP/1.1.

We also ran atheris on both parsers. It reached every branch of the Python code within seconds, but it does not cover
httptools, which is written in C. In 341,348 executions it found no bug and one intended difference: a trailer in the
same bytes as its head does not count towards the limit. `scripts/fuzz` now has such a trailer.
"""

ROW = "| {name} | {does} | {gets} |\n"
TABLE = "\n## {title}\n\n| id | an attacker sends | the answer |\n| --- | --- | --- |\n"


def gets(*replies: Reply, deletes: int = 0) -> str:
    kinds = Counter(shown(reply).replace("|", "\\|") for reply in replies)
    text = "; ".join(f"{count} times {words}" if count > 1 else words for words, count in kinds.items())
    if replies[-1].closes:
        text += " *Closed.*"
    if deletes:
        text += f" *{deletes} DELETE{'s' if deletes > 1 else ''}.*"
    return text


def row(name: str, attack: Attack) -> str:
    answers = gets(*attack.earlier, attack.reply, deletes=len(attack.deleted))
    return ROW.format(name=name, does=attack.does.replace("|", "\\|"), gets=answers)


def render() -> str:
    text = HEAD.format(count=len(ATTACKS) + len(SLOW) + len(CROWDS))
    for title, group in GROUPS.items():
        text += TABLE.format(title=title) + "".join(row(name, attack) for name, attack in group.items())
    text += TABLE.format(title="Slow clients")
    for name, slow in SLOW.items():
        found = gets(slow.reply) if slow.reply else "no answer. *Closed.*"
        text += ROW.format(name=name, does=slow.does, gets=f"after {slow.after_seconds:g} s {found}")
    text += TABLE.format(title="Too many requests at once")
    text += "".join(ROW.format(name=name, does=does, gets=gets(reply)) for name, (does, reply) in CROWDS.items())
    rows = "".join(f"| {name} | {what} | {executions:,} |\n" for name, (what, executions) in FUZZED.items())
    return text + FUZZING.format(rows=rows)


if __name__ == "__main__":
    DOCUMENT.write_text(render(), encoding="utf-8")
