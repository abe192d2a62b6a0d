"""A transport that is watched: every try to send is counted, measured and, where somebody traces, a span."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from app.http_client.transport import NotSent

if TYPE_CHECKING:
    from app.http_client.transport import Reply, Request, Transport
    from app.observability.metrics import Metrics
    from app.observability.spans import Tracing
    from app.wethod.audit import Audit

logger = logging.getLogger(__name__)


@runtime_checkable
class Pooled(Protocol):
    """A transport that tells how its connections are used at this moment."""

    @property
    def open_connections(self) -> int:
        """Connections that are open."""
        ...

    @property
    def idle_connections(self) -> int:
        """Those of them that rest."""
        ...

    @property
    def waiting(self) -> int:
        """Requests that wait for one."""
        ...

    @property
    def waits(self) -> int:
        """Requests that had to wait for one, since the start."""
        ...


class WatchedTransport:
    """Counts and measures every try, and sends nothing that the audit could not tell of.

    Args:
        transport: what sends.
        metrics: where it is counted.
        audit: where the deletes are written; None where they are not.
    """

    def __init__(self, transport: Transport, metrics: Metrics, audit: Audit | None) -> None:
        self._transport = transport
        self._metrics = metrics
        self._audit = audit

    async def send(self, request: Request) -> Reply:
        """Send; raises what the transport does.

        Raises:
            NotSent: the audit cannot be written. A repeat goes through: its delete may have happened already.
        """
        repeat = request.fresh
        if self._audit is not None and self._audit.clogged and not repeat:
            raise NotSent("the audit cannot be written, so nothing is deleted", transient=False)
        metrics = self._metrics
        started = time.perf_counter()
        try:
            reply = await self._transport.send(request)
        except BaseException as problem:
            result = "not_sent" if isinstance(problem, NotSent) else "interrupted"
            metrics.upstream(result, time.perf_counter() - started, repeat=repeat)
            raise
        metrics.answered(reply.status, time.perf_counter() - started, repeat=repeat)
        return reply

    async def aclose(self) -> None:
        """Close the transport."""
        await self._transport.aclose()


class TracedTransport:
    """Makes a client span of every try, and has Wethod continue the trace where a setting says so."""

    def __init__(self, transport: Transport, tracing: Tracing) -> None:
        self._transport = transport
        self._tracing = tracing

    async def send(self, request: Request) -> Reply:
        """Send; raises what the transport does."""
        if not self._tracing.is_recording:
            return await self._transport.send(request)
        with self._tracing.attempt(request) as attempt:
            try:
                reply = await self._transport.send(attempt.request)
            except BaseException as problem:
                attempt.failed(problem)
                raise
            attempt.answered(reply.status)
            return reply

    async def aclose(self) -> None:
        """Close the transport."""
        await self._transport.aclose()
