"""The configuration of logging: every logger of the process writes to one handler."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from app.line_writer import LineWriter
from app.observability.logs import ConsoleFormatter, JsonFormatter, LineHandler

if TYPE_CHECKING:
    from app.settings import Settings

_MAX_BACKLOG_BYTES = 1024 * 1024
"""Bytes of lines that are kept while the reader is slow; further lines are dropped and counted."""

_WARNINGS_ONLY = ("httpcore", "httpx", "urllib3", "requests")
"""Below a warning, these libraries log every request with its header fields."""


def configure_logging(settings: Settings, fd: int = 2) -> LineHandler:
    """Configure logging for the whole process, in place of an earlier configuration.

    uvicorn's own configuration must be off (``log_config=None``). Its access log is off: each request has a line.

    Args:
        settings: for format and level.
        fd: the descriptor that gets the lines. If it is closed, nothing is logged.
    """
    try:
        writer = LineWriter(fd, max_bytes=_MAX_BACKLOG_BYTES)
    except OSError:
        # Closed, in a process that did not call occupy_closed_streams: the next file that is opened gets the number.
        writer = LineWriter(Path(os.devnull), max_bytes=0)
    handler = LineHandler(_formatter(settings, fd), writer)
    root = logging.getLogger()
    for old in tuple(root.handlers):
        root.removeHandler(old)
        if isinstance(old, LineHandler):
            old.writer.close()
    root.addHandler(handler)
    root.setLevel(settings.gateway_log_level.upper())
    for name in _WARNINGS_ONLY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    return handler


def current_handler() -> LineHandler | None:
    """Return the handler of this process; None before ``configure_logging``."""
    return next((handler for handler in logging.getLogger().handlers if isinstance(handler, LineHandler)), None)


def _formatter(settings: Settings, fd: int) -> JsonFormatter | ConsoleFormatter:
    if settings.gateway_log_format == "json":
        return JsonFormatter()
    return ConsoleFormatter(colours=os.isatty(fd) and not os.environ.get("NO_COLOR"))
