"""The observers of a worker: request lines, the writing of the audit, probes, warnings, and a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette

from app.observability.configure_logging import configure_logging, current_handler
from app.observability.logs import BATCH_SECONDS
from app.observability.observability import make_counters
from app.server.exchange import SERVER_STATUS
from app.server.lifecycle import Lifecycle
from app.settings import load
from app.wethod.audit import BLOCKED_BYTES, Audit
from schema.root import OPERATIONS
from tests.gateway import AUDIT_KEY
from tests.observability.records import CALLER, SCOPE, numbers, observability, running
from tests.support import json_lines

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def log() -> Iterator[int]:
    """Log in JSON into a pipe, and return its reader; restore the logging of the process afterwards."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    reader, writer = os.pipe()
    handler = configure_logging(load({"GATEWAY_LOG_FORMAT": "json"}), writer)
    os.set_blocking(reader, False)
    yield reader
    logging.captureWarnings(capture=False)
    root.handlers[:] = kept
    root.setLevel(level)
    handler.writer.close()
    os.close(reader)
    os.close(writer)


def read(reader: int) -> bytes:
    with contextlib.suppress(BlockingIOError):
        return os.read(reader, 1 << 20)
    return b""


def logged(reader: int) -> list[dict[str, Any]]:
    """Write the lines of requests that wait, and return all that are in a pipe."""
    handler = current_handler()
    assert handler is not None
    handler.flush()
    return [json.loads(line) for line in read(reader).splitlines()]


LINE = {
    "level": "info",
    "logger": "app.request",
    "message": "request",
    "method": "POST",
    "path": "/graphql",
    "status": 200,
    "requestId": "request-1",
    "client": "203.0.113.7",
    "company": "acme",
}
"""The line of a request without its time and duration."""


async def test_a_request_has_its_line(log: int) -> None:
    observation = observability().requests.request_started(SCOPE, *CALLER)
    with observation.operation("mutation", "Remove" * 50, "sha256:abc"):
        pass
    observation.ended(200)
    (line,) = logged(log)
    assert 0 <= line.pop("durationMs") < 1_000
    assert line.pop("time").endswith("Z")
    assert line == LINE | {"operationType": "mutation", "operationName": ("Remove" * 50)[:200]}


def test_the_text_of_an_observation_has_no_token() -> None:
    scope = SCOPE | {"headers": [(b"authorization", b"Bearer secret")]}
    assert "secret" not in repr(observability().requests.request_started(scope, *CALLER))


async def test_lines_of_requests_are_written_in_batches(log: int) -> None:
    """A warning writes those that wait, in order."""
    reporter = observability().requests
    for _ in range(3):
        reporter.request_started(SCOPE, *CALLER).ended(200)
    assert read(log) == b""
    logging.getLogger("app").warning("a warning")
    assert [json.loads(line)["message"] for line in read(log).splitlines()] == ["request"] * 3 + ["a warning"]
    reporter.request_started(SCOPE, *CALLER).ended(200)
    assert read(log) == b""
    async with asyncio.timeout(10):
        while not (line := read(log)):  # noqa: ASYNC110 - a pipe sends no event
            await asyncio.sleep(BATCH_SECONDS)
    assert json.loads(line)["message"] == "request"


@pytest.mark.parametrize(
    ("status", "server", "sent"),
    [(None, {}, None), (200, {SERVER_STATUS: None}, None), (None, {SERVER_STATUS: 408}, 408)],
    ids=["body-cut-off", "connection-lost", "response-of-the-server"],
)
async def test_the_line_of_a_request_has_the_status_that_was_sent(
    status: int | None, server: dict[str, int | None], sent: int | None, log: int
) -> None:
    observation = observability().requests.request_started(SCOPE | server, *CALLER)
    observation.ended(status)
    (line,) = logged(log)
    del line["time"], line["durationMs"]
    assert line == LINE | {"status": sent}


def test_requests_have_no_line_above_info(log: int) -> None:
    logging.getLogger().setLevel(logging.WARNING)
    observers = observability()
    observers.requests.request_started(SCOPE, *CALLER).ended(200)
    assert logged(log) == []
    assert numbers(observers)['gateway_http_requests_total{status="200"}'] == 1


async def test_waiting_log_lines_are_written_without_another_line(log: int) -> None:
    async with running() as observers:
        for _ in range(1_000):
            logging.getLogger("app").warning("x" * 100)
        received = b""
        async with asyncio.timeout(10):
            while received.count(b"\n") < 1_000:
                await asyncio.sleep(0.01)
                received += read(log)
        assert "gateway_log_dropped_total" not in numbers(observers)


class StuckAudit:
    def __init__(self, folder: Path) -> None:
        path = folder / "audit"
        os.mkfifo(path)
        self.reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.audit = Audit(path, AUDIT_KEY)
        self.audit.writer.write(b"x" * (BLOCKED_BYTES + 1_000_000) + b"\n", droppable=False)

    async def drain(self) -> None:
        """Read, while the event loop monitor writes, until nothing is left."""
        async with asyncio.timeout(20):
            while self.audit.writer.backlog_bytes or read(self.reader):
                read(self.reader)
                await asyncio.sleep(0)
        os.close(self.reader)


async def test_an_audit_that_cannot_be_written_fails_readiness(tmp_path: Path) -> None:
    stuck = StuckAudit(tmp_path)
    lifecycle = Lifecycle(state="serving")
    async with running(lifecycle=lifecycle, audit=stuck.audit) as observers:
        app = Starlette(routes=observers.routes())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as http:
            blocked = await http.get("/health/ready")
            assert numbers(observers)["gateway_audit_backlog_bytes"] > BLOCKED_BYTES
            assert (await http.get("/health/live")).status_code == 200
            await stuck.drain()
            ready = await http.get("/health/ready")
    assert (blocked.status_code, blocked.json()) == (503, {"status": "the audit cannot be written"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


@pytest.mark.parametrize("state", ["starting", "draining"])
async def test_only_a_serving_worker_is_ready(state: Any) -> None:
    app = Starlette(routes=observability(lifecycle=Lifecycle(state=state)).routes())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as http:
        ready, live = await http.get("/health/ready"), await http.get("/health/live")
    assert (ready.status_code, ready.json()) == (503, {"status": state})
    assert (live.status_code, live.json()) == (200, {"status": "live"})
    assert ready.headers["cache-control"] == live.headers["cache-control"] == "no-store"


async def test_sighup_reopens_the_audit(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    lifecycle = Lifecycle()
    audit = Audit(folder / "audit", AUDIT_KEY)
    async with running(lifecycle=lifecycle, audit=audit):
        (reopen,) = lifecycle.reload_callbacks
        (folder / "audit").rename(folder / "audit.1")
        reopen()
        audit.writer.write(b'{"n":1}\n')
        assert json_lines(folder / "audit") == [{"n": 1}]
        folder.rename(tmp_path / "moved")
        caplog.clear()
        reopen()
        audit.writer.write(b'{"n":2}\n')
        assert json_lines(tmp_path / "moved" / "audit") == [{"n": 1}, {"n": 2}]
    assert "cannot be reopened; the old file stays in use: [Errno 2]" in caplog.records[0].message


async def test_a_blocked_event_loop_is_measured() -> None:
    async with running() as observers:
        await asyncio.sleep(0.3)
        time.sleep(0.4)  # noqa: ASYNC251 - the fault that is measured
        await asyncio.sleep(0.01)
        text = observers.render_metrics()[0].decode()
    (late,) = [line for line in text.splitlines() if line.startswith("gateway_event_loop_lag_seconds_sum")]
    assert float(late.split()[1]) > 0.15


# id: (settings, other variables, index of the worker, what it warns of)
WARNINGS: dict[str, tuple[dict[str, str], dict[str, str], int, list[str]]] = {
    "random-key": ({}, {}, 0, ["GATEWAY_AUDIT_KEY_FILE is not set"]),
    "key": ({"GATEWAY_AUDIT_KEY_FILE": "KEY"}, {}, 0, []),
    "misspelt": (
        {"GATEWAY_AUDIT_KEY_FILE": "KEY"},
        {"WETHOD_TIMEOUT": "5", "GATEWAY_WORKER": "2", "WETHOD_COMPANY": "acme"},
        0,
        ["these variables have no effect, because no setting has their name: GATEWAY_WORKER, WETHOD_TIMEOUT"],
    ),
    "another-worker": ({}, {"GATEWAY_WORKER": "2"}, 1, []),
}


@pytest.mark.parametrize(("environ", "variables", "index", "warned"), WARNINGS.values(), ids=WARNINGS)
async def test_only_the_first_worker_warns(
    environ: dict[str, str],
    variables: dict[str, str],
    index: int,
    warned: list[str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "key").write_bytes(b"0123456789abcdef")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    given = {name: str(tmp_path / "key") if value == "KEY" else value for name, value in environ.items()}
    audit = Audit(tmp_path / "audit", AUDIT_KEY)
    async with running(given, audit=audit, counters=make_counters(2, OPERATIONS), lifecycle=Lifecycle(index=index)):
        pass
    assert [entry.levelname for entry in caplog.records] == ["WARNING"] * len(warned)
    for entry, start in zip(caplog.records, warned, strict=True):
        assert entry.message.startswith(start)


def open_files(*parts: str) -> list[str]:
    """Return the open files of this process whose name contains one of some parts."""
    found = []
    for fd in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(fd.readlink()))
    return [name for name in found if any(part in name for part in parts)]


async def test_a_stopped_worker_leaves_nothing_behind(tmp_path: Path) -> None:
    """A later audit line is still written."""
    path = tmp_path / "audit"
    gc.collect()
    before = open_files(str(path), "memfd:wethod-graphql")
    seen: list[weakref.ref[Any]] = []
    for number in range(3):
        audit = Audit(path, AUDIT_KEY)
        async with running(audit=audit) as observers:
            assert set(open_files(str(path))) == {str(path)}
        assert open_files(str(path)) == []
        audit.writer.write(b'{"n":%d}\n' % number)
        audit.close(0)
        seen += [weakref.ref(observers), weakref.ref(audit)]
        del observers, audit
    gc.collect()
    assert open_files(str(path), "memfd:wethod-graphql") == before
    assert [one() for one in seen] == [None] * 6
    assert json_lines(path) == [{"n": 0}, {"n": 1}, {"n": 2}]
