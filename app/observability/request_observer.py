"""Metrics, log line and spans of the GraphQL requests that a worker answers."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from typing import TYPE_CHECKING, Any

import msgspec

from app.line_writer import milliseconds
from app.observability.logs import REQUEST_LOGGER, RequestLine
from app.observability.metric_definitions import HTTP_STATUSES, LIMITS
from app.server.exchange import SERVER_STATUS

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from starlette.types import Scope

    from app.observability.logs import LineHandler
    from app.observability.metrics import WorkerMetrics
    from app.observability.tracing import RequestSpan, Tracing

_MAX_CHARACTERS = 200
_NO_SPAN: AbstractContextManager[Any] = contextlib.nullcontext()
_LIMITS_BY_STATUS = {408: "read_timeout", 414: "head", 431: "head", 503: "pipeline"}
"""Limits that the server enforces, by the status of its response."""


class RequestReporter:
    """A ``RequestObserver`` that counts, logs and traces.

    Args:
        metrics: the metrics of this worker.
        log: receives the line of each request; None if the log level excludes it. Also an attribute.
        tracing: makes the spans; None if no exporter is configured.

    Attributes:
        in_progress: requests that have not ended.
    """

    def __init__(self, metrics: WorkerMetrics, log: LineHandler | None, tracing: Tracing | None) -> None:
        self.log = log
        self._row = metrics.row
        self._tracing = tracing
        self._statuses = {status: metrics.counter("gateway_http_requests", str(status)) for status in HTTP_STATUSES}
        self._other_status = metrics.counter("gateway_http_requests", "other")
        self._no_status = metrics.counter("gateway_http_requests", "none")
        self._seconds = metrics.histogram("gateway_http_request_duration_seconds")
        self._limits = {limit: metrics.counter("gateway_refused", limit) for limit in LIMITS}
        self.in_progress = 0
        metrics.register_reader("gateway_http_requests_in_progress", lambda: self.in_progress)

    def request_started(self, scope: Scope, request_id: str, company: str | None, client: str) -> Observation:
        """Start the clock of a request, and its span if it is traced."""
        self.in_progress += 1
        span = None if self._tracing is None else self._tracing.start_request(scope, client)
        return Observation(self, scope, span, request_id, company, client)

    def request_ended(self, status: int | None, seconds: float, *, counted: bool) -> None:
        """Count a request by the status of its response, unless ``request_refused`` has counted it."""
        self.in_progress -= 1
        self._seconds.observe(seconds)
        if not counted:
            self._count(status)

    def request_refused(self, status: int) -> None:
        """Count a response that the server gives instead of the application."""
        self._count(status)
        if status in _LIMITS_BY_STATUS:
            self._row[self._limits[_LIMITS_BY_STATUS[status]]] += 1.0

    def limit_exceeded(self, limit: str) -> None:
        """Count a refusal by its limit."""
        self._row[self._limits[limit if limit in self._limits else "other"]] += 1.0

    def _count(self, status: int | None) -> None:
        self._row[self._no_status if status is None else self._statuses.get(status, self._other_status)] += 1.0


class Observation(msgspec.Struct, gc=False):
    """A ``RequestObservation``: one request in progress."""

    reporter: RequestReporter
    scope: Scope
    span: RequestSpan | None
    request_id: str
    company: str | None
    client: str
    started: float = msgspec.field(default_factory=time.perf_counter)
    kind: str | None = None
    name: str | None = None

    __repr__ = object.__repr__  # the scope holds the token

    def operation(self, kind: str, name: str | None, document_id: str | None) -> AbstractContextManager[Any]:
        """Keep the operation for the log line, and return the span of its execution."""
        self.kind = kind
        self.name = name
        return _NO_SPAN if self.span is None else self.span.operation(kind, name, document_id)

    def limit_exceeded(self, limit: str) -> None:
        """Count a refusal because of a limit."""
        self.reporter.limit_exceeded(limit)

    def ended(self, status: int | None) -> None:
        """Count the request, end its span and write its line."""
        seconds = time.perf_counter() - self.started
        counted = False
        if SERVER_STATUS in self.scope:
            status = self.scope[SERVER_STATUS]
            counted = status is not None
        self.reporter.request_ended(status, seconds, counted=counted)
        if self.span is not None:
            self.span.end(status)
        if self.reporter.log is not None:
            self.reporter.log.write_request(self._line(status, seconds))

    def _line(self, status: int | None, seconds: float) -> RequestLine:
        return RequestLine(
            dt.datetime.now(dt.UTC),
            "info",
            REQUEST_LOGGER,
            "request",
            self.scope["method"],
            self.scope["path"],
            status,
            milliseconds(seconds),
            self.request_id,
            self.client or None,
            self.company,
            self.kind,
            self.name and self.name[:_MAX_CHARACTERS],
        )
