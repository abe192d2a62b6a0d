"""Definitions of all metrics: name, meaning, and every label value, known before the first event."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0)
"""Buckets of an operation: from a fast Wethod nearby to the default deadline (10 s) and beyond."""

LAG_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)

LIST_SIZES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
"""Buckets of a list of calls; the default limit is 100."""

CONFIRMATIONS = ("ABSENCE", "RESPONSE")
"""Evidence of a success: the 404 that answers a repeat, or a 2xx."""

RESULTS = ("answered", "interrupted", "not_sent")
"""Results of one attempt to send a request."""

HTTP_STATUSES = (200, 294, 400, 405, 406, 408, 413, 414, 415, 422, 431, 500, 503)
"""Statuses with a series of their own; others count as ``other``, a connection lost before the answer as ``none``."""

UPSTREAM_STATUSES = (200, 202, 204, 400, 401, 403, 404, 412, 429, 500, 502, 503, 504)
"""Statuses of Wethod, or of a proxy before it, with a series of their own; others count by their class."""

LIMITS = (
    "body",
    "calls",  # calls of operations in one request
    "depth",
    "head",  # 414, 431, and too many parameters of a query string
    "in_flight",  # requests or calls in progress
    "other",
    "pipeline",  # requests that wait on one connection
    "rate",  # a remembered 429
    "read_timeout",
    "root_fields",
    "tokens",
    "words",  # bytes of text in one answer: too many aliases, or an answer without a token that is too long
)

STATES = ("starting", "serving", "draining")

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]

Labels: TypeAlias = tuple[str, ...]
"""Label values of one series, in the order of the metric's label names."""


class Operation(Protocol):
    """The part of a ``RestOperation`` that metrics need."""

    @property
    def name(self) -> str:
        """The value of the label ``operation``."""
        ...

    @property
    def outcomes(self) -> tuple[type, ...]:
        """Every class that a call can return; their names are the values of the label ``outcome``."""
        ...


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        kind: the type, as Prometheus names it.
        name: the name without the suffix that the type adds.
        help: the meaning, with the unit.
        labels: label names.
        series: the label values of each series.
        bounds: upper bounds of a histogram's buckets, except the infinite one.
        by_worker: one sample for each worker instead of their sum; the label is ``worker``.
    """

    kind: Kind
    name: str
    help: str
    labels: Labels = ()
    series: tuple[Labels, ...] = ((),)
    bounds: tuple[float, ...] = ()
    by_worker: bool = False

    @property
    def cells(self) -> int:
        """Numbers that one series takes: a histogram's buckets and its sum, or one."""
        return len(self.bounds) + 2 if self.bounds else 1


class MetricDefinitions:
    """All metrics, and the place of each number in a worker's row of the shared counters.

    Args:
        operations: the operations that the gateway offers, in the same order in every process of one start.

    Attributes:
        metrics: all metrics.
        columns: the length of a row.
        gauges: the columns of the gauges.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.metrics = (*_operation_metrics(operations), *_UPSTREAM_METRICS, *_GATEWAY_METRICS)
        self._by_name = {metric.name: metric for metric in self.metrics}
        self._cells: dict[tuple[str, Labels], int] = {}
        self.columns = 0
        self.gauges: list[int] = []
        for metric in self.metrics:
            for labels in metric.series:
                self._cells[metric.name, labels] = self.columns
                if metric.kind == "gauge":
                    self.gauges.append(self.columns)
                self.columns += metric.cells

    def metric(self, name: str) -> Metric:
        """Return a metric by its name."""
        return self._by_name[name]

    def cell(self, name: str, *labels: str) -> int:
        """Return the column of a number; of a histogram, the column of its first bucket.

        Raises:
            KeyError: there is no such series.
        """
        return self._cells[name, labels]


def _define(kind: Kind, name: str, text: str, bounds: tuple[float, ...] = (), **label: Iterable[object]) -> Metric:
    """Define a metric with one label, given by its name and its values, or without a label."""
    series = tuple((str(value),) for values in label.values() for value in values)
    return Metric(kind, name, text, tuple(label), series or ((),), bounds)


def _operation_metrics(operations: Sequence[Operation]) -> tuple[Metric, ...]:
    names = [operation.name for operation in operations]
    outcomes = tuple((one.name, outcome.__name__) for one in operations for outcome in one.outcomes)
    confirmed = tuple((name, by) for name in names for by in CONFIRMATIONS)
    define = partial(_define, operation=names)
    return (
        Metric("counter", "wethod_operation", "Calls by outcome.", ("operation", "outcome"), outcomes),
        Metric("counter", "wethod_operation_confirmed", "Successes by evidence.", ("operation", "by"), confirmed),
        define("histogram", "wethod_operation_duration_seconds", "Time of a call, refusals included.", SECONDS),
        define(
            "counter", "wethod_operation_shared", "Calls that sent nothing and got their outcome from an equal call."
        ),
        define("gauge", "wethod_operation_in_progress", "Calls past the checks and without an outcome."),
        define("histogram", "wethod_operation_list_size", "Calls of a list, duplicates merged.", LIST_SIZES),
    )


_UPSTREAM_METRICS = (
    _define(
        "histogram",
        "wethod_upstream_request_duration_seconds",
        "Time of one attempt to send a request to Wethod, the wait for a connection included.",
        SECONDS,
        result=RESULTS,
    ),
    _define(
        "counter",
        "wethod_upstream_responses",
        "Responses of Wethod by status.",
        status=(*UPSTREAM_STATUSES, "1xx", "2xx", "3xx", "4xx", "5xx", "other"),
    ),
    _define("counter", "wethod_upstream_repeats", "Requests sent to repeat an interrupted one."),
    _define("gauge", "wethod_upstream_connections", "Connections to Wethod.", state=("idle", "in_use")),
    _define("gauge", "wethod_upstream_connections_limit", "Largest number of connections, over all workers."),
    _define("gauge", "wethod_upstream_waiting", "Requests that wait for a connection to Wethod."),
    _define("counter", "wethod_upstream_waits", "Requests that had to wait for a connection to Wethod."),
)

_GATEWAY_METRICS = (
    _define(
        "counter",
        "gateway_http_requests",
        "GraphQL requests, and requests to any path that the server refused.",
        status=(*HTTP_STATUSES, "other", "none"),
    ),
    _define("histogram", "gateway_http_request_duration_seconds", "Time from head to response.", SECONDS),
    _define("gauge", "gateway_http_requests_in_progress", "GraphQL requests in progress."),
    _define("counter", "gateway_refused", "Requests and calls refused by a limit.", limit=LIMITS),
    _define("counter", "gateway_document_cache_requests", "Documents looked up.", result=("hit", "miss")),
    _define("gauge", "gateway_document_cache_documents", "Plans in the cache, over all workers."),
    _define("histogram", "gateway_event_loop_lag_seconds", "Delay of a timer, four times a second.", LAG_SECONDS),
    _define("gauge", "gateway_event_loop_tasks", "Tasks of the event loop, one or more for each busy connection."),
    _define("gauge", "gateway_workers", "Workers by state.", state=STATES),
    _define("counter", "gateway_worker_starts", "Worker processes started."),
    _define("counter", "gateway_audit_lines", "Audit lines, written, waiting or dropped."),
    _define("gauge", "gateway_audit_backlog_bytes", "Audit lines that could not be written yet."),
    _define("counter", "gateway_audit_dropped", "Audit lines dropped, all of them of calls that sent nothing."),
    _define("counter", "gateway_log_dropped", "Log lines dropped because the log could not be written."),
    Metric("counter", "gateway_process_cpu_seconds", "CPU time used.", by_worker=True),
    Metric("gauge", "gateway_process_resident_memory_bytes", "Resident memory.", by_worker=True),
    Metric("gauge", "gateway_process_open_fds", "Open file descriptors.", by_worker=True),
    Metric("gauge", "gateway_process_start_time_seconds", "Start of the worker, in Unix time.", by_worker=True),
)
