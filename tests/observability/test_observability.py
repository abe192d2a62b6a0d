"""One front for a worker: what it is told comes out as lines and numbers, and it never stands in the way."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import socket
import time
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from graphql import OperationType

from app.http_client.transport import Interrupted, NotSent, Reply, Request
from app.observability.configure_logging import install
from app.observability.telemetry import Telemetry, make_board
from app.server.lifecycle import Lifecycle
from app.settings import load
from app.wethod.audit import CLOGGED_BYTES
from tests.telemetry.events import KEY, caller, deletion, lines
from tests.telemetry.test_metrics import samples

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "POST",
    "path": "/graphql",
    "scheme": "http",
    "http_version": "1.1",
    "client": ("203.0.113.7", 4711),
    "headers": [],
}
REQUEST = Request(b"DELETE", b"/api/contact/7", (), 0.0, 0.0)
REPEAT = Request(b"DELETE", b"/api/contact/7", (), 0.0, 0.0, fresh=True)
TRY = "wethod_upstream_request_duration_seconds_count"


def telemetry(environ: Mapping[str, str] | None = None, lifecycle: Lifecycle | None = None, **more: Any) -> Telemetry:
    """A worker's telemetry, its audit off unless the environment says otherwise."""
    settings = load({"GATEWAY_AUDIT_LOG": "off", **(environ or {})})
    return Telemetry(settings, audit_key=KEY, lifecycle=lifecycle or Lifecycle(), **more)


@contextlib.asynccontextmanager
async def running(environ: Mapping[str, str] | None = None, **more: Any) -> AsyncIterator[Telemetry]:
    """The same, started."""
    told = telemetry(environ, **more)
    await told.start()
    try:
        yield told
    finally:
        await told.aclose()


def numbers(told: Telemetry) -> dict[str, float]:
    """What ``/metrics`` says that is not 0."""
    return {name: value for name, value in samples(told.render_metrics()[0]).items() if value}


class ScriptedTransport:
    """Does what it is told, in turn."""

    def __init__(self, *script: Reply | Exception) -> None:
        self.script = list(script)
        self.closed = False

    async def send(self, request: Request) -> Reply:
        """The next of the script."""
        del request
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    async def aclose(self) -> None:
        """Remember it."""
        self.closed = True


class PooledTransport(ScriptedTransport):
    """A transport that tells how its connections are used."""

    open_connections = 5
    idle_connections = 2
    waiting = 3
    waits = 7


async def test_every_try_to_send_is_counted() -> None:
    """By its result and its status; a repeat as one; whatever is raised is raised on."""
    told = telemetry()
    inner = ScriptedTransport(
        Reply(200, (), b""), NotSent("no"), Interrupted("no"), Reply(404, (), b"{}"), ValueError("a bug")
    )
    watched = told.observe(inner)
    assert await watched.send(REQUEST) == Reply(200, (), b"")
    with pytest.raises(NotSent):
        await watched.send(REQUEST)
    with pytest.raises(Interrupted):
        await watched.send(REQUEST)
    assert (await watched.send(REPEAT)).status == 404
    with pytest.raises(ValueError, match="a bug"):
        await watched.send(REQUEST)
    await watched.aclose()
    assert inner.closed
    found = numbers(told)
    assert {name: value for name, value in found.items() if name.startswith((TRY, "wethod_upstream_re"))
            and "bucket" not in name and "sum" not in name} == {
        f'{TRY}{{result="answered"}}': 2,
        f'{TRY}{{result="not_sent"}}': 1,
        f'{TRY}{{result="interrupted"}}': 2,
        'wethod_upstream_responses_total{status="200"}': 1,
        'wethod_upstream_responses_total{status="404"}': 1,
        "wethod_upstream_repeats_total": 1,
    }  # fmt: skip


async def test_a_cancelled_try_is_counted() -> None:
    """The task is gone; that it may have been sent is not."""

    class Hanging(ScriptedTransport):
        async def send(self, request: Request) -> Reply:
            del request
            await asyncio.Event().wait()
            raise AssertionError

    told = telemetry()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(told.observe(Hanging()).send(REQUEST), 0.01)
    assert numbers(told)[f'{TRY}{{result="interrupted"}}'] == 1


def test_a_pool_is_published() -> None:
    """In use is open and not idle."""
    told = telemetry({"WETHOD_MAX_CONNECTIONS": "40"})
    told.observe(PooledTransport())
    assert numbers(told) == {
        'wethod_upstream_connections{state="idle"}': 2,
        'wethod_upstream_connections{state="in_use"}': 3,
        "wethod_upstream_waiting": 3,
        "wethod_upstream_waits_total": 7,
        "wethod_upstream_connections_limit": 40,
        'gateway_workers{state="starting"}': 1,
    }


async def test_nothing_is_sent_that_the_audit_could_not_tell(tmp_path: Path) -> None:
    """Past the audit's bound a delete is not sent, once and for all; the repeat of one already sent is."""
    fifo = tmp_path / "audit"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    told = telemetry({"GATEWAY_AUDIT_LOG": str(fifo)})
    watched = told.observe(ScriptedTransport(Reply(200, (), b""), Reply(200, (), b""), Reply(200, (), b"")))
    assert told.problem == ""
    await watched.send(REQUEST)
    assert told._audit is not None  # noqa: SLF001 - to fill it
    told._audit.writer.write(b"x" * (CLOGGED_BYTES + 100_000) + b"\n", droppable=False)  # noqa: SLF001
    assert told.problem == "the audit cannot be written"
    with pytest.raises(NotSent) as refused:
        await watched.send(REQUEST)
    assert not refused.value.transient
    await watched.send(REPEAT)
    assert numbers(told)["gateway_audit_backlog_bytes"] > CLOGGED_BYTES
    await told.start()
    async with asyncio.timeout(20):
        while told.problem:
            with contextlib.suppress(BlockingIOError):
                os.read(reader, 1 << 20)
            await asyncio.sleep(0)
    await watched.send(REQUEST)
    while told._audit.writer.backlog_bytes:  # noqa: SLF001
        with contextlib.suppress(BlockingIOError):
            os.read(reader, 1 << 20)
        await asyncio.sleep(0)
    await told.aclose()
    os.close(reader)


async def test_a_delete_is_counted_and_written(tmp_path: Path) -> None:
    """Both from one call, also after the close."""
    path = tmp_path / "audit"
    async with running({"GATEWAY_AUDIT_LOG": str(path)}) as told:
        told.record(deletion())
        found = numbers(told)
    told.record(deletion(contact_id="8"))
    assert [line["contactId"] for line in lines(path)] == ["7", "8"]
    assert found['wethod_delete_contact_total{outcome="DeleteContactSuccess"}'] == 1
    assert found["gateway_audit_lines_total"] == 1


async def test_sighup_reopens_the_audit(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The server calls what is registered; a folder that is gone is an error in the log and no more."""
    folder = tmp_path / "folder"
    folder.mkdir()
    lifecycle = Lifecycle()
    async with running({"GATEWAY_AUDIT_LOG": str(folder / "audit")}, lifecycle=lifecycle) as told:
        (reopen,) = lifecycle.reload_callbacks
        (folder / "audit").rename(folder / "audit.1")
        reopen()
        told.record(deletion())
        assert len(lines(folder / "audit")) == 1
        folder.rename(tmp_path / "moved")
        caplog.clear()
        reopen()
        told.record(deletion())
        assert len(lines(tmp_path / "moved" / "audit")) == 2
    assert "cannot be opened anew, and the old one stays in use: [Errno 2]" in caplog.records[0].message


async def test_without_an_audit_sighup_does_nothing() -> None:
    """There is nothing to open anew."""
    lifecycle = Lifecycle()
    async with running(lifecycle=lifecycle):
        (reopen,) = lifecycle.reload_callbacks
        reopen()


@dataclass
class Client:
    """Deletes in progress."""

    in_flight: int = 4


class Documents(list[str]):
    """A cache of documents."""

    hits = 11
    misses = 3


def test_what_the_parts_count_is_published() -> None:
    """The client's deletes in progress, the cache, what the server refused in our stead, where the worker is."""
    lifecycle = Lifecycle()
    told = telemetry(lifecycle=lifecycle)
    told.publish(Client(), Documents(["a", "b"]))
    told.refused("tokens")
    lifecycle.state = "draining"
    lifecycle.refusals.update({400: 1, 408: 2, 414: 3, 431: 4})
    assert numbers(told) == {
        "wethod_delete_contact_in_progress": 4,
        "gateway_document_cache_documents": 2,
        'gateway_document_cache_requests_total{result="hit"}': 11,
        'gateway_document_cache_requests_total{result="miss"}': 3,
        'gateway_http_requests_total{status="400"}': 1,
        'gateway_http_requests_total{status="408"}': 2,
        'gateway_http_requests_total{status="414"}': 3,
        'gateway_http_requests_total{status="431"}': 4,
        'gateway_refused_total{limit="read_timeout"}': 2,
        'gateway_refused_total{limit="head"}': 7,
        'gateway_refused_total{limit="tokens"}': 1,
        'gateway_workers{state="draining"}': 1,
        "wethod_upstream_connections_limit": 100,
    }


async def test_workers_share_one_page() -> None:
    """Either of them tells of both."""
    board = make_board(2)
    async with running({"GATEWAY_WORKERS": "2"}, board=board, index=0) as first:
        async with running({"GATEWAY_WORKERS": "2"}, board=board, index=1) as second:
            first.record(deletion())
            second.record(deletion())
            for told in (first, second):
                found = numbers(told)
                assert found['wethod_delete_contact_total{outcome="DeleteContactSuccess"}'] == 2
                assert found["gateway_worker_starts_total"] == 2
                assert found['gateway_workers{state="starting"}'] == 2
        assert numbers(first)['gateway_workers{state="starting"}'] == 1


def test_two_applications_in_one_process_know_nothing_of_each_other() -> None:
    """No registry is the process's."""
    first, second = telemetry(), telemetry()
    first.record(deletion())
    assert 'wethod_delete_contact_total{outcome="DeleteContactSuccess"}' not in numbers(second)


async def test_a_late_event_loop_is_measured() -> None:
    """Whatever blocks it shows."""
    async with running() as told:
        await asyncio.sleep(0.3)
        time.sleep(0.4)  # noqa: ASYNC251 - that is the fault
        await asyncio.sleep(0.01)
        found = numbers(told)
    assert found["gateway_event_loop_lag_seconds_count"] >= 2
    assert 0.15 < found["gateway_event_loop_lag_seconds_sum"] < 0.8


async def test_metrics_have_a_port_of_their_own_where_a_setting_says_so(free_port: int) -> None:
    """With one worker it is the worker's; with several, their parent's."""
    environ = {"GATEWAY_METRICS_PORT": str(free_port)}
    async with running(environ) as told, httpx.AsyncClient() as http:
        told.record(deletion())
        answer = await http.get(f"http://127.0.0.1:{free_port}/metrics")
    assert samples(answer.content)['wethod_delete_contact_total{outcome="DeleteContactSuccess"}'] == 1
    async with running(environ | {"GATEWAY_WORKERS": "2"}, board=make_board(2)), httpx.AsyncClient() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"http://127.0.0.1:{free_port}/metrics")


@pytest.fixture
def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


# Settings, other variables, which worker, and what it warns of.
WARNINGS: dict[str, tuple[dict[str, str], dict[str, str], int, list[str]]] = {
    "random-key": ({"GATEWAY_AUDIT_LOG": "AUDIT"}, {}, 0, ["GATEWAY_AUDIT_KEY_FILE is not set"]),
    "key": ({"GATEWAY_AUDIT_LOG": "AUDIT", "GATEWAY_AUDIT_KEY_FILE": "KEY"}, {}, 0, []),
    "no-audit": ({}, {}, 0, []),
    "misspelt": (
        {},
        {"WETHOD_TIMEOUT": "5", "GATEWAY_WORKER": "2", "WETHOD_COMPANY": "acme"},
        0,
        ["no setting has the name, so it changes nothing: GATEWAY_WORKER, WETHOD_TIMEOUT"],
    ),
    "another-worker": ({"GATEWAY_AUDIT_LOG": "AUDIT"}, {"GATEWAY_WORKER": "2"}, 1, []),
}


@pytest.mark.parametrize(
    ("environ", "variables", "index", "warned"), [pytest.param(*case, id=name) for name, case in WARNINGS.items()]
)
async def test_an_operator_is_warned_once(
    environ: dict[str, str],
    variables: dict[str, str],
    index: int,
    warned: list[str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the first worker: of names that are no settings, and of fingerprints that no one can match."""
    (tmp_path / "key").write_bytes(b"0123456789abcdef")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    files = {"AUDIT": str(tmp_path / "audit"), "KEY": str(tmp_path / "key")}
    given = {name: files.get(value, value) for name, value in environ.items()}
    async with running(given, board=make_board(2), index=index):
        pass
    assert [record.levelname for record in caplog.records] == ["WARNING"] * len(warned)
    for record, start in zip(caplog.records, warned, strict=True):
        assert record.message.startswith(start)


@pytest.fixture
def log() -> Iterator[int]:
    """The process's log in JSON: the end of its pipe to read from; its logging as it was, afterwards."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    reader, writer = os.pipe()
    handler = install(load({"GATEWAY_LOG_FORMAT": "json"}), writer)
    yield reader
    logging.captureWarnings(capture=False)
    root.handlers[:] = kept
    root.setLevel(level)
    handler.writer.close()
    os.close(reader)
    os.close(writer)


def logged(reader: int) -> list[dict[str, Any]]:
    """The lines of requests that are in a pipe."""
    os.set_blocking(reader, False)
    with contextlib.suppress(BlockingIOError):
        return [json.loads(line) for line in os.read(reader, 1 << 20).splitlines()]
    return []


def test_a_request_has_its_line_and_its_count(log: int) -> None:
    """Who, what, how it was answered and how long it took."""
    told = telemetry()
    with told.request(SCOPE) as request:
        assert request.client == "203.0.113.7"
        request.identify(caller(client=request.client))

        async def execute() -> float:
            return numbers(told)["gateway_http_requests_in_progress"]

        assert asyncio.run(request.operation(OperationType.MUTATION, "Delete\n\u202eit", execute())) == 1
        request.status = 200
    (line,) = logged(log)
    assert 0 < line.pop("durationMs") < 1_000
    del line["time"]
    assert line == {
        "level": "info",
        "logger": "app.request",
        "message": "request",
        "method": "POST",
        "path": "/graphql",
        "status": 200,
        "requestId": "request-1",
        "client": "203.0.113.7",
        "company": "acme",
        "operationType": "mutation",
        "operationName": "Deleteit",
    }
    found = numbers(told)
    assert found['gateway_http_requests_total{status="200"}'] == 1
    assert "gateway_http_requests_in_progress" not in found


def test_whatever_ends_a_request_it_is_counted(log: int) -> None:
    """An exception and a client that left: no status, no caller, one line."""
    told = telemetry()
    with pytest.raises(RuntimeError), told.request(SCOPE | {"path": "/graphql\n" + "x" * 500}):
        raise RuntimeError
    (line,) = logged(log)
    del line["time"], line["durationMs"]
    assert line == {
        "level": "info",
        "logger": "app.request",
        "message": "request",
        "method": "POST",
        "path": "/graphql" + "x" * 192,
        "status": None,
        "client": "203.0.113.7",
    }
    assert numbers(told)['gateway_http_requests_total{status="none"}'] == 1


@pytest.mark.usefixtures("log")
def test_requests_are_silent_above_info(log: int) -> None:
    """At ``warning`` a request has no line, and is counted all the same."""
    logging.getLogger().setLevel(logging.WARNING)
    told = telemetry()
    with told.request(SCOPE) as request:
        request.status = 200
    assert logged(log) == []
    assert numbers(told)['gateway_http_requests_total{status="200"}'] == 1


async def test_a_stuck_log_drains_by_itself(log: int) -> None:
    """Lines that waited for the reader are written when it reads, without another line coming."""
    async with running() as told:
        for _ in range(1_000):
            logging.getLogger("app").warning("x" * 100)
        received = b""
        async with asyncio.timeout(10):
            while received.count(b"\n") < 1_000:
                await asyncio.sleep(0.01)
                os.set_blocking(log, False)
                with contextlib.suppress(BlockingIOError):
                    received += os.read(log, 1 << 20)
        assert "gateway_log_dropped_total" not in numbers(told)


def open_files(*parts: str) -> list[str]:
    """What this process has open whose name holds one of some parts."""
    found = []
    for fd in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(fd.readlink()))
    return [name for name in found if any(part in name for part in parts)]


async def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """Timers, descriptors, callbacks: a stopped worker is forgotten."""
    path = tmp_path / "audit"
    gc.collect()
    before = open_files(str(path), "memfd:wethod-graphql")
    seen = []
    for _ in range(3):
        async with running({"GATEWAY_AUDIT_LOG": str(path)}) as told:
            told.record(deletion())
            assert open_files(str(path)) == [str(path)]
        seen.append(weakref.ref(told))
        del told
    gc.collect()
    assert open_files(str(path), "memfd:wethod-graphql") == before
    assert [one() for one in seen] == [None, None, None]
