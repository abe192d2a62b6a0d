"""Metrics and spans of the operations that a worker calls."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from app.observability.metric_definitions import CONFIRMATIONS, RESULTS, UPSTREAM_STATUSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.http_client.transport import Request
    from app.observability.metric_definitions import Operation
    from app.observability.metrics import WorkerMetrics
    from app.observability.tracing import AttemptSpan, Tracing
    from app.wethod.record import OperationRecord


class _OperationMetrics:
    """The series of one operation."""

    def __init__(self, operation: Operation, metrics: WorkerMetrics) -> None:
        name = operation.name
        self.outcomes = {
            outcome: metrics.counter("wethod_operation", name, outcome.__name__) for outcome in operation.outcomes
        }
        self.seconds = metrics.histogram("wethod_operation_duration_seconds", name)
        self.confirmed = {by: metrics.counter("wethod_operation_confirmed", name, by) for by in CONFIRMATIONS}
        self.shared = metrics.counter("wethod_operation_shared", name)
        self.list_size = metrics.histogram("wethod_operation_list_size", name)


class OperationReporter:
    """An ``OperationObserver`` that counts, times and traces.

    Args:
        operations: the operations that the gateway offers.
        metrics: the metrics of this worker.
        tracing: makes the spans; None if no exporter is configured.
        audited: True if audited operations have an audit line.
    """

    def __init__(
        self, operations: Sequence[Operation], metrics: WorkerMetrics, tracing: Tracing | None, *, audited: bool
    ) -> None:
        self._operations = {one.name: _OperationMetrics(one, metrics) for one in operations}
        self._row = metrics.row
        self._tracing = tracing
        self._audited = audited
        self._audit_lines = metrics.counter("gateway_audit_lines")
        self._limits = {limit: metrics.counter("gateway_refused", limit) for limit in ("in_flight", "rate")}
        self._attempts = {
            result: metrics.histogram("wethod_upstream_request_duration_seconds", result) for result in RESULTS
        }
        self._repeats = metrics.counter("wethod_upstream_repeats")
        counted = set(UPSTREAM_STATUSES)
        self._statuses = {
            status: metrics.counter(
                "wethod_upstream_responses", str(status) if status in counted else f"{status // 100}xx"
            )
            for status in range(100, 600)
        }
        self._other_status = metrics.counter("wethod_upstream_responses", "other")

    def attempt_started(self, request: Request, *, repeat: bool) -> Attempt:
        """Start the clock of an attempt, and its span if its request is traced."""
        span = None if self._tracing is None else self._tracing.start_attempt(request, repeat=repeat)
        return Attempt(self, request, span, repeat)

    def attempt_ended(self, result: str, seconds: float, status: int | None = None, *, repeat: bool) -> None:
        """Count an attempt by its result, and by the status of its response."""
        self._attempts[result].observe(seconds)
        if repeat and result != "not_sent":
            self._row[self._repeats] += 1.0
        if status is not None:
            self._row[self._statuses.get(status, self._other_status)] += 1.0

    def operation_ended(self, record: OperationRecord) -> None:
        """Count a call by its outcome."""
        row = self._row
        series = self._operations[record.operation.name]
        outcome = record.outcome
        row[series.outcomes[type(outcome)]] += 1.0
        series.seconds.observe(record.seconds)
        if record.shared:
            row[series.shared] += 1.0
        if self._audited and record.operation.audited:
            row[self._audit_lines] += 1.0
        evidence = getattr(outcome, "confirmed_by", None)
        if evidence is not None:
            row[series.confirmed[evidence._name_]] += 1.0  # `name` costs three times as much
        if record.limit is not None:
            row[self._limits[record.limit]] += 1.0

    def list_started(self, operation: str, size: int) -> None:
        """Count a list of calls by its size."""
        self._operations[operation].list_size.observe(size)


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """An ``AttemptObserver``: one attempt to send a request, in progress."""

    reporter: OperationReporter
    request: Request
    span: AttemptSpan | None
    repeat: bool
    started: float = msgspec.field(default_factory=time.perf_counter)

    def answered(self, status: int) -> None:
        """Count a response, and end the span."""
        self.reporter.attempt_ended("answered", time.perf_counter() - self.started, status, repeat=self.repeat)
        if self.span is not None:
            self.span.end(status)

    def failed(self, problem: BaseException) -> None:
        """Count an attempt without a response, and end the span."""
        # A cancellation or a bug may come before the first byte or after it.
        result = "interrupted" if self.request.written else "not_sent"
        self.reporter.attempt_ended(result, time.perf_counter() - self.started, repeat=self.repeat)
        if self.span is not None:
            self.span.end(problem)
