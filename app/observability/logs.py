"""Log lines: one line for each event, as JSON for machines or as text for people."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import re
from typing import TYPE_CHECKING, Literal

import msgspec

from schema.text import clean

if TYPE_CHECKING:
    from app.line_writer import LineWriter

REQUEST_LOGGER = "app.request"
"""The logger name in the line of a request."""

_STANDARD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",  # uvicorn's coloured copy of the message
}
"""Attributes of every record; all others came with ``extra``."""

_SECRETS = (
    # A token may hold any visible ASCII character; what follows it in a text stays readable. Without backtracking (*+),
    # the time is linear.
    (re.compile(r"(?i)\b(bearer|basic)( +|%20)\S(?:[,;'\")\]}]*+[^\s,;'\")\]}]+)*+"), r"\1 ***"),
    # User information of a URL, up to the last @: a password may hold any character. One match for each word.
    (re.compile(r"(?<!\S)((?:(?!://)\S)*+://)\S*@"), r"\1***@"),
    # The query of a URL: the one of the OpenTelemetry collector may hold a key. It ends as a token does.
    (re.compile(r"\?(?:[,;'\")\]}]*+[^\s,;'\")\]}]+)++"), "?***"),
    # Headers for the OpenTelemetry collector: its SDK quotes a malformed one, and requests the value of another.
    (re.compile(r"(?s)(Header values in environment variables must be [^:]*: ).*"), r"\1***"),
    (re.compile(r"(in header value: ).*"), r"\1***"),
    # The excerpt of a document that graphql-core adds to its errors.
    (re.compile(r"\s*GraphQL request:\d+:\d+(?:\n *\d* \|[^\n]*)*"), ""),
)
"""No code of ours logs any of them, but a library's message or an exception may quote one."""

BATCH_SECONDS = 0.05
BATCH_BYTES = 64 * 1024
"""Limits of a batch of request lines."""

_COLOURS = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "1;31"}

_encode = msgspec.json.Encoder().encode


class RequestLine(msgspec.Struct, omit_defaults=True, rename="camel"):
    """The line of one request, in the order of the JSON. It costs half as much as a record with ``extra``."""

    time: dt.datetime
    level: Literal["info"]
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


class JsonFormatter(logging.Formatter):
    """A formatter of a record as a JSON object: time, level, logger, message, ``extra`` fields, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, without its newline."""
        fields: dict[str, object] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _safe(record.getMessage()),
            **_extra(record),
        }
        if trace := _traceback(self, record):
            fields["exception"] = trace
        return _encode(fields).decode()

    def format_request(self, line: RequestLine) -> bytes:
        """Return the line of a request, without its newline."""
        return _encode(line)


class ConsoleFormatter(logging.Formatter):
    """A formatter of a record as text for a person.

    Args:
        colours: True colours the level.
    """

    def __init__(self, *, colours: bool) -> None:
        super().__init__()
        self._colours = colours

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, its traceback below it, without the last newline."""
        time = dt.datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S.%f")[:-3]
        level = f"{record.levelname:<8}"
        if self._colours:
            level = f"\x1b[{_COLOURS.get(record.levelname.lower(), '0')}m{level}\x1b[0m"
        text = f"{record.name}: {_safe(record.getMessage())}"
        fields = "".join(f"  {name}={value}" for name, value in _extra(record).items() if value is not None)
        lines = [f"{time} {level} {_printable(text + fields)}"]
        lines += ["    " + _printable(line) for line in _traceback(self, record).splitlines()]
        return "\n".join(lines)

    def format_request(self, line: RequestLine) -> bytes:
        """Return the line of a request, without its newline."""
        status = "no answer" if line.status is None else str(line.status)
        words = (line.method, line.path, status, f"{line.duration_ms:.1f} ms", line.operation_type, line.operation_name)
        record = logging.makeLogRecord(
            {
                "name": line.logger,
                "levelname": line.level.upper(),
                "created": line.time.timestamp(),
                "msg": " ".join(word for word in words if word),
                "request_id": line.request_id,
                "client": line.client,
                "company": line.company,
            }
        )
        return self.format(record).encode()


class LineHandler(logging.Handler):
    """A handler that passes formatted records to the writer. It never raises.

    The lines of requests are written in batches. A record of any other kind first writes the batch, and
    ``logging.shutdown`` writes the last batch at exit.

    Args:
        formatter: formats records and requests.
        writer: writes the lines.
    """

    def __init__(self, formatter: JsonFormatter | ConsoleFormatter, writer: LineWriter) -> None:
        super().__init__()
        self.formatter: JsonFormatter | ConsoleFormatter = formatter
        self.writer = writer
        self._batch_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of a record; of a record that cannot be formatted, a line that names its module."""
        try:
            line = self.formatter.format(record)
        except Exception as error:  # noqa: BLE001 - an object's __str__ may raise anything
            message = f"cannot format a record of {record.name}:{record.lineno}: {type(error).__name__}"
            line = self.formatter.format(
                logging.makeLogRecord({"name": __name__, "levelname": "ERROR", "msg": message})
            )
        self.writer.write(line.encode() + b"\n")

    def write_request(self, line: RequestLine) -> None:
        """Write the line of a request within ``BATCH_SECONDS``. Only for the event loop's thread."""
        text = self.formatter.format_request(line) + b"\n"
        self.writer.append(text)
        self._batch_bytes += len(text)
        if self._batch_bytes >= BATCH_BYTES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BATCH_SECONDS, self.flush)

    def flush(self) -> None:
        """Write the lines of requests that have ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._batch_bytes = 0
        self.writer.retry()


def _safe(text: str) -> str:
    """Remove secrets and lone surrogates."""
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def _extra(record: logging.LogRecord) -> dict[str, object]:
    """Return the ``extra`` fields of a record, their names in camel case: numbers as they are, all else as text."""
    return {
        _camel_case(name): value if value is None or isinstance(value, bool | int | float) else _safe(clean(str(value)))
        for name, value in vars(record).items()
        if name not in _STANDARD_ATTRIBUTES
    }


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    trace = formatter.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else ""
    return _safe("\n".join(filter(None, (trace, record.stack_info)))).rstrip("\n")


def _printable(text: str) -> str:
    """Escape what would end the line or move the cursor: a client's text must not forge a line of the log."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
