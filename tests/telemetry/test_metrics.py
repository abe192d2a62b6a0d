"""What is counted is what Prometheus reads: summed over all workers, those that died included."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from app import __version__
from app.http_client.transport import Reply
from app.observability.exposition import Exposition
from app.observability.metric_definitions import CATALOGUE, COLUMNS, HTTP_STATUSES, LIMITS, STATES, Family, column
from app.observability.metrics import Metrics
from app.shared_counters import Board
from app.wethod.outcomes import NoReply, deleted, from_no_reply, from_reply
from schema.contact import DeleteContactOutcome, DeletionEvidence
from schema.errors import WethodRateLimitedError
from tests.system_parts import require
from tests.telemetry.events import deletion

if TYPE_CHECKING:
    from collections.abc import Callable


def samples(text: bytes) -> dict[str, float]:
    """Every sample of an exposition but those of processes, as ``name{label="value"}``."""
    return {
        sample.name + "".join(f'{{{name}="{value}"}}' for name, value in sample.labels.items()): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if not family.name.startswith("gateway_process") and family.name != "gateway_build_info"
    }


def moved(board: Board, act: Callable[[], None]) -> dict[str, float]:
    """The samples that something changes, by how much."""
    before = samples(Exposition(board).render()[0])
    act()
    after = samples(Exposition(board).render()[0])
    return {name: value - before[name] for name, value in after.items() if value != before[name]}


def buckets(name: str, seconds: float, bounds: tuple[float, ...]) -> dict[str, float]:
    """What one observation adds to a histogram."""
    return {
        **{f'{name}_bucket{{le="{bound}"}}': 1.0 for bound in bounds if bound >= seconds},
        f'{name}_bucket{{le="+Inf"}}': 1.0,
        f"{name}_count": 1.0,
        f"{name}_sum": seconds,
    }


def family(name: str) -> Family:
    """A family of the catalogue."""
    return next(one for one in CATALOGUE if one.name == name)


DELETE_SECONDS = family("wethod_delete_contact_duration_seconds").bounds
TRY = "wethod_upstream_request_duration_seconds"

# id: (event, what it adds besides the duration)
DELETIONS: dict[str, tuple[Any, dict[str, float]]] = {
    "response": (
        deletion(),
        {
            'wethod_delete_contact_total{outcome="DeleteContactSuccess"}': 1,
            'wethod_delete_contact_confirmed_total{by="RESPONSE"}': 1,
        },
    ),
    "absence-shared": (
        deletion(deleted("7", DeletionEvidence.ABSENCE, 404), shared=True),
        {
            'wethod_delete_contact_total{outcome="DeleteContactSuccess"}': 1,
            'wethod_delete_contact_confirmed_total{by="ABSENCE"}': 1,
            "wethod_delete_contact_shared_total": 1,
        },
    ),
    "404": (
        deletion(from_reply(Reply(404, (), None), "7")),
        {'wethod_delete_contact_total{outcome="WethodNotFoundError"}': 1},
    ),
    "429": (
        deletion(from_reply(Reply(429, (), None), "7")),
        {'wethod_delete_contact_total{outcome="WethodRateLimitedError"}': 1},
    ),
    "remembered-429": (
        deletion(WethodRateLimitedError(key="too_many_requests", message="")),
        {
            'wethod_delete_contact_total{outcome="WethodRateLimitedError"}': 1,
            'gateway_refused_total{limit="rate"}': 1,
        },
    ),
    "not-sent": (
        deletion(from_no_reply(NoReply.NOT_SENT)),
        {'wethod_delete_contact_total{outcome="WethodUnavailableError"}': 1},
    ),
    "overloaded": (
        deletion(from_no_reply(NoReply.OVERLOADED)),
        {
            'wethod_delete_contact_total{outcome="WethodUnavailableError"}': 1,
            'gateway_refused_total{limit="in_flight"}': 1,
        },
    ),
}


@pytest.mark.parametrize(("event", "adds"), [pytest.param(*parts, id=name) for name, parts in DELETIONS.items()])
def test_a_delete_is_counted_by_its_member(event: Any, adds: dict[str, float]) -> None:
    """And measured, and the limit that refused it counted."""
    board = Board(1, COLUMNS)
    metrics = Metrics(board.row(0))
    expected = adds | buckets("wethod_delete_contact_duration_seconds", 0.0125, DELETE_SECONDS)
    assert moved(board, lambda: metrics.delete(event)) == pytest.approx(expected)


def test_every_member_of_the_union_has_its_series_from_the_start() -> None:
    """A rate over a counter that appears with its first event misses that event."""
    text = samples(Exposition(Board(1, COLUMNS)).render()[0])
    for member in get_args(DeleteContactOutcome):
        assert text[f'wethod_delete_contact_total{{outcome="{member.__name__}"}}'] == 0


@pytest.mark.parametrize(
    ("status", "label"),
    [(status, str(status)) for status in HTTP_STATUSES] + [(418, "other"), (None, "none")],
)
def test_an_answer_is_counted_by_status(status: int | None, label: str) -> None:
    """The statuses of the design by name, the rest as one."""
    board = Board(1, COLUMNS)
    metrics = Metrics(board.row(0))
    assert moved(board, lambda: metrics.answer(status, 2.0)) == {
        f'gateway_http_requests_total{{status="{label}"}}': 1,
        **buckets("gateway_http_request_duration_seconds", 2.0, DELETE_SECONDS),
    }


@pytest.mark.parametrize(
    ("status", "label"),
    [(200, "200"), (201, "2xx"), (101, "1xx"), (302, "3xx"), (418, "4xx"), (500, "500"), (599, "5xx"), (600, "other")],
)
def test_a_reply_is_counted_by_status(status: int, label: str) -> None:
    """Whatever a proxy answers, the series are bounded."""
    board = Board(1, COLUMNS)
    metrics = Metrics(board.row(0))
    assert moved(board, lambda: metrics.answered(status, 0.3, repeat=False)) == {
        f'wethod_upstream_responses_total{{status="{label}"}}': 1,
        **{f'{name}{{result="answered"}}': one for name, one in buckets(TRY, 0.3, DELETE_SECONDS).items()},
    }


def test_a_try_is_measured_by_its_result() -> None:
    """Beyond the last bucket too; a repeat is counted as one."""
    board = Board(1, COLUMNS)
    metrics = Metrics(board.row(0))
    expected = {
        f'{TRY}_bucket{{le="+Inf"}}{{result="interrupted"}}': 1,
        f'{TRY}_count{{result="interrupted"}}': 1,
        f'{TRY}_sum{{result="interrupted"}}': 99,
        "wethod_upstream_repeats_total": 1,
    }
    assert moved(board, lambda: metrics.upstream("interrupted", 99.0, repeat=True)) == expected


@pytest.mark.parametrize(("limit", "label"), [*((name, name) for name in LIMITS), ("patience", "other")])
def test_a_limit_is_counted_by_name(limit: str, label: str) -> None:
    """One series a limit, and no other names."""
    board = Board(1, COLUMNS)
    metrics = Metrics(board.row(0))
    assert moved(board, lambda: metrics.refuse(limit)) == {f'gateway_refused_total{{limit="{label}"}}': 1}


def test_the_limits_that_refuse_are_known() -> None:
    """None of ours hides behind ``other``."""
    named: set[str] = set()
    for path in (Path(__file__).parents[2] / "app").rglob("*.py"):
        named |= set(re.findall(r'\blimit="(\w+)"', path.read_text(encoding="utf-8")))
    assert {"in_flight", "body", "tokens", "depth", "root_fields"} <= named <= set(LIMITS)


def test_what_others_count_is_published_when_looked_at() -> None:
    """Gauges follow; totals add what is new, so that a successor goes on where the dead one stopped."""
    board = Board(1, COLUMNS)
    counts = {"gauge": 3.0, "total": 5.0}
    metrics = Metrics(board.row(0))
    metrics.gauge("wethod_upstream_waiting", lambda: counts["gauge"])
    metrics.total("gateway_log_dropped", lambda: counts["total"])
    expected = {"wethod_upstream_waiting": 3, "gateway_log_dropped_total": 5}
    assert moved(board, metrics.refresh) == expected
    counts.update(gauge=1.0, total=7.0)
    assert moved(board, metrics.refresh) == {"wethod_upstream_waiting": -2, "gateway_log_dropped_total": 2}
    successor = Metrics(board.row(0))
    successor.total("gateway_log_dropped", lambda: 1.0)
    expected = {"gateway_log_dropped_total": 1, "gateway_worker_starts_total": 1}
    assert moved(board, successor.begin) == expected


def test_a_worker_that_ends_takes_its_gauges_back() -> None:
    """What was counted stays counted; nothing is in progress in a process that is gone."""
    board = Board(1, COLUMNS)
    metrics = Metrics(board.row(0))
    metrics.begin()
    metrics.http_in_progress = 3
    metrics.refresh()
    assert moved(board, metrics.end) == {"gateway_http_requests_in_progress": -3}
    assert samples(Exposition(board).render()[0])["gateway_worker_starts_total"] == 1
    assert board.column(column("gateway_process_resident_memory_bytes")) == [0.0]


def test_a_process_is_described_worker_by_worker() -> None:
    """Memory, processor time, descriptors, start: not to be added up."""
    board = Board(2, COLUMNS)
    metrics = Metrics(board.row(1))
    metrics.begin()
    text = Exposition(board).render()[0].decode()
    found = {
        (sample.name, sample.labels["worker"]): sample.value
        for one in text_string_to_metric_families(text)
        for sample in one.samples
        if one.name.startswith("gateway_process")
    }
    assert found["gateway_process_resident_memory_bytes", "1"] > 10_000_000
    assert found["gateway_process_cpu_seconds_total", "1"] > 0
    assert 3 <= found["gateway_process_open_fds", "1"] < 1_000
    assert found["gateway_process_start_time_seconds", "1"] > 1_700_000_000
    assert {value for (_, worker), value in found.items() if worker == "0"} == {0.0}


def work(board: Board, index: int, *, die: bool) -> None:
    """A worker: count, then end, or be killed in the midst of it."""
    metrics = Metrics(board.row(index))
    metrics.begin()
    for _ in range(1_000):
        metrics.delete(deletion())
    metrics.http_in_progress = 1
    metrics.refresh()
    if die:
        os.kill(os.getpid(), signal.SIGKILL)
    metrics.end()


def test_dead_workers_stay_counted() -> None:
    """Two workers at once, one killed and succeeded: nothing counted is lost or doubled."""
    board = Board(2, COLUMNS)
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=work, args=(board, index), kwargs={"die": index == 0}) for index in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [-signal.SIGKILL, 0]
    successor = spawn.Process(target=work, args=(board, 0), kwargs={"die": False})
    successor.start()
    successor.join(30)
    text = samples(Exposition(board).render()[0])
    assert text['wethod_delete_contact_total{outcome="DeleteContactSuccess"}'] == 3_000
    assert text["wethod_delete_contact_duration_seconds_count"] == 3_000
    assert text["wethod_delete_contact_duration_seconds_sum"] == pytest.approx(3_000 * 0.0125)
    assert text["gateway_worker_starts_total"] == 3
    assert text["gateway_http_requests_in_progress"] == 0


def descriptors() -> set[str]:
    """What this process has open."""
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_a_board_leaves_nothing_behind() -> None:
    """Its descriptor is closed with it, and no file is left."""
    before = descriptors()
    board = Board(3, 10)
    address = board.address
    copy: Board = pickle.loads(pickle.dumps(board))  # noqa: S301 - our own
    copy.row(2)[9] = 4.5
    assert board.column(9) == [0.0, 0.0, 4.5]
    del board, copy
    gc.collect()
    assert not Path(address).exists()
    assert descriptors() <= before


def test_openmetrics_is_on_offer() -> None:
    """Prometheus asks for it first."""
    text, media_type = Exposition(Board(1, COLUMNS)).render(
        "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
    )
    assert media_type.startswith("application/openmetrics-text; version=1.0.0")
    assert "wethod_delete_contact" in {one.name for one in parse_openmetrics(text.decode())}  # type: ignore[no-untyped-call] # prometheus-client has it untyped


def test_what_runs_is_named() -> None:
    """The version is a label of a series of its own."""
    assert f'version="{__version__}"' in Exposition(Board(1, COLUMNS)).render()[0].decode()


def test_label_values_are_few() -> None:
    """Whatever clients and Wethod send, a process has less than 300 series for each worker."""
    text = Exposition(Board(1, COLUMNS)).render()[0]
    assert len([line for line in text.splitlines() if not line.startswith(b"#")]) < 300


def test_the_catalogue_is_laid_out_without_overlap() -> None:
    """Each number has a cell of its own."""
    cells = [
        column(one.name, value) + offset for one in CATALOGUE for value in one.values for offset in range(one.cells)
    ]
    assert sorted(cells) == list(range(COLUMNS))
    assert set(STATES) == set(family("gateway_workers").values)


def test_prometheus_own_linter_agrees() -> None:
    """Names, units, help: ``promtool check metrics`` finds nothing to say."""
    require("promtool", present=shutil.which("promtool") is not None)
    text = Exposition(Board(1, COLUMNS)).render()[0]
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
