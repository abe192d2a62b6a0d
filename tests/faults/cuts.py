"""Connections that end or stall, at every point of a request and its answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.faults.fault import Answered, Cut, Fault, Unsent, Until, Verdict
from tests.faults.steps import Arrive, Close, CloseProperly, Hang, Read, ReadPart, Reset, Send, Step, Steps, Wait


@dataclass(frozen=True, slots=True)
class Point:
    when: str
    steps: Steps
    requests: int = 1
    verdict: Verdict = field(default_factory=Cut)
    stands_still: Until = Until.DEADLINE


OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = b"Content-Length: 0\r\n\r\n"
HEAD_404 = b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"

POINTS = {
    "unread-request": Point("before reading the request", (Arrive(),), requests=0),
    "half-read-request": Point("in the middle of the request", (ReadPart(),), requests=0),
    "read-request": Point("after reading the request", (Read(),)),
    "status-line": Point("inside the status line", (Read(), Send(b"HTTP/1.1 20"))),
    "after-status-line": Point("after the status line", (Read(), Send(OK))),
    "headers": Point("inside the headers", (Read(), Send(OK + b"Content-Len"))),
    "end-of-head": Point("before the empty line", (Read(), Send(OK + b"Content-Length: 0\r\n"))),
    "after-100": Point("after a 100", (Read(), Send(b"HTTP/1.1 100 Continue\r\n\r\n"))),
    "body-of-200": Point(
        "inside the body of a 200",
        (Read(), Send(OK + b"Content-Length: 20\r\n\r\nhalf")),
        verdict=Answered(200),
        stands_still=Until.AT_ONCE,
    ),
    "body-of-500": Point(
        "inside the body of a 500",
        (Read(), Send(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 20\r\n\r\nhalf")),
        verdict=Answered(500),
        stands_still=Until.AT_ONCE,
    ),
    "body-of-404": Point(
        "inside the body of a 404",
        (Read(), Send(HEAD_404 + b'Content-Length: 200\r\n\r\n{"key":')),
        verdict=Answered(404, None),
        stands_still=Until.BODY_TIME,
    ),
    "chunks-of-404": Point(
        "inside the chunks of a 404",
        (Read(), Send(HEAD_404 + b'Transfer-Encoding: chunked\r\n\r\n8\r\n{"key": \r\n8')),
        verdict=Answered(404, None),
        stands_still=Until.BODY_TIME,
    ),
    "body-of-page": Point(
        "before the first byte of an HTML page",
        (Read(), Send(PAGE + b"Content-Length: 20\r\n\r\n")),
        verdict=Answered(200, None),
        stands_still=Until.BODY_TIME,
    ),
    "blank-of-page": Point(
        "after the white space before an HTML page",
        (Read(), Send(PAGE + b"Content-Length: 20\r\n\r\n\r\n ")),
        verdict=Answered(200, None),
        stands_still=Until.BODY_TIME,
    ),
    "inside-page": Point(
        "after the first byte of an HTML page",
        (Read(), Send(PAGE + b"Content-Length: 20\r\n\r\n<")),
        verdict=Answered(200, b"<"),
        stands_still=Until.AT_ONCE,
    ),
}

# A reset may overtake what was sent just before it.
WAYS: dict[str, tuple[str, tuple[Step, ...]]] = {
    "close": ("closes the connection", (Close(),)),
    "reset": ("resets the connection", (Wait(0.03), Reset())),
    "hang": ("hangs", (Hang(),)),
}

# The kernel decides if the request is written before the client sees the end.
ACCEPTED: dict[str, tuple[str, Step]] = {
    "close-accepted": ("closes the connection right after accepting it", CloseProperly()),
    "reset-accepted": ("resets the connection right after accepting it", Reset()),
}

CUTS = {
    f"{way}-{where}": Fault(
        f"{does} {point.when}",
        (*point.steps, *steps),
        point.verdict,
        requests=point.requests,
        until=point.stands_still if way == "hang" else Until.AT_ONCE,
    )
    for where, point in POINTS.items()
    for way, (does, steps) in WAYS.items()
} | {name: Fault(does, (step,), Cut(), or_else=Unsent(), requests=0) for name, (does, step) in ACCEPTED.items()}
