"""The dashboard and the alerts use metrics and labels that exist, and the document describes every metric."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from app.observability.metric_definitions import MetricDefinitions
from app.observability.metrics_page import MetricsPage
from app.shared_counters import SharedCounters
from schema.root import OPERATIONS
from tests.system_parts import require

if TYPE_CHECKING:
    from app.observability.metric_definitions import Metric

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy/prometheus/alerts.yaml"
TESTS = ROOT / "deploy/prometheus/alerts.test.yaml"
DASHBOARD = ROOT / "deploy/grafana/wethod-graphql.json"
DOCUMENT = (ROOT / "docs/observability.md").read_text(encoding="utf-8")

DEFINITIONS = MetricDefinitions(OPERATIONS)
PAGE = MetricsPage(DEFINITIONS, SharedCounters(1, DEFINITIONS.columns)).render()[0].decode()

ANYWHERE: dict[str, set[str] | None] = {"instance": None, "job": None}
"""Labels that Prometheus adds to every series."""

SERIES: dict[str, dict[str, set[str] | None]] = {"up": ANYWHERE}
for _family in text_string_to_metric_families(PAGE):
    for _sample in _family.samples:
        _labels = SERIES.setdefault(_sample.name, dict(ANYWHERE))
        for _name, _value in _sample.labels.items():
            values = _labels.setdefault(_name, set())
            assert values is not None
            values.add(_value)


def alert_expressions() -> dict[str, str]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


def dashboard() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return parsed


def dashboard_expressions() -> dict[str, str]:
    return {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in dashboard()["panels"]
        for target in panel.get("targets", ())
    }


EXPRESSIONS = {f"alert {name}": text for name, text in alert_expressions().items()} | {
    f"panel {name}": text for name, text in dashboard_expressions().items()
}


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_every_series_of_an_expression_exists(expression: str) -> None:
    asked = re.findall(r"\b((?:wethod|gateway)_\w+|up)\b(?:\{([^}]*)\})?", expression)
    assert asked
    labels_of_all: set[str] = set()
    for name, selector in asked:
        assert name in SERIES, name
        labels_of_all |= SERIES[name].keys()
        for label, operator, value in re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', selector):
            assert label in SERIES[name], (name, label)
            known = SERIES[name][label]
            assert operator != "=" or known is None or value in known, (name, label, value)
    for names in re.findall(r"\bby \(([^)]*)\)", expression):
        assert {name.strip() for name in names.split(",")} <= labels_of_all


@pytest.mark.parametrize("metric", DEFINITIONS.metrics, ids=lambda metric: metric.name)
def test_every_metric_is_shown_and_described(metric: Metric) -> None:
    suffix = {"counter": "_total", "histogram": "_", "gauge": ""}[metric.kind]
    assert any(re.search(rf"\b{metric.name}{suffix}", text) for text in EXPRESSIONS.values()), metric.name
    shown = metric.name + ("_total" if metric.kind == "counter" else "")
    assert f"`{shown}`" in DOCUMENT


@pytest.mark.parametrize("alert", alert_expressions())
def test_every_alert_is_explained(alert: str) -> None:
    assert f"`{alert}`" in DOCUMENT
    assert alert in TESTS.read_text(encoding="utf-8")


def test_panels_do_not_overlap() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel.get("description") for panel in panels if panel["type"] != "row")
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (column, line)
            for column in range(place["x"], place["x"] + place["w"])
            for line in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def promtool(*arguments: str | Path) -> None:
    require("promtool", present=shutil.which("promtool") is not None)
    done = subprocess.run(["promtool", *arguments], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_fires_for_its_reason_alone() -> None:
    """Prometheus evaluates the rules."""
    promtool("check", "rules", ALERTS)
    promtool("test", "rules", TESTS)


def test_prometheus_understands_every_panel(tmp_path: Path) -> None:
    """Promtool checks their expressions as rules."""
    rules = [
        {"record": f"panel:{number}", "expr": text.replace("$__rate_interval", "5m").replace("$__range", "6h")}
        for number, text in enumerate(dashboard_expressions().values())
    ]
    path = tmp_path / "panels.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    promtool("check", "rules", path)


def test_the_panel_of_uptimes_leaves_out_a_worker_that_has_ended(tmp_path: Path) -> None:
    """The start time of such a worker is 0."""
    [uptime] = [text for text in dashboard_expressions().values() if "start_time" in text]
    series = 'gateway_process_start_time_seconds{instance="a",worker="%d"}'
    test = {
        "input_series": [{"series": series % 0, "values": "40"}, {"series": series % 1, "values": "0"}],
        "promql_expr_test": [
            {
                "expr": uptime.replace("$instance", ".*"),
                "eval_time": "1m",
                "exp_samples": [{"labels": '{instance="a",worker="0"}', "value": 20}],
            }
        ],
    }
    path = tmp_path / "test.yaml"
    path.write_text(yaml.safe_dump({"tests": [test]}), encoding="utf-8")
    promtool("test", "rules", path)
