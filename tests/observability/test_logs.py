"""Every event is one line, in JSON or as text; no line can be forged, holds a secret, or blocks its caller."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLError, Source
from hypothesis import given
from hypothesis import strategies as st

from app.line_writer import LineWriter
from app.observability.configure_logging import configure_logging, current_handler
from app.observability.logs import BATCH_BYTES, BATCH_SECONDS, ConsoleFormatter, JsonFormatter, LineHandler, RequestLine
from app.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
REQUEST = RequestLine(
    dt.datetime(2026, 11, 24, 5, 4, 3, 2_000, tzinfo=dt.UTC),
    "info",
    "app.request",
    "request",
    "POST",
    "/graphql",
    200,
    1.25,
    "request-1",
    "203.0.113.7",
    "acme",
    "mutation",
    "Delete",
)


def error() -> Exception:
    try:
        int("what went wrong with Bearer abc.def-123==")
    except ValueError as caught:
        return caught
    raise AssertionError("that is no number")


def record(message: str, *args: object, exc: BaseException | None = None, **extra: Any) -> Any:
    what = None if exc is None else (type(exc), exc, exc.__traceback__)
    logger = logging.getLogger("app.test")
    return logger.makeRecord(logger.name, logging.WARNING, __file__, 7, message, args, what, None, extra)


def parsed(line: str | bytes) -> dict[str, Any]:
    assert "\n" not in (line if isinstance(line, str) else line.decode())
    fields: dict[str, Any] = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", fields.pop("time"))
    return fields


ERROR = GraphQLError(
    "No such thing.", source=Source('mutation {\n  remove(id: "hidden") {\n    id\n  }\n}'), positions=[13]
)
"""Its text holds an excerpt of the document, literals included."""

# id: (record, the JSON line without its time)
RECORDS: dict[str, tuple[logging.LogRecord, dict[str, Any]]] = {
    "plain": (record("a delete was not %s: %d", "sent", 7), {"message": "a delete was not sent: 7"}),
    "extra": (
        record("m", request_id="request-1", in_flight=3, ratio=0.5, nothing=None, path=Path("x")),
        {"message": "m", "requestId": "request-1", "inFlight": 3, "ratio": 0.5, "nothing": None, "path": "x"},
    ),
    "uvicorns-colours": (record("started", color_message="\x1b[1mstarted"), {"message": "started"}),
    "line-ends": (record("one\ntwo\r\n", who="a\nb"), {"message": "one\ntwo\r\n", "who": "ab"}),
    "surrogate": (record("a\ud800b"), {"message": "a\\ud800b"}),
    "credentials": (
        record("headers: authorization: bearer  abc123, Basic Zm9v=", header="Bearer 1|tok:en"),
        {"message": "headers: authorization: bearer ***, Basic ***", "header": "Bearer ***"},
    ),
    "token-of-any-characters": (
        record("refused: Bearer one!two'three\\\"{four, {'a': 'Bearer x,y!z'}"),
        {"message": "refused: Bearer ***, {'a': 'Bearer ***'}"},
    ),
    "token-of-closing-characters": (
        record("(Bearer ),a)b), 'Basic%20))'"),
        {"message": "(Bearer ***), 'Basic ***)'"},
    ),
    "password-in-a-url": (
        record("proxy %s failed", "http://user:p/a#s?'s\"@w@proxy:3128", url="https://:token@wethod.test/x"),
        {"message": "proxy http://***@proxy:3128 failed", "url": "https://***@wethod.test/x"},
    ),
    "query-of-a-url": (
        record("failed with url: /v1/traces?api-key=a'b) (Caused by: really?)", url="'http://collector?secret'"),
        {"message": "failed with url: /v1/traces?***) (Caused by: really?)", "url": "'http://collector?***'"},
    ),
    "document": (record("a field failed: %s", ERROR), {"message": "a field failed: No such thing."}),
}


@pytest.mark.parametrize(("event", "line"), RECORDS.values(), ids=RECORDS)
def test_a_record_is_one_line_of_json(event: logging.LogRecord, line: dict[str, Any]) -> None:
    assert parsed(JsonFormatter().format(event)) == {"level": "warning", "logger": "app.test"} | line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Bearer " + ")" * 400_000 + "x", "Bearer ***"),
        ("?" + ")" * 400_000 + "x", "?***"),
        ("http://" * 400_000 + "@x", "http://***@x"),
        ("http://" * 400_000, "http://" * 400_000),
    ],
    ids=["token", "query", "user-information", "no-user-information"],
)
def test_a_long_text_that_looks_like_a_secret_is_filtered(text: str, line: str) -> None:
    """In linear time: in quadratic time it would take half an hour."""
    assert parsed(JsonFormatter().format(record(text)))["message"] == line


def test_a_traceback_is_a_field_of_the_line() -> None:
    fields = parsed(JsonFormatter().format(record("failed", exc=error())))
    assert fields["message"] == "failed"
    first, *_, last = fields["exception"].splitlines()
    assert first == "Traceback (most recent call last):"
    assert last == "ValueError: invalid literal for int() with base 10: 'what went wrong with Bearer ***'"
    assert "test_logs.py" in fields["exception"]


def test_a_request_is_one_line_of_json() -> None:
    assert JsonFormatter().format_request(REQUEST) == (
        b'{"time":"2026-11-24T05:04:03.002000Z","level":"info","logger":"app.request","message":"request",'
        b'"method":"POST","path":"/graphql","status":200,"durationMs":1.25,"requestId":"request-1",'
        b'"client":"203.0.113.7","company":"acme","operationType":"mutation","operationName":"Delete"}'
    )
    bare = RequestLine(REQUEST.time, "info", "app.request", "request", "GET", "/graphql", None, 1.25)
    assert JsonFormatter().format_request(bare) == (
        b'{"time":"2026-11-24T05:04:03.002000Z","level":"info","logger":"app.request","message":"request",'
        b'"method":"GET","path":"/graphql","status":null,"durationMs":1.25}'
    )


def test_a_console_line_has_local_time_level_message_and_fields() -> None:
    lines = ConsoleFormatter(colours=False)
    local = REQUEST.time.astimezone().strftime("%H:%M:%S")
    assert lines.format_request(REQUEST).decode() == (
        f"{local}.002 INFO     app.request: POST /graphql 200 1.2 ms mutation Delete"
        "  requestId=request-1  client=203.0.113.7  company=acme"
    )
    bare = RequestLine(REQUEST.time, "info", "app.request", "request", "GET", "/graphql", None, 1.25)
    assert lines.format_request(bare).decode() == f"{local}.002 INFO     app.request: GET /graphql no answer 1.2 ms"
    text = lines.format(record("failed", exc=error(), request_id="request-1"))
    first, second, *_, last = text.splitlines()
    assert first[12:] == " WARNING  app.test: failed  requestId=request-1"
    assert second == "    Traceback (most recent call last):"
    assert last == "    ValueError: invalid literal for int() with base 10: 'what went wrong with Bearer ***'"


def test_a_console_line_cannot_be_forged() -> None:
    event = record("a\n12:00:00 INFO forged\x1b[2J\x9b\u202e\u2028", who="x")
    text = ConsoleFormatter(colours=False).format(event)
    assert text[12:] == " WARNING  app.test: a\\n12:00:00 INFO forged\\x1b[2J\\x9b\\u202e\\u2028  who=x"


@given(text=st.text(), extra=st.text())
def test_every_text_is_one_line(text: str, extra: str) -> None:
    event = record("%s", text, words=extra)
    parsed(JsonFormatter().format(event))
    assert ConsoleFormatter(colours=False).format(event).isprintable()


@pytest.mark.usefixtures("logging_restored")
def test_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, other = os.openpty()
    reader, writer = os.pipe()
    monkeypatch.delenv("NO_COLOR", raising=False)
    settings = load({"GATEWAY_LOG_FORMAT": "console"})

    def logged(fd: int, end: int) -> bytes:
        configure_logging(settings, fd).emit(record("m"))
        return os.read(end, 1_000)

    try:
        assert logged(other, terminal)[12:32] == b" \x1b[33mWARNING \x1b[0m a"
        assert b"\x1b" not in logged(writer, reader)
        monkeypatch.setenv("NO_COLOR", "1")
        assert b"\x1b" not in logged(other, terminal)
    finally:
        configure_logging(settings, writer).writer.close()
        for fd in (terminal, other, reader, writer):
            os.close(fd)


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no")


def test_logging_never_raises(tmp_path: Path) -> None:
    handler = LineHandler(JsonFormatter(), LineWriter(tmp_path / "log", max_bytes=0))
    handler.emit(record("%s", Unprintable()))
    handler.emit(record("%d", "no number"))
    handler.writer.close()
    assert [parsed(line) for line in (tmp_path / "log").read_bytes().splitlines()] == [
        {
            "level": "error",
            "logger": "app.observability.logs",
            "message": f"cannot format a record of app.test:7: {kind}",
        }
        for kind in ("RuntimeError", "TypeError")
    ]


async def test_a_full_batch_of_requests_is_written_at_once(tmp_path: Path) -> None:
    path = tmp_path / "log"
    handler = LineHandler(JsonFormatter(), LineWriter(path, max_bytes=0))
    size = len(JsonFormatter().format_request(REQUEST)) + 1
    lines = -(-BATCH_BYTES // size)
    for _ in range(lines):
        assert path.stat().st_size == 0
        handler.write_request(REQUEST)
    assert path.stat().st_size == lines * size
    handler.write_request(REQUEST)
    assert path.stat().st_size == lines * size
    handler.flush()
    assert path.stat().st_size == (lines + 1) * size
    handler.writer.close()


async def test_the_requests_of_a_batch_share_a_timer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of an earlier batch would cut a batch short."""
    loop = asyncio.get_running_loop()
    started: list[float] = []
    call_later = loop.call_later

    def count(delay: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        started.append(delay)
        return call_later(delay, callback)

    monkeypatch.setattr(loop, "call_later", count)
    handler = LineHandler(JsonFormatter(), LineWriter(tmp_path / "log", max_bytes=0))
    for _ in range(3):
        handler.write_request(REQUEST)
    assert started == [BATCH_SECONDS]
    handler.flush()
    handler.writer.close()


@pytest.fixture
def logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    names = ("httpcore", "httpx", "urllib3", "requests")
    loggers = [root, *map(logging.getLogger, names)]
    kept = [(logger, logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    yield
    logging.captureWarnings(capture=False)
    for logger, handlers, level, propagate in kept:
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate


@pytest.mark.usefixtures("logging_restored")
def test_all_loggers_write_to_one_handler() -> None:
    """Uvicorn's access log and logs of header fields are off."""
    assert current_handler() is None
    reader, writer = os.pipe()
    handler = configure_logging(load({"GATEWAY_LOG_FORMAT": "json", "GATEWAY_LOG_LEVEL": "debug"}), writer)
    assert current_handler() is handler
    logging.getLogger("app.wethod.executor").debug("ours")
    logging.getLogger("asyncio").info("a library's")
    for name in ("httpcore.http11", "httpx", "urllib3.connectionpool", "requests"):
        logging.getLogger(name).debug("not this")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("look out", stacklevel=1)
    handler.writer.close()
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        lines = [parsed(line) for line in file.read().splitlines()]
    assert [(line["level"], line["logger"]) for line in lines] == [
        ("debug", "app.wethod.executor"),
        ("info", "asyncio"),
        ("warning", "py.warnings"),
    ]
    assert "look out" in lines[2]["message"]


def test_a_closed_standard_error_gets_nothing() -> None:
    """The next file that is opened gets the same number."""
    code = (
        "import logging, os\n"
        "from app.settings import load\n"
        "from app.observability.configure_logging import configure_logging\n"
        "configure_logging(load({}))\n"
        "reader, writer = os.pipe()\n"
        "logging.getLogger('app').warning('x')\n"
        "os.set_blocking(reader, False)\n"
        "try: os.read(reader, 1)\n"
        "except BlockingIOError: print('nothing')\n"
    )
    command = f'exec {sys.executable} -c "$0" 2>&-'
    done = subprocess.run(["sh", "-c", command, code], stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT, check=True)
    assert done.stdout == "nothing\n"


@pytest.mark.usefixtures("logging_restored")
def test_logging_does_not_wait_for_a_reader() -> None:
    reader, fd = os.pipe()
    writer = configure_logging(load({}), fd).writer
    for _ in range(20_000):
        logging.getLogger("app").warning("x" * 100)
    assert writer.dropped > 0
    assert writer.backlog_bytes <= 1024 * 1024
    writer.close()
    for end in (reader, fd):
        os.close(end)


def test_a_traceback_has_no_text_of_a_document() -> None:
    """An exception of graphql-core quotes it."""
    problem = RuntimeError("no")
    problem.__cause__ = ERROR
    event = record("failed", exc=problem)
    for text in (JsonFormatter().format(event), ConsoleFormatter(colours=False).format(event)):
        assert "No such thing." in text
        assert "RuntimeError: no" in text
        assert "hidden" not in text
