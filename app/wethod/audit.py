"""The audit: one line for each call of an audited operation, written to the kernel before the client is answered."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from app.line_writer import LineWriter, milliseconds
from app.settings import shown_setting
from app.start_error import StartError

if TYPE_CHECKING:
    from app.settings import Settings
    from app.wethod.record import OperationRecord

_FINGERPRINT_BYTES = 16
_MAX_KEY_BYTES = hashlib.blake2b.MAX_KEY_SIZE
_STREAMS = {"stdout": 1, "stderr": 2}
_BEARER = len(b"Bearer ")

BLOCKED_BYTES = 4 * 1024 * 1024
"""Backlog (about 10,000 lines) past which no audited operation is sent."""

MAX_BACKLOG_BYTES = 2 * BLOCKED_BYTES
"""Backlog past which lines of calls that were never sent are dropped and counted. Other lines are always kept."""

STDERR_SECONDS = 1.0
"""Time at the end of the process for lines that go to standard error."""

logger = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode


class Audit:
    """A writer of the audit.

    The future of ``record`` ends when the line is written, or kept because it cannot be written. A sudden end of the
    process loses no line that is written. Calls that end in one turn of the event loop share a write. Past
    ``BLOCKED_BYTES`` of kept lines, no further call is sent: none may run without a record of it.

    Args:
        target: a file descriptor or a file to append to.
        key: key of the token fingerprints; one of more than 64 bytes is hashed first.

    Raises:
        OSError: the target cannot be written to.
    """

    def __init__(self, target: int | Path, key: bytes) -> None:
        self.writer = LineWriter(target, max_bytes=MAX_BACKLOG_BYTES)
        self._reported = ""
        self._recorded: list[asyncio.Future[None]] = []
        key = key if len(key) <= _MAX_KEY_BYTES else hashlib.blake2b(key).digest()
        self._fingerprint = hashlib.blake2b(key=key, digest_size=_FINGERPRINT_BYTES)

    @property
    def blocked(self) -> bool:
        """True while the backlog forbids further calls of audited operations."""
        return self.writer.backlog_bytes > BLOCKED_BYTES

    def fingerprint(self, authorization: bytes) -> str:
        """A fingerprint of a token: 32 hexadecimal digits that only an owner of the key can compute.

        Args:
            authorization: the value of the header, ``Bearer`` and the token.
        """
        # The copy avoids hashing the key at each call.
        digest = self._fingerprint.copy()
        digest.update(authorization[_BEARER:])
        return digest.hexdigest()

    def record(self, record: OperationRecord) -> asyncio.Future[None]:
        """Take the line of a call. A target that cannot be written raises nothing.

        Returns:
            A future that ends at the end of this turn of the event loop, when the line is written or kept.
        """
        # A call that was never sent may be dropped; every other line is kept.
        self.writer.append(self._line(record), droppable=record.attempts == 0 and not record.shared)
        loop = asyncio.get_running_loop()
        if not self._recorded:
            loop.call_soon(self.write)
        # One for each call: a cancelled task cancels the future that it awaits.
        recorded = loop.create_future()
        self._recorded.append(recorded)
        return recorded

    def write(self) -> None:
        """Write the lines of all calls that have ended, without waiting; then release their answers."""
        recorded, self._recorded = self._recorded, []
        self.writer.retry()
        for future in recorded:
            if not future.done():
                future.set_result(None)

    def _line(self, record: OperationRecord) -> bytes:
        """Render a line; the order of its fields is that of docs/observability.md."""
        caller = record.caller
        outcome = record.outcome
        evidence = getattr(outcome, "confirmed_by", None)
        audit_fields = record.operation.audit_fields
        fields = {
            "time": dt.datetime.now(dt.UTC),
            "company": caller.company,
            "version": caller.version,
            **(audit_fields(outcome, *record.arguments) if audit_fields else {}),
            "token": self.fingerprint(caller.authorization) if caller.authorization else None,
            "requestId": caller.request_id,
            "client": caller.client or None,
            "outcome": type(outcome).__name__,
            "statusCode": getattr(outcome, "status_code", None),
            "attempts": record.attempts,
            "shared": record.shared,
            "durationMs": milliseconds(record.seconds),
            "confirmedBy": evidence and evidence._name_,
        }
        return _encode(fields) + b"\n"

    def report(self) -> None:
        """Log each change of state once: lines wait, operations are refused, the audit is written again."""
        stage = "blocked" if self.blocked else "waiting" if self.writer.backlog_bytes else ""
        if stage == self._reported:
            return
        self._reported = stage
        if stage == "blocked":
            logger.error("the audit cannot be written (%s): nothing is sent until it can", self._problem)
        elif stage:
            logger.warning("audit lines wait to be written (%s)", self._problem)
        else:
            logger.warning(
                "the audit is written again; %d lines of calls that were never sent were lost", self.writer.dropped
            )

    @property
    def _problem(self) -> OSError | str:
        return self.writer.problem or "the reader of the audit does not read"

    def close(self, seconds: float) -> None:
        """Flush for up to ``seconds``, then write the remainder to standard error within ``STDERR_SECONDS``."""
        left = self.writer.flush(seconds)
        self.writer.close()
        if left:
            logger.error("%d audit lines could not be written (%s) and follow here", len(left), self._problem)
            last = LineWriter(2, max_bytes=0)
            for line in left:
                last.append(line, droppable=False)
            last.flush(STDERR_SECONDS)
            last.close()


def open_audit(settings: Settings, key: bytes) -> Audit | None:
    """Open the audit that the settings choose; None if it is off.

    Raises:
        StartError: it cannot be written; a gateway must not act without its audit.
    """
    where = settings.gateway_audit_log
    if where == "off":
        return None
    if where in _STREAMS and getattr(sys, f"__{where}__") is None:
        # The program has opened the null device in its place (app/standard_streams.py): all lines would vanish.
        name = {"stdout": "output", "stderr": "error"}[where]
        raise StartError(f"GATEWAY_AUDIT_LOG={where}: standard {name} is closed")
    try:
        return Audit(_STREAMS.get(where) or Path(where), key)
    except OSError as problem:
        raise _start_error(where, problem) from None


def check_audit(settings: Settings) -> None:
    """Check that the audit can be opened, without a new file and without an effect on the reader of a FIFO.

    Raises:
        StartError: as for ``open_audit``, except for a FIFO without a reader.
    """
    where = settings.gateway_audit_log
    path = None if where in {"off", *_STREAMS} else Path(where)
    try:
        if path and path.is_fifo() and os.access(path, os.W_OK):
            return  # A reader ends when its last writer closes the FIFO.
        if path and _is_absent(path):
            file = Path(os.path.realpath(path)) if path.is_symlink() else path
            # A file without a name: the gateway may run as another user, which could not open a file of this user.
            tempfile.TemporaryFile(dir=os.path.realpath(file.parent, strict=True)).close()
        elif audit := open_audit(settings, b""):
            audit.close(0)
    except OSError as problem:
        raise _start_error(where, problem) from None


def _is_absent(path: Path) -> bool:
    """Return whether a path has no file yet.

    Raises:
        OSError: the path cannot have a file; ``Path.exists`` would return False.
    """
    try:
        path.stat()
    except FileNotFoundError:
        return True
    return False


def _start_error(where: str, problem: OSError) -> StartError:
    return StartError(f"{shown_setting('GATEWAY_AUDIT_LOG', where)}: {problem.strerror or problem}")
