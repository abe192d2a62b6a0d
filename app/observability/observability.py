"""The observers of one worker, and their connections."""

from __future__ import annotations

import atexit
import functools
import logging
import os
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from starlette.responses import JSONResponse
from starlette.routing import Route

from app.observability.configure_logging import current_handler
from app.observability.configure_tracing import open_tracing
from app.observability.event_loop_monitor import EventLoopMonitor
from app.observability.logs import REQUEST_LOGGER
from app.observability.metric_definitions import STATES, MetricDefinitions
from app.observability.metrics import WorkerMetrics
from app.observability.metrics_page import MetricsPage
from app.observability.metrics_server import metrics_route
from app.observability.operation_observer import OperationReporter
from app.observability.request_observer import RequestReporter
from app.server.config import EXIT_SECONDS
from app.settings import unknown_variables
from app.shared_counters import SharedCounters
from app.wethod.audit import STDERR_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from app.documents.plan_cache import PlanCache
    from app.graphql_http.observer import RequestObserver
    from app.observability.metric_definitions import Operation
    from app.server.lifecycle import Lifecycle
    from app.settings import Settings
    from app.wethod.audit import Audit
    from app.wethod.observer import OperationObserver

logger = logging.getLogger(__name__)

_NO_STORE = {"Cache-Control": "no-store"}
_FLUSH_SECONDS = EXIT_SECONDS - STDERR_SECONDS


@runtime_checkable
class ConnectionPool(Protocol):
    """A transport with a pool, as metrics see it: connections, requests that wait, and those that had to wait."""

    @property
    def open_connections(self) -> int: ...  # noqa: D102 - see above
    @property
    def idle_connections(self) -> int: ...  # noqa: D102 - see above
    @property
    def waiting(self) -> int: ...  # noqa: D102 - see above
    @property
    def waits(self) -> int: ...  # noqa: D102 - see above


def make_counters(workers: int, operations: Sequence[Operation]) -> SharedCounters:
    """Make the memory in which all workers of one start count; called before they start."""
    return SharedCounters(workers, MetricDefinitions(operations).columns)


def metrics_of(counters: SharedCounters, operations: Sequence[Operation]) -> Callable[[str], tuple[bytes, str]]:
    """Return a function that renders the metrics of all workers, for the parent process."""
    return MetricsPage(MetricDefinitions(operations), counters).render


def clear_gauges(counters: SharedCounters, operations: Sequence[Operation], index: int) -> None:
    """Set every gauge of a worker that has ended to zero, in the parent process; the counters stay."""
    row = counters.row(index)
    for cell in MetricDefinitions(operations).gauges:
        row[cell] = 0.0


class Observability:
    """Metrics, log, spans and health of one worker. Everything but the log belongs to the event loop's thread.

    Args:
        settings: the gateway's settings.
        operations: the operations to count.
        lifecycle: the life of this worker. Refusals of its server are counted, and a reload reopens the audit.
        counters: the memory of ``make_counters``; None for memory of its own.
        audit: the audit, whose writer needs retries; None if it is off.

    Attributes:
        operations: the observer of the executor.
        requests: the observer of the endpoint.
    """

    def __init__(
        self,
        settings: Settings,
        operations: Sequence[Operation],
        *,
        lifecycle: Lifecycle,
        counters: SharedCounters | None = None,
        audit: Audit | None = None,
    ) -> None:
        self._settings = settings
        self._lifecycle = lifecycle
        self._audit = audit
        self._handler = current_handler()
        self._tracing = open_tracing(settings)
        definitions = MetricDefinitions(operations)
        counters = counters or SharedCounters(1, definitions.columns)
        self._page = MetricsPage(definitions, counters)
        self._metrics = WorkerMetrics(definitions, counters.row(lifecycle.index))
        self._lag = self._metrics.histogram("gateway_event_loop_lag_seconds")
        self._names = [operation.name for operation in operations]
        self._monitor = EventLoopMonitor(self._on_tick, self._retry)
        logs_requests = logging.getLogger(REQUEST_LOGGER).isEnabledFor(logging.INFO)
        requests = RequestReporter(self._metrics, self._handler if logs_requests else None, self._tracing)
        self.operations: OperationObserver = OperationReporter(
            operations, self._metrics, self._tracing, audited=audit is not None
        )
        self.requests: RequestObserver = requests
        self._register_readers()
        lifecycle.on_refusal = requests.request_refused
        if audit is not None:
            # Already here: the file may be rotated before the worker serves.
            lifecycle.reload_callbacks.append(self._reopen_audit)

    def publish(self, *, in_progress: Callable[[str], float], documents: PlanCache, transport: object) -> None:
        """Publish numbers that other parts of the worker count themselves.

        Args:
            in_progress: returns the calls in progress of the operation with a name.
            documents: the cache of plans.
            transport: published if it is a ``ConnectionPool``.
        """
        register = self._metrics.register_reader
        for name in self._names:
            register("wethod_operation_in_progress", functools.partial(in_progress, name), name)
        register("gateway_document_cache_documents", lambda: len(documents))
        register("gateway_document_cache_requests", lambda: documents.hits, "hit")
        register("gateway_document_cache_requests", lambda: documents.misses, "miss")
        if isinstance(transport, ConnectionPool):
            pool = transport
            register("wethod_upstream_connections", lambda: pool.idle_connections, "idle")
            register("wethod_upstream_connections", lambda: pool.open_connections - pool.idle_connections, "in_use")
            register("wethod_upstream_waiting", lambda: pool.waiting)
            register("wethod_upstream_waits", lambda: pool.waits)

    def render_metrics(self, accept: str = "") -> tuple[bytes, str]:
        """Return the text of ``/metrics``, over all workers, and its media type, by an ``Accept`` header."""
        self._metrics.refresh()
        return self._page.render(accept)

    def routes(self) -> list[Route]:
        """Return the routes of the probes, and of the metrics if they have no port of their own."""
        routes = [Route("/health/live", self._answer_live), Route("/health/ready", self._answer_ready)]
        if self._settings.gateway_metrics_port is None:
            routes.append(metrics_route(self.render_metrics))
        return routes

    async def start(self) -> None:
        """Start the metrics and the monitor, and log configuration warnings. An ``atexit`` hook closes the audit."""
        self._metrics.start()
        if self._audit is not None:
            atexit.register(self._audit.close, _FLUSH_SECONDS)
        self._monitor.start()
        if self._lifecycle.index == 0:
            self._warn()

    async def aclose(self) -> None:
        """Export the remaining spans and write the remaining lines. A line that is appended later reopens the audit."""
        if self._tracing is not None:
            await self._tracing.aclose()
        await self._monitor.stop(_FLUSH_SECONDS)
        self._metrics.stop()
        if self._audit is not None:
            self._audit.close(0)
            atexit.unregister(self._audit.close)

    def _is_in(self, state: str) -> bool:
        return self._lifecycle.state == state

    async def _answer_live(self, _: Request) -> JSONResponse:
        """Answer 200: the event loop runs."""
        return JSONResponse({"status": "live"}, headers=_NO_STORE)

    async def _answer_ready(self, _: Request) -> JSONResponse:
        """Answer 503 while the worker starts or drains, and while the audit cannot be written.

        This never depends on Wethod: all replicas would fail at once, and no client would get an outcome.
        """
        problem: str = self._lifecycle.state
        if problem == "serving":
            problem = "the audit cannot be written" if self._audit is not None and self._audit.blocked else ""
        return JSONResponse({"status": problem or "ready"}, 503 if problem else 200, headers=_NO_STORE)

    def _register_readers(self) -> None:
        register = self._metrics.register_reader
        for state in STATES:
            register("gateway_workers", functools.partial(self._is_in, state), state)
        register("wethod_upstream_connections_limit", lambda: self._settings.wethod_max_connections)
        if self._audit is not None:
            writer = self._audit.writer
            register("gateway_audit_dropped", lambda: writer.dropped)
            register("gateway_audit_backlog_bytes", lambda: writer.backlog_bytes)
        if self._handler is not None:
            log = self._handler.writer
            register("gateway_log_dropped", lambda: log.dropped)

    def _on_tick(self, delay: float) -> None:
        self._lag.observe(delay)
        self._metrics.refresh()
        if self._audit is not None:
            self._audit.report()

    def _retry(self) -> bool:
        """Write lines that could not be written before. Return whether none is left."""
        done = self._audit is None or self._audit.writer.retry()
        return (self._handler is None or self._handler.writer.retry()) and done

    def _reopen_audit(self) -> None:
        """Open the audit's file again, after a rotation."""
        try:
            if self._audit is not None:
                self._audit.writer.reopen()
        except OSError as problem:
            logger.error("the audit's file cannot be reopened; the old file stays in use: %s", problem)  # noqa: TRY400 - the message is complete

    def _warn(self) -> None:
        unknown = unknown_variables(os.environ)
        if unknown:
            logger.warning("these variables have no effect, because no setting has their name: %s", ", ".join(unknown))
        if self._audit is not None and self._settings.gateway_audit_key_file is None:
            logger.warning(
                "GATEWAY_AUDIT_KEY_FILE is not set: the audit's token fingerprints cannot be compared "
                "with those of the next start"
            )
