"""Leads every logger of this process into the one pipeline."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from app.line_writer import LineWriter
from app.observability.logs import LogHandler, make_lines

if TYPE_CHECKING:
    from app.settings import Settings

_MOST_BYTES = 1024 * 1024
"""How much of the log is kept while nobody takes it; what comes then is dropped and counted."""

_SPEAK_UP_ONLY = ("httpcore", "httpx", "urllib3", "requests")
"""Below a warning these tell of every request, headers included."""


def install(settings: Settings, fd: int = 2) -> LogHandler:
    """Log by the settings, from now on, and for the whole process; what was installed before is replaced.

    uvicorn's own configuration of logging has to be off (``log_config=None``); its access log is silenced, as each
    request has a line already.

    Args:
        settings: for form and level.
        fd: where lines go; standard error by default. Where it is closed, nothing is logged.
    """
    try:
        writer = LineWriter(fd, most_bytes=_MOST_BYTES)
    except OSError:
        # Whatever is opened next gets the number, and must not get the log.
        writer = LineWriter(Path(os.devnull), most_bytes=0)
    handler = LogHandler(make_lines(settings.gateway_log_format, fd), writer)
    root = logging.getLogger()
    for old in tuple(root.handlers):
        root.removeHandler(old)
        if isinstance(old, LogHandler):
            old.writer.close()
    root.addHandler(handler)
    root.setLevel(settings.gateway_log_level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
    for name in _SPEAK_UP_ONLY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    return handler


def installed() -> LogHandler | None:
    """The pipeline of this process, where it has one."""
    return next((handler for handler in logging.getLogger().handlers if isinstance(handler, LogHandler)), None)
