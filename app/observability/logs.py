"""The log: one line an event, JSON for machines or text for people, from every module through one pipeline."""

from __future__ import annotations

import datetime as dt
import logging
import os
import re
import traceback
from typing import TYPE_CHECKING, Literal

import msgspec

from schema.text import clean

if TYPE_CHECKING:
    from app.line_writer import LineWriter

REQUEST_LOGGER = "app.request"
"""The name under which the line of a request stands."""

_LEVELS = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "critical"}

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
"""What every record has, and uvicorn's coloured copy of the message; the rest came with ``extra``."""

_CREDENTIALS = re.compile(r"(?i)\b(bearer|basic)( +|%20)[A-Za-z0-9\-._~+/%]+=*")

_COLOURS = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "1;31"}

_encode = msgspec.json.Encoder().encode


class RequestLine(msgspec.Struct, omit_defaults=True, rename="camel"):
    """The line of one request. Its order is the order of the JSON."""

    time: dt.datetime
    level: Literal["info", "debug"]
    logger: str
    message: str
    method: str
    path: str
    status: int | None
    duration_ms: float
    request_id: str | None = None
    client: str | None = None
    company: str | None = None
    operation_type: str | None = None
    operation_name: str | None = None


class JsonLines:
    """Lines as JSON."""

    def request(self, line: RequestLine) -> bytes:
        """The line of a request."""
        return _encode(line) + b"\n"

    def record(self, record: logging.LogRecord) -> bytes:
        """The line of a logging record: its time, level, logger and message, what came with it, its traceback."""
        fields: dict[str, object] = {
            "time": _time(record),
            "level": _level(record),
            "logger": record.name,
            "message": _text(record.getMessage()),
            **_extra(record),
        }
        if trace := _traceback(record):
            fields["exception"] = trace
        return _encode(fields) + b"\n"


class ConsoleLines:
    """Lines for a person."""

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours

    def request(self, line: RequestLine) -> bytes:
        """The line of a request."""
        status = "no answer" if line.status is None else str(line.status)
        words = [line.method, line.path, status, f"{line.duration_ms:.1f} ms", line.operation_type, line.operation_name]
        return self._render(
            line.time,
            line.level,
            line.logger,
            " ".join(word for word in words if word),
            {"requestId": line.request_id, "client": line.client, "company": line.company},
        )

    def record(self, record: logging.LogRecord) -> bytes:
        """The line of a logging record, its traceback below it."""
        text = self._render(_time(record), _level(record), record.name, _text(record.getMessage()), _extra(record))
        trace = _traceback(record)
        return text + b"".join(b"    %b\n" % _printable(line) for line in trace.splitlines()) if trace else text

    def _render(
        self,
        time: dt.datetime,
        level: str,
        logger: str,
        message: str,
        fields: dict[str, str | None] | dict[str, object],
    ) -> bytes:
        shown = f"{level.upper():<8}"
        if self._colours:
            shown = f"\x1b[{_COLOURS.get(level, '0')}m{shown}\x1b[0m"
        stamp = time.astimezone().strftime("%H:%M:%S.%f")[:-3]
        tail = "".join(f"  {name}={value}" for name, value in fields.items() if value is not None)
        return b"%b %b %b%b\n" % (
            stamp.encode(),
            shown.encode(),
            _printable(f"{logger}: {message}" if logger else message),
            _printable(tail),
        )


class LogHandler(logging.Handler):
    """Renders the records of the standard library's loggers and hands them to the writer. Never raises."""

    def __init__(self, lines: JsonLines | ConsoleLines, writer: LineWriter) -> None:
        super().__init__()
        self.lines = lines
        self.writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; one that cannot be rendered is named, so that its module can be mended."""
        try:
            line = self.lines.record(record)
        except Exception as error:  # noqa: BLE001 - whatever an object's __str__ raises
            line = _encode({
                "time": _time(record),
                "level": "error",
                "logger": __name__,
                "message": f"a record of {record.name}:{record.lineno} could not be rendered: {type(error).__name__}",
            }) + b"\n"  # fmt: skip
        self.writer.write(line)

    def write_request(self, line: RequestLine) -> None:
        """Write the line of a request."""
        self.writer.write(self.lines.request(line))


def _time(record: logging.LogRecord) -> dt.datetime:
    return dt.datetime.fromtimestamp(record.created, dt.UTC)


def _level(record: logging.LogRecord) -> str:
    return _LEVELS.get(record.levelno, record.levelname.lower())


def _text(text: str) -> str:
    """Text without lone surrogates and credentials: no code of ours logs any, but a library may quote a header."""
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return _CREDENTIALS.sub(r"\1 ***", text)


def _extra(record: logging.LogRecord) -> dict[str, object]:
    """What came with ``extra``, numbers as they are and all else as text; names in camel case."""
    return {
        _camel(name): value if value is None or isinstance(value, bool | int | float) else _text(clean(str(value)))
        for name, value in vars(record).items()
        if name not in _PLAIN
    }


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _traceback(record: logging.LogRecord) -> str:
    parts = []
    if record.exc_info and record.exc_info[1] is not None:
        parts += traceback.format_exception(record.exc_info[1])
    elif record.exc_text:
        parts.append(record.exc_text)
    if record.stack_info:
        parts.append(record.stack_info)
    return _text("".join(parts)).rstrip("\n")


def _printable(text: str) -> bytes:
    """Text that stays on its line and moves no cursor: a client's words must not forge a line of the log."""
    if not text.isprintable():
        text = "".join(
            character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
            for character in text
        )
    return text.encode("utf-8")


def make_lines(log_format: Literal["console", "json"], fd: int) -> JsonLines | ConsoleLines:
    """The form of the lines; colours on a terminal, unless ``NO_COLOR`` is set."""
    if log_format == "json":
        return JsonLines()
    return ConsoleLines(colours=os.isatty(fd) and not os.environ.get("NO_COLOR"))
