"""``/metrics`` has the observers' counts: the sum over all workers, dead ones included."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from app.documents.plan_cache import PlanCache
from app.http_client.transport import Interrupted, NotSent
from app.observability.metric_definitions import HTTP_STATUSES, LIMITS
from app.observability.observability import make_counters
from app.server.lifecycle import Lifecycle
from app.settings import load
from app.wethod.audit import Audit
from schema.delete_contact import DELETE_CONTACT
from schema.root import OPERATIONS, build_schema
from tests.gateway import AUDIT_KEY
from tests.observability.records import (
    CALLER,
    SCOPE,
    numbers,
    observability,
    request,
    running,
    samples,
)
from tests.system_parts import require
from tests.wethod.records import record

if TYPE_CHECKING:
    from app.observability.observability import Observability

ATTEMPTS = "wethod_upstream_request_duration_seconds_count"
ALWAYS = {"wethod_upstream_connections_limit": 100, 'gateway_workers{state="starting"}': 1}
"""Gauges of a worker that has not started."""


def counted(observers: Observability) -> dict[str, float]:
    return {name: value for name, value in numbers(observers).items() if name not in ALWAYS}


def test_every_outcome_has_its_series_from_the_start() -> None:
    """A rate misses the first event of a counter that appears with it."""
    text = samples(observability().render_metrics()[0])
    series = [name for name in text if name.startswith("wethod_operation_total")]
    assert sorted(series) == sorted(
        f'wethod_operation_total{{operation="{one.name}",outcome="{outcome.__name__}"}}'
        for one in OPERATIONS
        for outcome in one.outcomes
    )


@pytest.mark.parametrize(
    ("status", "label"),
    [(200, "200"), (201, "2xx"), (101, "1xx"), (302, "3xx"), (418, "4xx"), (500, "500"), (599, "5xx"), (600, "other")],
)
def test_a_response_is_counted_by_status(status: int, label: str) -> None:
    """The number of series is bounded."""
    observers = observability()
    observers.operations.attempt_started(request(), repeat=False).answered(status)
    assert counted(observers) == {
        f'{ATTEMPTS}{{result="answered"}}': 1,
        f'wethod_upstream_responses_total{{status="{label}"}}': 1,
    }


@pytest.mark.parametrize(
    ("problem", "written", "result"),
    [
        pytest.param(NotSent("refused"), False, "not_sent", id="not-sent"),
        pytest.param(Interrupted("reset"), True, "interrupted", id="interrupted"),
        pytest.param(asyncio.CancelledError(), True, "interrupted", id="cancelled-after-a-byte"),
        pytest.param(asyncio.CancelledError(), False, "not_sent", id="cancelled-before-a-byte"),
        pytest.param(ValueError("a bug"), True, "interrupted", id="bug"),
    ],
)
def test_an_attempt_is_counted_by_its_result(problem: BaseException, written: bool, result: str) -> None:  # noqa: FBT001 - a column
    """An attempt is sent once a byte is written, however it ends. A repeat counts only if it was sent."""
    observers = observability()
    observers.operations.attempt_started(request(written=written), repeat=True).failed(problem)
    repeats = {"wethod_upstream_repeats_total": 1} if written else {}
    assert counted(observers) == {f'{ATTEMPTS}{{result="{result}"}}': 1} | repeats


def test_an_operation_that_is_not_audited_has_no_audit_line(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "audit", AUDIT_KEY)
    observers = observability(audit=audit)
    unaudited = dataclasses.replace(DELETE_CONTACT, audited=False)
    observers.operations.operation_ended(msgspec.structs.replace(record(), operation=unaudited))
    assert "gateway_audit_lines_total" not in counted(observers)
    observers.operations.operation_ended(record())
    assert counted(observers)["gateway_audit_lines_total"] == 1
    audit.close(0)


@pytest.mark.parametrize(
    ("status", "label"), [(status, str(status)) for status in HTTP_STATUSES] + [(418, "other"), (None, "none")]
)
def test_a_request_is_counted_by_status(status: int | None, label: str) -> None:
    observers = observability()
    observation = observers.requests.request_started(SCOPE, *CALLER)
    assert counted(observers) == {"gateway_http_requests_in_progress": 1}
    observation.ended(status)
    assert counted(observers) == {
        f'gateway_http_requests_total{{status="{label}"}}': 1,
        "gateway_http_request_duration_seconds_count": 1,
    }


@pytest.mark.parametrize(
    ("status", "limit"),
    [(400, None), (408, "read_timeout"), (414, "head"), (431, "head"), (500, None), (503, "pipeline")],
)
def test_a_response_of_the_server_is_counted_by_status_and_limit(status: int, limit: str | None) -> None:
    lifecycle = Lifecycle()
    observers = observability(lifecycle=lifecycle)
    lifecycle.on_refusal(status)
    refused = {} if limit is None else {f'gateway_refused_total{{limit="{limit}"}}': 1}
    assert counted(observers) == {f'gateway_http_requests_total{{status="{status}"}}': 1, **refused}


def test_every_limit_in_the_code_has_a_label() -> None:
    named: set[str] = set()
    for path in (Path(__file__).parents[2] / "app").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        named |= set(re.findall(r'\blimit="(\w+)"', text)) | set(re.findall(r'_exceeded\(.*, "(\w+)"\)', text))
    assert {"in_flight", "body", "tokens", "depth"} <= named <= set(LIMITS)


class Pool:
    open_connections = 5
    idle_connections = 2
    waiting = 3
    waits = 7


async def test_a_restarted_worker_continues_its_counts() -> None:
    """Totals are added, and gauges are replaced."""
    counters = make_counters(1, OPERATIONS)
    documents = PlanCache(build_schema()._schema, load({}), introspection=False)  # noqa: SLF001 - no public way to it
    for starts in (1, 2):
        async with running(counters=counters) as observers:
            observers.publish(in_progress=lambda _: 1, documents=documents, transport=Pool())
            found = numbers(observers)
            assert found["wethod_upstream_waits_total"] == 7 * starts
            assert found["wethod_upstream_waiting"] == 3
            assert found["gateway_worker_starts_total"] == starts
    left = numbers(observability(counters=counters))
    assert left["gateway_worker_starts_total"] == 2
    assert "wethod_upstream_waiting" not in left


async def test_workers_share_one_page() -> None:
    counters = make_counters(2, OPERATIONS)
    async with (
        running(counters=counters, lifecycle=Lifecycle(index=1)) as second,
        running(counters=counters, lifecycle=Lifecycle(index=0)) as first,
    ):
        for observers in (first, second):
            observers.operations.operation_ended(record())
        for observers in (first, second):
            found = numbers(observers)
            assert found['wethod_operation_total{operation="deleteContact",outcome="DeleteContactSuccess"}'] == 2
            assert found['gateway_workers{state="starting"}'] == 2
        processes = {
            (sample.name, sample.labels["worker"]): sample.value
            for family in text_string_to_metric_families(first.render_metrics()[0].decode())
            for sample in family.samples
            if family.name.startswith("gateway_process")
        }
    for worker in "01":
        assert processes["gateway_process_resident_memory_bytes", worker] > 10_000_000
        assert processes["gateway_process_cpu_seconds_total", worker] > 0
        assert 3 <= processes["gateway_process_open_fds", worker] < 1_000
        assert processes["gateway_process_start_time_seconds", worker] > 1_700_000_000


TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        pytest.param("", TEXT, id="absent"),
        pytest.param("text/html, */*;q=0.1", TEXT, id="browser"),
        pytest.param("application/openmetrics-text", OPENMETRICS, id="openmetrics"),
        pytest.param(PROMETHEUS, f"{OPENMETRICS}; escaping=allow-utf-8", id="prometheus-3"),
        pytest.param("application/openmetrics-text; version=abc", TEXT, id="no-number"),
        pytest.param("application/openmetrics-text; version=1.1.abc", TEXT, id="half-a-number"),
        pytest.param("application/openmetrics-text; version=" + "9" * 5_000, TEXT, id="endless-number"),
        pytest.param("application/openmetrics-text; version=", TEXT, id="no-version"),
        pytest.param("text/plain; version=x", TEXT, id="text-of-no-version"),
    ],
)
def test_the_format_is_negotiated(accept: str, media_type: str) -> None:
    """A version that cannot be read gives text."""
    text, found = observability().render_metrics(accept)
    assert found == media_type
    if "openmetrics" in media_type:
        assert "wethod_operation" in {one.name for one in parse_openmetrics(text.decode())}  # type: ignore[no-untyped-call] # prometheus-client has it untyped
    else:
        assert samples(text)


def test_the_number_of_series_is_bounded() -> None:
    text: Any = observability().render_metrics()[0]
    series = [line for line in text.splitlines() if not line.startswith(b"#")]
    own = [line for line in series if not line.startswith(b"wethod_operation")]
    assert len(own) < 160
    assert (len(series) - len(own)) / len(OPERATIONS) < 45


def test_promtool_finds_no_fault() -> None:
    require("promtool", present=shutil.which("promtool") is not None)
    text = observability().render_metrics()[0]
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
