"""Clients that take their time, and clients that come all at once."""

from __future__ import annotations

from dataclasses import dataclass

from tests.attack.attack import SOUND, Reply, not_read, outcome, refused
from tests.attack.framing import CHUNKED, FIELDS, LINE
from tests.attack.wire import AS_JSON, QUERY, raw, request

READ_SECONDS = 10.0
"""The default timeout of a whole request, in seconds."""

LATE = not_read(408, "BAD_REQUEST", "The request took too long to arrive.")


@dataclass(frozen=True, slots=True)
class Slow:
    """A request in pieces with pauses between them.

    Attributes:
        does: a description of the attacker's input, as docs/attacks.md shows it.
        pieces: the bytes; a pause follows each.
        pause_seconds: the pause.
        reply: the answer; None where the connection is closed without one.
        after_seconds: the time of the answer.
    """

    does: str
    pieces: tuple[bytes, ...]
    pause_seconds: float
    reply: Reply | None
    after_seconds: float = READ_SECONDS


def trickled(data: bytes, size: int) -> tuple[bytes, ...]:
    return tuple(data[at : at + size] for at in range(0, len(data), size))


REQUEST = request(QUERY, AS_JSON)
HEAD, BODY = REQUEST[: -len(QUERY)], QUERY

SLOW = {
    "slow-nothing": Slow("a connection without a request", (b"",), 20, None),
    "slow-line-ends": Slow("empty lines, one every 1.4 seconds", (b"\r\n",) * 15, 1.4, None),
    "slow-first-byte": Slow("one byte", (b"P",), 20, LATE),
    "slow-head": Slow("a head, five bytes every half second", trickled(HEAD, 5), 0.5, LATE),
    "slow-fields": Slow("endless fields, one every half second", (HEAD[:-2], *(b"X: a\r\n",) * 30), 0.5, LATE),
    "slow-half-head": Slow("half a head", (HEAD[:40],), 20, LATE),
    "slow-half-body": Slow("a head, and half a body", (REQUEST[:-5],), 20, LATE),
    "slow-body": Slow("a body, one byte each second", (HEAD, *trickled(BODY, 1)), 1, LATE),
    "slow-chunks": Slow("endless chunks of one byte", (raw(LINE, *FIELDS, CHUNKED), *(b"1\r\n \r\n",) * 30), 0.5, LATE),
    "slow-last": Slow("half a request, the rest after 7 seconds", (REQUEST[:40], REQUEST[40:]), 7, SOUND, 7),
    "slow-next": Slow("half a request, the rest after 12 seconds", (REQUEST[:40], REQUEST[40:]), 12, LATE),
}

IN_FLIGHT = 4
"""``GATEWAY_MAX_IN_FLIGHT`` for the clients that come all at once; 1,000 by default."""

SHARE = IN_FLIGHT * 3 // 4
"""The deletes that one token may have in progress."""

CROWDS: dict[str, tuple[str, Reply]] = {
    "crowd-deletes-last": (
        f"the most deletes at once that one token may have ({SHARE} of {IN_FLIGHT} in the test), while Wethod hangs",
        outcome("WethodOutcomeUnknownError", key="outcome_unknown"),
    ),
    "crowd-deletes-next": (
        "one more delete: the gateway refuses it immediately and sends nothing",
        outcome("WethodUnavailableError", key="overloaded"),
    ),
    "crowd-requests-last": (f"the most requests at once ({2 * IN_FLIGHT} in the test), without bodies", SOUND),
    "crowd-requests-next": (
        "one more request: the gateway refuses it before it parses it",
        refused(
            503,
            "LIMIT_EXCEEDED",
            "Too many requests are in progress in this gateway. Nothing was sent; try again later.",
        ),
    ),
}
