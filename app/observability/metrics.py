"""Counters, histograms and numbers read from other parts of one worker, kept in its row of the shared counters."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from bisect import bisect_left
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.observability.metric_definitions import MetricDefinitions

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_STATM = Path("/proc/self/statm")
_DESCRIPTORS = Path("/proc/self/fd")


class Histogram:
    """A distribution of values in buckets.

    Args:
        row: the worker's row of the shared counters.
        first: the position of the first bucket in the row.
        bounds: the upper bounds of the buckets, in ascending order.
    """

    __slots__ = ("_bounds", "_cells")

    def __init__(self, row: memoryview[float], first: int, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        # A bucket for each bound, the infinite one, and the sum.
        self._cells = row[first : first + len(bounds) + 2]

    def observe(self, value: float) -> None:
        """Count one value."""
        cells = self._cells
        cells[bisect_left(self._bounds, value)] += 1.0
        cells[-1] += value


class WorkerMetrics:
    """The metrics of one worker. Only the event loop's thread may use them.

    ``metrics.row[metrics.counter(name)] += 1.0`` counts an event. prometheus-client's own counters and histograms exist
    once for each process and take several times as long; these are shared by all workers (docs/adr/0011).

    Args:
        definitions: all metrics.
        row: the worker's row of the shared counters; also an attribute.
    """

    def __init__(self, definitions: MetricDefinitions, row: memoryview[float]) -> None:
        self._definitions = definitions
        self.row = row
        self._readers: list[tuple[int, Callable[[], float], float]] = []
        self._register_process()

    def counter(self, name: str, *labels: str) -> int:
        """Return the place of a counter in the row."""
        return self._definitions.cell(name, *labels)

    def histogram(self, name: str, *labels: str) -> Histogram:
        """Return the histogram of one series."""
        return Histogram(self.row, self._definitions.cell(name, *labels), self._definitions.metric(name).bounds)

    def register_reader(self, name: str, read: Callable[[], float], *labels: str) -> None:
        """Register a function that is called a few times a second and before each scrape.

        Args:
            name: a gauge, or a counter that something else counts from the start of this worker.
            read: returns the number.
            labels: the label values of the series.
        """
        cell = self._definitions.cell(name, *labels)
        base = 0.0
        if self._definitions.metric(name).kind != "gauge":
            base = self.row[cell]  # the count of a worker that used this row before
        self._readers.append((cell, read, base))

    def refresh(self) -> None:
        """Call every registered reader. If one raises ``OSError``, its number does not change."""
        for cell, read, base in self._readers:
            # Without a free file descriptor, the memory and the descriptors of the process cannot be read.
            with contextlib.suppress(OSError):
                self.row[cell] = base + read()

    def start(self) -> None:
        """Count the worker as started, and replace the gauges of a worker that used this row before."""
        self.row[self.counter("gateway_worker_starts")] += 1.0
        self.register_reader("gateway_event_loop_tasks", lambda: len(asyncio.all_tasks()))
        self.refresh()

    def stop(self) -> None:
        """Set every gauge to zero; the counters stay."""
        for cell in self._definitions.gauges:
            self.row[cell] = 0.0

    def _register_process(self) -> None:
        started = time.time()
        self.register_reader("gateway_process_start_time_seconds", lambda: started)
        self.register_reader("gateway_process_cpu_seconds", time.process_time)
        if _DESCRIPTORS.is_dir():
            self.register_reader(
                "gateway_process_resident_memory_bytes", lambda: int(_STATM.read_bytes().split()[1]) * _PAGE_BYTES
            )
            self.register_reader("gateway_process_open_fds", lambda: len(os.listdir(_DESCRIPTORS)) - 1)  # noqa: PTH208 - names are enough
