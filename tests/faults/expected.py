"""The outcome that a client gets for each fault: the outcome table, applied to the transport's verdict."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.faults.fault import Answered, Cut, Fault, Unsent, Until, Verdict
from tests.outcomes.outcomes import UNEXPECTED, error, rejection, success, unavailable, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator


class Position(enum.Enum):
    """The upstream's connections with the fault."""

    FIRST = "the first connection; every other one is sound"
    REPEAT = "the second connection; the first is lost after the request was read"
    ALWAYS = "every connection"


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a delete.

    Attributes:
        outcome: the GraphQL outcome, whole.
        deletes: how many complete DELETEs the upstream reads for it.
    """

    outcome: dict[str, Any]
    deletes: int


UNAVAILABLE = unavailable()


def endings(fault: Fault, position: Position, transport: str) -> list[Ending]:
    """The possible ends of a delete that meets the fault; several if the transport has a choice of verdicts."""
    found: list[Ending] = []
    for verdict in fault.verdicts_of(transport):
        found += [ending for ending in _endings(fault, verdict, position) if ending not in found]
    return found


def _endings(fault: Fault, verdict: Verdict, position: Position) -> Iterator[Ending]:
    earlier = 1 if position is Position.REPEAT else 0
    if isinstance(verdict, Answered):
        outcome = _repeated(verdict) if earlier else _answered(verdict)
        yield Ending(outcome, earlier + fault.requests)
    elif earlier:
        yield Ending(unknown(), earlier + (fault.requests if verdict == Cut() else 0))
    elif isinstance(verdict, Unsent):
        found_sound = verdict.transient and position is Position.FIRST
        yield Ending(success(), 1) if found_sound else Ending(UNAVAILABLE, 0)
    else:
        yield from _unanswered(fault, position)


def _unanswered(fault: Fault, position: Position) -> Iterator[Ending]:
    sent = fault.requests
    if fault.until in {Until.DEADLINE, Until.BY_DEADLINE}:
        yield Ending(unknown(), sent)  # there is no time for the repeat
    if fault.until is not Until.DEADLINE:
        yield Ending(success(), sent + 1) if position is Position.FIRST else Ending(unknown(), 2 * sent)


def _answered(answered: Answered) -> dict[str, Any]:
    status = answered.status
    if status == 200 and answered.body in {None, b"<"}:
        return unknown(200)  # a page, or what may be one
    if 200 <= status < 300:
        return success()
    if status == 404:
        return rejection(404, *_words(answered.body))
    if 300 <= status < 400:
        return error("WethodUnexpectedResponseError", "unexpected_response", UNEXPECTED, status)
    return unknown(status)


def _repeated(answered: Answered) -> dict[str, Any]:
    if answered.status == 404 and _words(answered.body)[0] == "not_found":
        return success("ABSENCE")
    outcome = _answered(answered)
    return outcome if outcome["__typename"] == "DeleteContactSuccess" else unknown(answered.status)


def _words(body: bytes | None) -> tuple[str | None, str | None]:
    try:
        said = json.loads((body or b"").decode())
    except ValueError:
        return None, None
    return said.get("key"), said.get("message")
