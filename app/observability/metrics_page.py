"""The page that Prometheus reads: the rows of all workers added up."""

from __future__ import annotations

import platform
import re
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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric as MetricFamily

    from app.observability.metric_definitions import Metric, MetricDefinitions
    from app.shared_counters import SharedCounters

# choose_encoder raises a TypeError for some of these versions, and repeats the others in Content-Type.
_UNREADABLE_VERSION = re.compile(r"version=(?!\d{1,9}(?:\.\d{1,9})*[ \t]*(?:[;,]|$))")


class MetricsPage:
    """The text of ``/metrics``, made of the rows of all workers, those that died included.

    Args:
        definitions: all metrics.
        counters: the rows of all workers.
    """

    def __init__(self, definitions: MetricDefinitions, counters: SharedCounters) -> None:
        self._definitions = definitions
        self._counters = counters
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """Return the text and its media type: OpenMetrics if ``Accept`` asks for it, else Prometheus' own format."""
        encode, media_type = choose_encoder("" if _UNREADABLE_VERSION.search(accept) else accept)
        return encode(self._registry), media_type

    def collect(self) -> Iterator[MetricFamily]:
        """Yield every metric with its samples as they are now, for prometheus-client."""
        version = {"version": __version__, "python_version": platform.python_version()}
        yield InfoMetricFamily("gateway_build", "Version of the gateway and of Python.", version)
        for metric in self._definitions.metrics:
            yield self._histogram(metric) if metric.kind == "histogram" else self._number(metric)

    def _sum(self, cell: int) -> float:
        return sum(self._counters.column(cell))

    def _number(self, metric: Metric) -> MetricFamily:
        make = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
        if metric.by_worker:
            family = make(metric.name, metric.help, labels=("worker",))
            for worker, number in enumerate(self._counters.column(self._definitions.cell(metric.name))):
                family.add_metric((str(worker),), number)
            return family
        family = make(metric.name, metric.help, labels=metric.labels)
        for labels in metric.series:
            family.add_metric(labels, self._sum(self._definitions.cell(metric.name, *labels)))
        return family

    def _histogram(self, metric: Metric) -> MetricFamily:
        family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        bounds = [*(str(bound) for bound in metric.bounds), "+Inf"]
        for labels in metric.series:
            first = self._definitions.cell(metric.name, *labels)
            counts = accumulate(self._sum(first + bucket) for bucket in range(len(bounds)))
            buckets = list(zip(bounds, counts, strict=True))
            family.add_metric(labels, buckets, self._sum(first + len(bounds)))
        return family
