"""Every event is one line, in JSON or for a person; no line is forged, holds a credential, or stops whoever logs."""

from __future__ import annotations

import contextlib
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
from hypothesis import given
from hypothesis import strategies as st

from app.line_writer import LineWriter
from app.observability.configure_logging import install, installed
from app.observability.logs import ConsoleLines, JsonLines, LogHandler, RequestLine, make_lines
from app.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """An exception with a traceback."""
    try:
        int("what went wrong with Bearer abc.def-123==")
    except ValueError as caught:
        return caught
    raise AssertionError("that is no number")


def record(message: str, *args: object, name: str = "app.test", exc: BaseException | None = None, **extra: Any) -> Any:
    """A record as the standard library makes it."""
    what = None if exc is None else (type(exc), exc, exc.__traceback__)
    return logging.getLogger(name).makeRecord(name, logging.WARNING, __file__, 7, message, args, what, None, extra)


def parsed(line: bytes) -> dict[str, Any]:
    """A line of JSON, its time taken out."""
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    fields: dict[str, Any] = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", fields.pop("time"))
    return fields


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
        record("headers: authorization: bearer  abc123, Basic Zm9v=", header="Bearer tok.en"),
        {"message": "headers: authorization: bearer ***, Basic ***", "header": "Bearer ***"},
    ),
}


@pytest.mark.parametrize(("event", "line"), [pytest.param(*parts, id=name) for name, parts in RECORDS.items()])
def test_a_record_is_one_line_of_json(event: logging.LogRecord, line: dict[str, Any]) -> None:
    """Time, level, logger, message, and what came with it."""
    assert parsed(JsonLines().record(event)) == {"level": "warning", "logger": "app.test"} | line


def test_a_traceback_is_a_field_of_the_line() -> None:
    """It names the file and the line, and a credential in its message is masked."""
    fields = parsed(JsonLines().record(record("failed", exc=error())))
    assert fields["message"] == "failed"
    first, *_, last = fields["exception"].splitlines()
    assert first == "Traceback (most recent call last):"
    assert last == "ValueError: invalid literal for int() with base 10: 'what went wrong with Bearer ***'"
    assert "test_logs.py" in fields["exception"]


def test_a_stack_is_shown_where_it_is_asked_for() -> None:
    """``stack_info`` and a text that another formatter left are part of the line too."""
    event = record("m")
    event.stack_info = "Stack (most recent call last):\n  here"
    event.exc_text = "Traceback: cached"
    assert parsed(JsonLines().record(event))["exception"] == "Traceback: cachedStack (most recent call last):\n  here"


def test_a_request_is_one_line_of_json() -> None:
    """What is not known is left out; a client that left before its answer has no status."""
    assert JsonLines().request(REQUEST) == (
        b'{"time":"2026-11-24T05:04:03.002000Z","level":"info","logger":"app.request","message":"request",'
        b'"method":"POST","path":"/graphql","status":200,"durationMs":1.25,"requestId":"request-1",'
        b'"client":"203.0.113.7","company":"acme","operationType":"mutation","operationName":"Delete"}\n'
    )
    bare = RequestLine(REQUEST.time, "info", "app.request", "request", "GET", "/graphql", None, 1.25)
    assert JsonLines().request(bare) == (
        b'{"time":"2026-11-24T05:04:03.002000Z","level":"info","logger":"app.request","message":"request",'
        b'"method":"GET","path":"/graphql","status":null,"durationMs":1.25}\n'
    )


def test_a_person_reads_one_line_too() -> None:
    """Local time, level, logger, message, fields; a traceback below, indented."""
    lines = ConsoleLines(colours=False)
    local = REQUEST.time.astimezone().strftime("%H:%M:%S")
    assert lines.request(REQUEST).decode() == (
        f"{local}.002 INFO     app.request: POST /graphql 200 1.2 ms mutation Delete"
        "  requestId=request-1  client=203.0.113.7  company=acme\n"
    )
    bare = RequestLine(REQUEST.time, "info", "app.request", "request", "GET", "/graphql", None, 1.25)
    assert lines.request(bare).decode() == f"{local}.002 INFO     app.request: GET /graphql no answer 1.2 ms\n"
    text = lines.record(record("failed", exc=error(), request_id="request-1")).decode()
    first, second, *_, last = text.splitlines()
    assert first[12:] == " WARNING  app.test: failed  requestId=request-1"
    assert second == "    Traceback (most recent call last):"
    assert last == "    ValueError: invalid literal for int() with base 10: 'what went wrong with Bearer ***'"


def test_a_persons_line_cannot_be_forged() -> None:
    """Line ends, escapes and bidirectional controls of a client's words are shown, not obeyed."""
    text = (
        ConsoleLines(colours=False).record(record("a\n12:00:00 INFO forged\x1b[2J\x9b\u202e\u2028", who="x")).decode()
    )
    assert text[12:] == " WARNING  app.test: a\\n12:00:00 INFO forged\\x1b[2J\\x9b\\u202e\\u2028  who=x\n"


@given(text=st.text(), extra=st.text())
def test_every_text_is_one_line(text: str, extra: str) -> None:
    """In either form."""
    event = record("%s", text, words=extra)
    parsed(JsonLines().record(event))
    line = ConsoleLines(colours=False).record(event).decode("utf-8")
    assert line.endswith("\n")
    assert line[:-1].isprintable()


def test_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A level is coloured on a terminal, unless ``NO_COLOR`` is set; a pipe gets none."""
    terminal, other = os.openpty()
    reader, writer = os.pipe()
    try:
        monkeypatch.delenv("NO_COLOR", raising=False)
        assert make_lines("console", other).record(record("m"))[13:32] == b"\x1b[33mWARNING \x1b[0m a"[:19]
        assert b"\x1b" not in make_lines("console", writer).record(record("m"))
        monkeypatch.setenv("NO_COLOR", "1")
        assert b"\x1b" not in make_lines("console", other).record(record("m"))
    finally:
        for fd in (terminal, other, reader, writer):
            os.close(fd)


class Unprintable:
    """An object whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no")


def test_logging_never_raises(tmp_path: Path) -> None:
    """A record that cannot be rendered becomes one that says so."""
    handler = LogHandler(JsonLines(), LineWriter(tmp_path / "log", most_bytes=0))
    handler.emit(record("%s", Unprintable()))
    handler.emit(record("%d", "no number"))
    handler.writer.close()
    assert [parsed(line + b"\n") for line in (tmp_path / "log").read_bytes().splitlines()] == [
        {
            "level": "error",
            "logger": "app.observability.logs",
            "message": f"a record of app.test:7 could not be rendered: {kind}",
        }
        for kind in ("RuntimeError", "TypeError")
    ]


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """The process's logging as it was, afterwards."""
    root = logging.getLogger()
    names = ("uvicorn", "uvicorn.error", "uvicorn.asgi", "uvicorn.access", "httpcore", "httpx", "urllib3", "requests")
    loggers = [root, *map(logging.getLogger, names)]
    kept = [(logger, logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    yield
    logging.captureWarnings(capture=False)
    for logger, handlers, level, propagate in kept:
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate


@pytest.mark.usefixtures("logging_restored")
def test_all_loggers_lead_into_one_pipeline() -> None:
    """Ours, uvicorn's and Python's warnings; not uvicorn's access log, nor a library's chatter about headers."""
    assert installed() is None
    reader, writer = os.pipe()
    handler = install(load({"GATEWAY_LOG_FORMAT": "json", "GATEWAY_LOG_LEVEL": "debug"}), writer)
    assert installed() is handler
    logging.getLogger("app.wethod.executor").debug("ours")
    logging.getLogger("uvicorn.error").info("uvicorn's")
    logging.getLogger("uvicorn.access").info("not this")
    assert not logging.getLogger("uvicorn.access").hasHandlers()
    logging.getLogger("httpcore.http11").debug("nor this")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("look out", stacklevel=1)
    handler.writer.close()
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        lines = [parsed(line) for line in file]
    assert [(line["level"], line["logger"]) for line in lines] == [
        ("debug", "app.wethod.executor"),
        ("info", "uvicorn.error"),
        ("warning", "py.warnings"),
    ]
    assert "look out" in lines[2]["message"]


@pytest.mark.usefixtures("logging_restored")
def test_the_level_is_the_settings() -> None:
    """At ``warning`` nothing below it is written; installing again replaces the pipeline."""
    reader, writer = os.pipe()
    install(load({"GATEWAY_LOG_FORMAT": "json"}), writer).writer.close()
    handler = install(load({"GATEWAY_LOG_FORMAT": "json", "GATEWAY_LOG_LEVEL": "warning"}), writer)
    logging.getLogger("app").info("no")
    logging.getLogger("app").warning("yes")
    handler.writer.close()
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        assert [parsed(line)["message"] for line in file] == ["yes"]


def test_a_closed_standard_error_is_nowhere() -> None:
    """The log goes nowhere, rather than into whatever gets the number next."""
    code = (
        "import logging, os\n"
        "from app.settings import load\n"
        "from app.observability.configure_logging import install\n"
        "install(load({}))\n"
        "reader, writer = os.pipe()\n"
        "logging.getLogger('app').warning('x')\n"
        "os.set_blocking(reader, False)\n"
        "try: os.read(reader, 1)\n"
        "except BlockingIOError: print('nothing')\n"
    )
    command = f'exec {sys.executable} -c "$0" 2>&-'
    done = subprocess.run(["sh", "-c", command, code], stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT, check=True)
    assert done.stdout == "nothing\n"


def test_nobody_who_logs_waits_for_a_reader() -> None:
    """Standard error is a pipe that nobody reads: 100,000 records later the process still runs, and counts."""
    code = (
        "import logging\n"
        "from app.settings import load\n"
        "from app.observability.configure_logging import install\n"
        "handler = install(load({}))\n"
        "for number in range(20_000): logging.getLogger('app').warning('x' * 100)\n"
        "print(handler.writer.dropped > 0, handler.writer.backlog_bytes <= 1024 * 1024)\n"
    )
    reader, writer = os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=writer,
            encoding="utf-8",
            cwd=ROOT,
            timeout=60,
            check=True,
        )
    finally:
        for fd in (reader, writer):
            with contextlib.suppress(OSError):
                os.close(fd)
    assert done.stdout == "True True\n"
