"""Counts and measures one worker's work into its row of the board."""

from __future__ import annotations

import asyncio
import math
import os
import time
from bisect import bisect_left
from typing import TYPE_CHECKING, get_args

from app.observability.metric_definitions import (
    HTTP_STATUSES,
    LAG_SECONDS,
    LIMITS,
    SECONDS,
    UPSTREAM_STATUSES,
    column,
)
from schema.contact import DeleteContactOutcome, DeleteContactSuccess
from schema.errors import WethodRateLimitedError, WethodUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.wethod.executor import Deletion

_TASKS_SECONDS = 1.0
"""How old the number of tasks may be."""

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Metrics:
    """What one worker has to tell, in cells that any process of this start may read.

    A cell is added to without a lock: 0.1 µs where a prometheus-client counter takes 0.4 µs and its histogram 1 µs.
    Only the event loop's thread may call this.

    Args:
        cells: the worker's row of the board.
    """

    def __init__(self, cells: memoryview[float]) -> None:
        self._cells = cells
        self.http_in_progress = 0
        self._tasks = 0
        self._tasks_due = -math.inf
        self._outcomes = {
            member: column("wethod_delete_contact", member.__name__) for member in get_args(DeleteContactOutcome)
        }
        self._confirmed = {name: column("wethod_delete_contact_confirmed", name) for name in ("ABSENCE", "RESPONSE")}
        self._shared = column("wethod_delete_contact_shared")
        self._delete_seconds = column("wethod_delete_contact_duration_seconds")
        self._http = {status: column("gateway_http_requests", str(status)) for status in HTTP_STATUSES}
        self._http_none = column("gateway_http_requests", "none")
        self._http_other = column("gateway_http_requests", "other")
        self._http_seconds = column("gateway_http_request_duration_seconds")
        self._tries = {
            result: column("wethod_upstream_request_duration_seconds", result)
            for result in ("answered", "interrupted", "not_sent")
        }
        self._replies = {status: column("wethod_upstream_responses", str(status)) for status in UPSTREAM_STATUSES}
        self._repeats = column("wethod_upstream_repeats")
        self._refused = {limit: column("gateway_refused", limit) for limit in LIMITS}
        self._audit_lines = column("gateway_audit_lines")
        self._lag = column("gateway_event_loop_lag_seconds")
        self._gauges: list[tuple[int, Callable[[], float]]] = []
        self._totals: list[tuple[int, Callable[[], float], float]] = []
        self.gauge("gateway_http_requests_in_progress", lambda: self.http_in_progress)
        self._observe_process()

    # The hot path.

    def delete(self, deletion: Deletion) -> None:
        """Count a delete that has ended."""
        cells = self._cells
        outcome = deletion.outcome
        cells[self._outcomes[type(outcome)]] += 1.0
        self._measure(self._delete_seconds, SECONDS, deletion.seconds)
        if deletion.shared:
            cells[self._shared] += 1.0
        if isinstance(outcome, DeleteContactSuccess):
            cells[self._confirmed[outcome.confirmed_by._name_]] += 1.0
        elif isinstance(outcome, WethodUnavailableError):
            if outcome.key == "overloaded":
                cells[self._refused["in_flight"]] += 1.0
        elif isinstance(outcome, WethodRateLimitedError) and outcome.status_code is None:
            cells[self._refused["rate"]] += 1.0

    def audit_line(self) -> None:
        """Count a line of the audit, written or kept to be written."""
        self._cells[self._audit_lines] += 1.0

    def answer(self, status: int | None, seconds: float) -> None:
        """Count a GraphQL request that has been answered; None where its client left."""
        column = self._http_none if status is None else self._http.get(status, self._http_other)
        self._cells[column] += 1.0
        self._measure(self._http_seconds, SECONDS, seconds)

    def upstream(self, result: str, seconds: float, *, repeat: bool) -> None:
        """Count one try to send to Wethod: ``answered``, ``interrupted`` or ``not_sent``."""
        self._measure(self._tries[result], SECONDS, seconds)
        if repeat:
            self._cells[self._repeats] += 1.0

    def answered(self, status: int, seconds: float, *, repeat: bool) -> None:
        """Count one try that Wethod answered."""
        self.upstream("answered", seconds, repeat=repeat)
        found = self._replies.get(status)
        if found is None:
            found = column("wethod_upstream_responses", f"{status // 100}xx" if 100 <= status < 600 else "other")  # noqa: PLR2004 - the classes of statuses
        self._cells[found] += 1.0

    def refuse(self, limit: str) -> None:
        """Count a request that a limit refused; one that is not of ``LIMITS`` counts as ``other``."""
        self._cells[self._refused.get(limit, self._refused["other"])] += 1.0

    def lag(self, seconds: float) -> None:
        """Measure how late the event loop is."""
        self._measure(self._lag, LAG_SECONDS, seconds)

    def _measure(self, first: int, bounds: tuple[float, ...], value: float) -> None:
        cells = self._cells
        cells[first + bisect_left(bounds, value)] += 1.0
        cells[first + len(bounds) + 1] += value

    # What is only looked at when somebody asks, and a few times a second.

    def gauge(self, name: str, read: Callable[[], float], value: str = "") -> None:
        """Publish a number that goes up and down."""
        self._gauges.append((column(name, value), read))

    def total(self, name: str, read: Callable[[], float], value: str = "") -> None:
        """Publish a number that only goes up, counted elsewhere and since this worker's start."""
        self._totals.append((column(name, value), read, 0.0))

    def refresh(self) -> None:
        """Look at everything that is published."""
        cells = self._cells
        for cell, read in self._gauges:
            cells[cell] = read()
        for position, (cell, read, seen) in enumerate(self._totals):
            total = read()
            if total != seen:
                # What the predecessor in this row counted stays counted.
                cells[cell] += total - seen
                self._totals[position] = (cell, read, total)

    def begin(self) -> None:
        """Count the worker as started; what its predecessor in this row published is replaced."""
        self._cells[column("gateway_worker_starts")] += 1.0
        self.refresh()

    def end(self) -> None:
        """Take back what only a living worker has."""
        for cell, _ in self._gauges:
            self._cells[cell] = 0.0

    def _count_tasks(self) -> int:
        now = time.monotonic()
        if now >= self._tasks_due:
            # 3 ms where there are ten thousand.
            self._tasks_due = now + _TASKS_SECONDS
            try:
                self._tasks = len(asyncio.all_tasks())
            except RuntimeError:  # no loop is running, so nor is a task
                self._tasks = 0
        return self._tasks

    def _observe_process(self) -> None:
        started = time.time()
        self.gauge("gateway_event_loop_tasks", self._count_tasks)
        self.gauge("gateway_process_start_time_seconds", lambda: started)
        self.gauge("gateway_process_cpu_seconds", time.process_time)
        if os.path.isdir("/proc/self/fd"):  # noqa: PTH112 - cheap
            self.gauge("gateway_process_resident_memory_bytes", _resident_bytes)
            self.gauge("gateway_process_open_fds", lambda: len(os.listdir("/proc/self/fd")) - 1)  # noqa: PTH208 - names are all it takes


def _resident_bytes() -> int:
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - four times a second
        return int(file.read().split()[1]) * _PAGE_BYTES
