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


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that a request meets.

    Attributes:
        does: what the upstream does, as a clause without a subject.
        steps: the same as a script; of the first connection only.
        verdict: the result that a transport reports.
        or_else: another possible result, if the kernel decides the order of two events.
        requests: how many complete requests the upstream reads.
        until: when the verdict is known.
        needs_tls: true if it cannot happen on a plain connection.
        floods: true if it sends without end.
        of_llhttp: the verdict of our own transport, if its parser differs from that of httpx.
    """

    does: str
    steps: Steps
    verdict: Verdict
    or_else: Verdict | None = None
    requests: int = 1
    until: Until = Until.AT_ONCE
    needs_tls: bool = False
    floods: bool = False
    of_llhttp: Verdict | None = None

    def verdicts_of(self, transport: str) -> list[Verdict]:
        verdict = self.of_llhttp if transport == "http1" and self.of_llhttp else self.verdict
        return [verdict, self.or_else] if self.or_else else [verdict]


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
