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
    return text + "".join(
        ROW.format(name=name, does=does, gets=gets((reply,))) for name, (does, reply) in CROWDS.items()
    )


if __name__ == "__main__":
    DOCUMENT.write_text(render(), encoding="utf-8")
