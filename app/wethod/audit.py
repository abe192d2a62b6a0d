"""The audit: one line for each attempted delete, in the kernel's hands before anybody is told how it ended."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from app.line_writer import LineWriter
from app.start_error import StartError
from schema.contact import DeleteContactSuccess
from schema.text import clean

if TYPE_CHECKING:
    from app.settings import Settings
    from app.wethod.executor import Deletion

_FINGERPRINT_BYTES = 16
_LONGEST_KEY = hashlib.blake2b.MAX_KEY_SIZE
_LONGEST_ID = 100
_USUAL_ID = 19
_SHORTEST_TOKEN = 8
_STREAMS = {"stdout": 1, "stderr": 2}
_BEARER = len(b"Bearer ")

CLOGGED_BYTES = 4 * 1024 * 1024
"""Past this much that could not be written, some 10,000 lines, no further delete is sent."""

MOST_BACKLOG_BYTES = 2 * CLOGGED_BYTES
"""Past this much, lines of deletes that were not sent are dropped and counted. The others never are."""

logger = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode


class AuditLine(msgspec.Struct, rename="camel"):
    """One attempted delete, in the order of the JSON. ``docs/observability.md`` says what each field means."""

    time: dt.datetime
    company: str | None
    version: str | None
    contact_id: str
    token: str | None
    request_id: str
    client: str | None
    outcome: str
    status_code: int | None
    attempts: int
    shared: bool
    duration_ms: float
    confirmed_by: str | None


class Audit:
    """Writes the audit.

    A line is handed to the kernel by the call that records the delete, so the end of the process, however sudden,
    loses none of those whose outcome was known. While it cannot be written it is kept, and past ``CLOGGED_BYTES``
    the gateway sends no more deletes rather than to delete unseen.

    Args:
        target: a file descriptor or a file to append to.
        key: key of the token fingerprints, at most 64 bytes of it used as they are.

    Raises:
        OSError: the target cannot be written to.
    """

    def __init__(self, target: int | Path, key: bytes) -> None:
        self.writer = LineWriter(target, most_bytes=MOST_BACKLOG_BYTES)
        self._reported = ""
        key = key if len(key) <= _LONGEST_KEY else hashlib.blake2b(key).digest()
        self._fingerprint = hashlib.blake2b(key=key, digest_size=_FINGERPRINT_BYTES)

    @property
    def clogged(self) -> bool:
        """Whether so much waits to be written that no further delete may be sent."""
        return self.writer.backlog_bytes > CLOGGED_BYTES

    def fingerprint(self, authorization: bytes) -> str:
        """What stands for a token: 32 hexadecimal digits that only the key's owner can match with it.

        Args:
            authorization: the value of the header, ``Bearer`` and the token.
        """
        # A copy spares the setup for the key on each call.
        digest = self._fingerprint.copy()
        digest.update(authorization[_BEARER:])
        return digest.hexdigest()

    def record(self, deletion: Deletion) -> None:
        """Write the line of a delete. Neither blocks nor raises for anything that the target does."""
        caller = deletion.caller
        outcome = deletion.outcome
        authorization = caller.authorization
        contact_id = deletion.contact_id
        confirmed_by = outcome.confirmed_by._name_ if isinstance(outcome, DeleteContactSuccess) else None
        line = AuditLine(
            dt.datetime.now(dt.UTC),
            caller.company,
            caller.version,
            contact_id
            if len(contact_id) <= _USUAL_ID and contact_id.isdigit() and contact_id.isascii()
            else _legible(contact_id, authorization),
            None if authorization is None else self.fingerprint(authorization),
            caller.request_id,
            caller.client or None,
            type(outcome).__name__,
            outcome.status_code,
            deletion.attempts,
            deletion.shared,
            round(deletion.seconds * 1000, 3),
            confirmed_by,
        )
        # Of what was never sent nothing is lost; everything else is kept whatever it takes.
        self.writer.write(_encode(line) + b"\n", droppable=deletion.attempts == 0 and not deletion.shared)

    def report(self) -> None:
        """Say in the log, once, that the audit cannot be written, that deletes are refused for it, that it is over."""
        stage = "clogged" if self.clogged else "waiting" if self.writer.backlog_bytes else ""
        if stage == self._reported:
            return
        self._reported = stage
        why = self.writer.problem or "nobody takes its lines"
        if stage == "clogged":
            logger.error("the audit cannot be written (%s): no delete is sent until it can", why)
        elif stage:
            logger.warning("audit lines wait to be written (%s)", why)
        else:
            logger.warning("the audit is written again; %d lines of deletes never sent were lost", self.writer.dropped)

    def close(self, seconds: float) -> None:
        """Write what is left, at most so long; what then is left goes to standard error, the last one to know."""
        left = self.writer.flush(seconds)
        self.writer.close()
        if left:
            logger.error("%d audit lines could not be written (%s) and follow here", len(left), self.writer.problem)
            last = LineWriter(2, most_bytes=0)
            for line in left:
                last.write(line)
            last.close()


def _legible(contact_id: str, authorization: bytes | None) -> str:
    """An id that is none, as it was given: its first characters, but neither the token nor anything unprintable."""
    legible = clean(contact_id)
    if authorization is not None:
        token = authorization[_BEARER:].decode("ascii")
        # A shorter one is no secret, and would only serve to blot out what was asked for.
        if len(token) >= _SHORTEST_TOKEN:
            legible = legible.replace(token, "***")
    return legible[:_LONGEST_ID]


def open_audit(settings: Settings, key: bytes) -> Audit | None:
    """The audit that the settings ask for; None where it is off.

    Raises:
        StartError: it cannot be written, and a gateway that deletes without its audit must not start.
    """
    where = settings.gateway_audit_log
    if where == "off":
        return None
    if where in _STREAMS and getattr(sys, f"__{where}__") is None:
        # Whatever is opened next gets the number of the one that is closed.
        name = {"stdout": "output", "stderr": "error"}[where]
        raise StartError(f"GATEWAY_AUDIT_LOG={where}: standard {name} is closed")
    try:
        return Audit(_STREAMS.get(where) or Path(where), key)
    except OSError as problem:
        raise StartError(f"GATEWAY_AUDIT_LOG={where}: {problem.strerror or problem}") from None
