"""What Prometheus reads: the board's rows added up."""

from __future__ import annotations

import platform
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import (
    CollectorRegistry,
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.exposition import choose_encoder

from app import __version__
from app.observability.metric_definitions import CATALOGUE, Family, column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric

    from app.shared_counters import Board


class BoardCollector:
    """A prometheus-client collector over the rows of all workers, those that died included."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def describe(self) -> list[Metric]:
        """Nothing: the registry need not look for names that are taken, as it holds this collector alone."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every family with its samples as they are now."""
        yield InfoMetricFamily(
            "gateway_build",
            "What runs here.",
            {"version": __version__, "python_version": platform.python_version()},
        )
        for family in CATALOGUE:
            yield self._histogram(family) if family.kind == "histogram" else self._plain(family)

    def _sum(self, cell: int) -> float:
        return sum(self._board.column(cell))

    def _plain(self, family: Family) -> Metric:
        make = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
        if family.by_worker:
            metric = make(family.name, family.help, labels=("worker",))
            for worker, number in enumerate(self._board.column(column(family.name))):
                metric.add_metric((str(worker),), number)
            return metric
        metric = make(family.name, family.help, labels=(family.label,) if family.label else ())
        for value in family.values:
            metric.add_metric((value,) if family.label else (), self._sum(column(family.name, value)))
        return metric

    def _histogram(self, family: Family) -> Metric:
        metric = HistogramMetricFamily(family.name, family.help, labels=(family.label,) if family.label else ())
        bounds = [*(str(bound) for bound in family.bounds), "+Inf"]
        for value in family.values:
            first = column(family.name, value)
            counts = accumulate(self._sum(first + bucket) for bucket in range(len(bounds)))
            metric.add_metric(
                (value,) if family.label else (),
                buckets=list(zip(bounds, counts, strict=True)),
                sum_value=self._sum(first + len(bounds)),
            )
        return metric


class Exposition:
    """The text of ``/metrics``."""

    def __init__(self, board: Board) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(BoardCollector(board))

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The text and its media type: OpenMetrics where the ``Accept`` header wants it, Prometheus' own otherwise."""
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type
