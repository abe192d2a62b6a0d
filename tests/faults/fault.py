"""Faults, and the verdict of a transport on each."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from app.http_client.transport import Interrupted, NotSent, Request, Transport

if TYPE_CHECKING:
    from tests.faults.steps import Steps


@dataclass(frozen=True, slots=True)
class Answered:
    """A complete head came.

    Attributes:
        status: its status.
        body: as ``Response.body``; if its first character is enough, only that one.
    """

    status: int
    body: bytes | None = b""


@dataclass(frozen=True, slots=True)
class Unsent:
    transient: bool = True


@dataclass(frozen=True, slots=True)
class Cut:
    """Something was written, and no complete head came."""


Verdict: TypeAlias = Answered | Unsent | Cut


class Until(enum.Enum):
    AT_ONCE = "immediately"
    CONNECT_TIMEOUT = "after the connect timeout"
    BODY_TIME = "after the body timeout"
    DEADLINE = "at the deadline"
    BY_DEADLINE = "by the deadline"


class Over(enum.Enum):
    EITHER = "plain and TLS"
    PLAIN = "plain"
    TLS = "TLS"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that a request meets.

    Attributes:
        does: what the upstream does, as a clause without a subject.
        steps: the same as a script; of the first connection only.
        verdicts: the results that a transport may report; several if the kernel decides the order of two events.
        requests: how many complete requests the upstream reads.
        until: when the verdict is known.
        over: the connections on which it can be shown.
        floods: true if it sends without end.
        of_llhttp: the verdict of our own transport, if its parser differs from that of httpx.
    """

    does: str
    steps: Steps
    verdicts: tuple[Verdict, ...]
    requests: int = 1
    until: Until = Until.AT_ONCE
    over: Over = Over.EITHER
    floods: bool = False
    of_llhttp: Verdict | None = None

    def verdicts_of(self, transport: str) -> tuple[Verdict, ...]:
        return self.verdicts if transport == "httpx" or self.of_llhttp is None else (self.of_llhttp,)


async def verdict(transport: Transport, request: Request) -> Verdict:
    """Send a request, and return the transport's verdict."""
    try:
        response = await transport.send(request)
    except NotSent as error:
        assert not request.written
        return Unsent(error.transient)
    except Interrupted:
        assert request.written
        return Cut()
    assert request.written
    body = response.body
    if body and request.body_needed(response.status, response.headers) == "first":
        body = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    return Answered(response.status, body)
