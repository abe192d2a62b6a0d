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
# What an attacker sends, and what he gets

{count} attacks: the OWASP GraphQL cheat sheet, graphql-armor and graphql-cop as far as they apply, and HTTP's own. Each
row is run by `tests/attack`: its bytes go over a socket to a gateway process with the defaults of production, in one
piece and in two; the status, every header and the whole body are compared; the requests that Wethod then saw are those
of the row (none unless it says so); and the next good request is served, over the same connection where the answer
keeps it open. The attacks have the caller's own token, so that nothing but the defence in question stops them.
*Closed*: the connection ends behind the answer. Long answers are shortened here.

Written by `python -m tests.attack.document`; a test holds it to the table.
"""

FUZZED: dict[str, tuple[str, int]] = {
    "requests": ("the server's reader of requests", 431_377),
    "conversations": ("the server's connections: what the application is asked, and what goes back", 279_027),
    "replies": ("the reader of Wethod's replies", 972_965),
    "exchanges": (
        "the connections to Wethod: what a caller is told, and whether another request may follow",
        1_469_100,
    ),
}
"""What is fuzzed, and the executions of its last ten minutes."""

FUZZING = """
## Bytes that nobody thought of

`scripts/fuzz` mutates real requests and replies, those of this table among them: bits flipped, lines repeated, framing
inserted, one spliced with another. Whatever comes out is read whole, in pieces cut anywhere, and as packets in a row of
which some are the one before. Nothing may be raised, all ways must read the same, and what is read is held against a
reading of RFC 9112 that was written apart from the parser (`tests/fuzz/reference.py`): no request and no head that it
does not find, no other body, and no connection used again that it would not use. A minute of it runs in CI, ten minutes
each (two at a time on one busy core) ran for this record, without a finding:

| | | executions |
| --- | --- | --- |
{rows}
What it has found, each fixed and kept as a test:

- a request whose head came in pieces, with a long body and the begin of the next one behind it in one read, was refused
  with 431;
- white space behind a header's value was taken for a part of it, and a token refused for it;
- behind `Connection: close` in a trailer the parser reads nothing: a client waited for its next answer in vain, and the
  answer to the next delete over such a connection to Wethod was lost;
- a reply behind one with a status below 100, in the same read, was taken for Wethod's answer;
- `HTTP/2.0` and `HTTP/0.9` in a status line were taken for HTTP/1.1.

atheris was tried on both readers. It sees the Python around the parser, whose branches it reached within seconds, and
not the parser, which is C. In 341,348 executions it found no fault, and one difference that is meant: a trailer in the
bytes of its own head is not counted. The corpus has such a trailer since, and atheris is no dependency.
"""

ROW = "| {name} | {does} | {gets} |\n"
TABLE = "\n## {title}\n\n| | an attacker sends | and gets |\n| --- | --- | --- |\n"


def gets(replies: tuple[Reply, ...], deletes: int = 0) -> str:
    """What comes back, short."""
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
    """One line."""
    return ROW.format(name=name, does=attack.does.replace("|", "\\|"), gets=gets(attack.replies, len(attack.deleted)))


def render() -> str:
    """The document."""
    text = HEAD.format(count=len(ATTACKS) + len(SLOW) + len(CROWDS))
    for title, group in GROUPS.items():
        text += TABLE.format(title=title) + "".join(row(name, attack) for name, attack in group.items())
    text += TABLE.format(title="A client takes its time")
    for name, slow in SLOW.items():
        found = gets((slow.reply,)) if slow.reply else "nothing. *Closed.*"
        text += ROW.format(name=name, does=slow.does, gets=f"after {slow.after_seconds:g} s {found}")
    text += TABLE.format(title="Too many come at once")
    text += "".join(ROW.format(name=name, does=does, gets=gets((reply,))) for name, (does, reply) in CROWDS.items())
    rows = "".join(f"| {name} | {what} | {executions:,} |\n" for name, (what, executions) in FUZZED.items())
    return text + FUZZING.format(rows=rows)


if __name__ == "__main__":
    DOCUMENT.write_text(render(), encoding="utf-8")
