"""Every metric: its name, what it says, and the label values it can have, all of them known beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from schema.contact import DeleteContactOutcome, DeletionEvidence

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0)
"""Buckets of a delete: 1 ms is a gateway beside a quick Wethod, 2 s all tries to send, 10 s the default deadline."""

LAG_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)

HTTP_STATUSES = (200, 294, 400, 404, 405, 406, 408, 413, 414, 415, 422, 431, 500, 503)
"""The statuses that the design gives; any other one counts as ``other``, no answer (the client left) as ``none``."""

UPSTREAM_STATUSES = (200, 202, 204, 400, 401, 403, 404, 412, 429, 500, 502, 503, 504)
"""Those that Wethod documents or a proxy before it likes; others count by their class."""

LIMITS = ("body", "depth", "head", "in_flight", "other", "rate", "read_timeout", "root_fields", "tokens")
"""``in_flight``: too many requests or deletes in progress. ``rate``: a remembered 429. ``head``: 414 and 431."""

STATES = ("starting", "serving", "draining")


@dataclass(frozen=True, slots=True)
class Family:
    """One metric.

    Attributes:
        name: without the suffix that its kind adds.
        kind: as Prometheus has them.
        help: what it counts or measures, with its unit.
        label: name of its one label; empty where it has none.
        values: every value of the label; one empty one where it has none.
        bounds: upper bounds of a histogram's buckets, but the infinite one.
        by_worker: one sample a worker instead of their sum; the label is ``worker``.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    label: str = ""
    values: tuple[str, ...] = ("",)
    bounds: tuple[float, ...] = ()
    by_worker: bool = False

    @property
    def cells(self) -> int:
        """How many numbers one label value takes: a histogram's buckets and its sum, or one."""
        return len(self.bounds) + 2 if self.bounds else 1


CATALOGUE = (
    Family(
        "wethod_delete_contact",
        "counter",
        "Deletes asked for, by how they ended: the member of the union.",
        "outcome",
        tuple(sorted(member.__name__ for member in get_args(DeleteContactOutcome))),
    ),
    Family(
        "wethod_delete_contact_duration_seconds",
        "histogram",
        "Time from a delete being asked for to its outcome, refusals included.",
        bounds=SECONDS,
    ),
    Family(
        "wethod_delete_contact_confirmed",
        "counter",
        "Successful deletes by what shows that the contact is gone.",
        "by",
        tuple(sorted(evidence.name for evidence in DeletionEvidence)),
    ),
    Family(
        "wethod_delete_contact_shared",
        "counter",
        "Deletes that took their outcome from an equal one already under way.",
    ),
    Family("wethod_delete_contact_in_progress", "gauge", "Deletes past the checks and not yet ended."),
    Family(
        "wethod_upstream_request_duration_seconds",
        "histogram",
        "Time of one try to send a request to Wethod, the wait for a connection included, by what came of it.",
        "result",
        ("answered", "interrupted", "not_sent"),
        SECONDS,
    ),
    Family(
        "wethod_upstream_responses",
        "counter",
        "Answers of Wethod by status.",
        "status",
        (*map(str, UPSTREAM_STATUSES), "1xx", "2xx", "3xx", "4xx", "5xx", "other"),
    ),
    Family(
        "wethod_upstream_repeats", "counter", "Requests that repeat an unanswered one, on a connection of their own."
    ),
    Family(
        "wethod_upstream_connections",
        "gauge",
        "Connections to Wethod.",
        "state",
        ("idle", "in_use"),
    ),
    Family("wethod_upstream_waiting", "gauge", "Requests that wait for a connection to Wethod."),
    Family("wethod_upstream_waits", "counter", "Requests that had to wait for a connection to Wethod."),
    Family("wethod_upstream_connections_limit", "gauge", "Most connections to Wethod, over all workers."),
    Family(
        "gateway_http_requests",
        "counter",
        "GraphQL requests by the status of their answer.",
        "status",
        (*map(str, HTTP_STATUSES), "other", "none"),
    ),
    Family(
        "gateway_http_request_duration_seconds",
        "histogram",
        "Time from a GraphQL request's head being read to its answer.",
        bounds=SECONDS,
    ),
    Family("gateway_http_requests_in_progress", "gauge", "GraphQL requests in progress."),
    Family("gateway_refused", "counter", "Requests and deletes refused by a limit.", "limit", LIMITS),
    Family(
        "gateway_document_cache_requests",
        "counter",
        "Documents looked up in the cache of compiled ones.",
        "result",
        ("hit", "miss"),
    ),
    Family("gateway_document_cache_documents", "gauge", "Operations in the cache, over all workers."),
    Family(
        "gateway_event_loop_lag_seconds",
        "histogram",
        "How late the event loop calls what is due, sampled four times a second.",
        bounds=LAG_SECONDS,
    ),
    Family(
        "gateway_event_loop_tasks",
        "gauge",
        "Tasks of the event loop: one for each connection that has asked something, and a few more.",
    ),
    Family("gateway_workers", "gauge", "Workers by where they are in their life.", "state", STATES),
    Family("gateway_worker_starts", "counter", "Worker processes started."),
    Family("gateway_audit_lines", "counter", "Audit lines written or kept to be written."),
    Family("gateway_audit_backlog_bytes", "gauge", "Audit lines that could not be written yet."),
    Family(
        "gateway_audit_dropped",
        "counter",
        "Audit lines given up while the audit could not be written; all of deletes of which nothing was sent.",
    ),
    Family("gateway_log_dropped", "counter", "Log lines given up while the log could not be written."),
    Family("gateway_process_cpu_seconds", "counter", "Processor time used.", by_worker=True),
    Family("gateway_process_resident_memory_bytes", "gauge", "Resident memory.", by_worker=True),
    Family("gateway_process_open_fds", "gauge", "Open file descriptors.", by_worker=True),
    Family("gateway_process_start_time_seconds", "gauge", "Start of the worker, in Unix time.", by_worker=True),
)

_SIZES = [len(family.values) * family.cells for family in CATALOGUE]
COLUMNS = sum(_SIZES)
"""How many numbers a worker has."""

_FIRST = {family.name: sum(_SIZES[:position]) for position, family in enumerate(CATALOGUE)}
_FAMILIES = {family.name: family for family in CATALOGUE}


def column(name: str, value: str = "") -> int:
    """Where a metric's number is; where a histogram's first bucket is.

    Raises:
        KeyError: there is no such metric.
        ValueError: the label cannot have the value.
    """
    family = _FAMILIES[name]
    return _FIRST[name] + family.values.index(value) * family.cells
