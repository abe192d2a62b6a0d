"""Each attempted delete writes one exact JSON line, also if the process or the file fails."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.server.connection import Connection
from app.wethod.audit import MAX_BACKLOG_BYTES, Audit
from schema import rest
from schema.delete_contact import from_no_response, from_repeat, from_response
from schema.errors import WethodUnauthorizedError, WethodValidationError
from tests.gateway import AUDIT_KEY, gateway
from tests.support import json_lines
from tests.wethod.records import AUDIT_LINE, FINGERPRINT, HEADERS, TOKEN, caller, record, response

if TYPE_CHECKING:
    from app.wethod.record import OperationRecord
    from tests.upstream import Upstream

ROOT = Path(__file__).parents[2]


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in HEADERS.items() if name not in names}


INVALID = WethodValidationError(key="invalid_data", message="")
NOTHING_SENT = {"outcome": "WethodValidationError", "statusCode": None, "confirmedBy": None}

IDS = {
    "../7?x\r\n\u202e\ud800\0": "(11 characters)",
    "9" * 20: "9" * 20,
    "9" * 21: "(21 characters)",
    "9" * 5_000: "(5000 characters)",
    f"Bearer {TOKEN}": f"({len(TOKEN) + 7} characters)",
}
"""Each id that a caller gives, and the text of it in the audit."""

# id: (event, what differs from AUDIT_LINE)
EVENTS: dict[str, tuple[OperationRecord, dict[str, Any]]] = {
    "deleted": (record(), {}),
    "absent": (
        record(from_repeat(response(404, b'{"key": "not_found"}'), "7"), attempts=2),
        {"confirmedBy": "ABSENCE", "statusCode": 404, "attempts": 2},
    ),
    "shared": (record(shared=True), {"shared": True}),
    "not-found": (
        record(from_response(response(404, b"{}"), "7")),
        {"outcome": "WethodNotFoundError", "statusCode": 404, "confirmedBy": None},
    ),
    "unknown": (
        record(from_no_response(rest.Interrupted(), "7"), attempts=2),
        {"outcome": "WethodOutcomeUnknownError", "statusCode": None, "attempts": 2, "confirmedBy": None},
    ),
    "not-sent": (
        record(from_no_response(rest.NotSent(), "7"), attempts=0),
        {"outcome": "WethodUnavailableError", "statusCode": None, "attempts": 0, "confirmedBy": None},
    ),
    "no-token": (
        record(WethodUnauthorizedError(key="unauthorized", message=""), by=caller(without("authorization"))),
        {"outcome": "WethodUnauthorizedError", "statusCode": None, "token": None, "confirmedBy": None},
    ),
    "no-company-no-version": (
        record(INVALID, by=caller(HEADERS | {"wethod-company": "..", "wethod-version": "v1"})),
        NOTHING_SENT | {"company": None, "version": None},
    ),
    "client-unknown": (record(by=caller(client="")), {"client": None}),
    **{
        f"id-{written}": (record(INVALID, contact_id), NOTHING_SENT | {"contactId": written})
        for contact_id, written in IDS.items()
    },
}


@pytest.mark.parametrize(("event", "differs"), EVENTS.values(), ids=EVENTS)
async def test_each_delete_has_its_line(event: OperationRecord, differs: dict[str, Any], tmp_path: Path) -> None:
    """Every field, in order, and the time in UTC."""
    audit = Audit(tmp_path / "audit", AUDIT_KEY)
    before = dt.datetime.now(dt.UTC)
    await audit.record(event)
    after = dt.datetime.now(dt.UTC)
    audit.close(0)
    (line,) = json_lines(tmp_path / "audit")
    assert list(line) == ["time", *AUDIT_LINE]
    time = line.pop("time")
    assert line == AUDIT_LINE | differs
    assert time.endswith("Z")
    assert before <= dt.datetime.fromisoformat(time) <= after


def test_the_fingerprint_is_the_documented_one() -> None:
    """BLAKE2b of the token, keyed, 16 bytes: an operator who has the key can find a token's deletes."""
    audit = Audit(Path(os.devnull), AUDIT_KEY)
    assert audit.fingerprint(b"Bearer " + TOKEN.encode()) == FINGERPRINT
    assert audit.fingerprint(b"Bearer other") != FINGERPRINT
    assert Audit(Path(os.devnull), b"another key of it").fingerprint(b"Bearer " + TOKEN.encode()) != FINGERPRINT


def test_a_key_beyond_64_bytes_is_hashed() -> None:
    """BLAKE2b takes at most 64 bytes."""
    long = b"k" * 64
    fingerprints = [Audit(Path(os.devnull), key).fingerprint(b"Bearer x") for key in (long, long + b"a", long + b"b")]
    assert len(set(fingerprints)) == 3
    assert (
        fingerprints[1] == hashlib.blake2b(b"x", key=hashlib.blake2b(long + b"a").digest(), digest_size=16).hexdigest()
    )


@given(
    # Not of digits alone: what looks like an id is written as it was given.
    token=st.from_regex(r"[A-Za-z\-._~+/][A-Za-z0-9\-._~+/]{7,40}=*", fullmatch=True),
    place=st.sampled_from(["{}", "Bearer {}", "7{}", "{}\n{}"]),
)
async def test_no_line_has_the_token(token: str, place: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Not even if the caller sends it as the id."""
    path = tmp_path_factory.mktemp("audit") / "audit"
    audit = Audit(path, AUDIT_KEY)
    by = caller(HEADERS | {"authorization": f"Bearer {token}", "cookie": token})
    await audit.record(record(INVALID, place.format(token, token), by=by))
    audit.close(0)
    assert token.encode() not in path.read_bytes()


def test_a_killed_process_has_written_every_line() -> None:
    """SIGKILL comes when 200 answers may be sent."""
    reader, writer = os.pipe()
    code = (
        "import asyncio, os, signal\n"
        "from app.wethod.audit import Audit\n"
        "from tests.wethod.records import record\n"
        "async def main():\n"
        "    audit = Audit(1, b'k' * 16)\n"
        "    futures = [audit.record(record(contact_id=str(number))) for number in range(200)]\n"
        "    await futures[0]\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=writer, cwd=ROOT) as child:
        os.close(writer)
        received = b""
        while part := os.read(reader, 1 << 20):
            received += part
        os.close(reader)
        assert child.wait(10) == -signal.SIGKILL
    assert [json.loads(line)["contactId"] for line in received.splitlines()] == [str(number) for number in range(200)]


def test_lines_that_cannot_be_written_follow_on_standard_error() -> None:
    """More lines than its pipe takes at once."""
    code = (
        "import asyncio, os\n"
        "from app.wethod.audit import Audit\n"
        "from tests.wethod.records import record\n"
        "reader, writer = os.pipe()\n"
        "async def main():\n"
        "    audit = Audit(writer, b'k' * 16)\n"
        "    audit.writer.write(b'x' * 100_000 + b'\\n')\n"
        "    for number in range(1_000):\n"
        "        audit.record(record(contact_id=str(number)))\n"
        "    audit.close(0)\n"
        "asyncio.run(main())\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, cwd=ROOT, check=True)
    first, _, *lines = ended.stderr.splitlines()
    assert first.startswith(b"1001 audit lines could not be written (the reader of the audit does not read)")
    assert [json.loads(line)["contactId"] for line in lines] == [str(number) for number in range(1_000)]


@pytest.fixture
def stuck() -> Any:
    """An audit past its bound, whose reader does not read, and that reader."""
    reader, writer = os.pipe()
    audit = Audit(writer, AUDIT_KEY)
    audit.writer.write(b"x" * MAX_BACKLOG_BYTES + b"\n", droppable=False)
    audit.writer.write(b"x" * 100_000 + b"\n", droppable=False)
    yield audit, reader
    audit.close(0)
    os.close(reader)
    os.close(writer)


async def test_beyond_the_limit_only_lines_of_unsent_deletes_are_dropped(
    stuck: tuple[Audit, int], capfd: pytest.CaptureFixture[str]
) -> None:
    audit, _ = stuck
    assert audit.blocked
    await audit.record(record(from_no_response(rest.NotSent(), "7"), attempts=0))
    await audit.record(record(contact_id="8"))
    # Its deadline passed during an equal request, which may have deleted the contact.
    await audit.record(record(from_no_response(rest.WaitEnded(), "9"), "9", attempts=0, shared=True))
    assert audit.writer.dropped == 1
    audit.close(0)
    # Standard error gets the report last, so that a process that ends loses no line.
    last = [text for text in capfd.readouterr().err.splitlines() if text.startswith("{")]
    assert [json.loads(line)["contactId"] for line in last] == ["8", "9"]


def test_a_blocked_audit_is_logged_once(stuck: tuple[Audit, int], caplog: pytest.LogCaptureFixture) -> None:
    audit, reader = stuck
    for _ in range(3):
        audit.report()
    os.set_blocking(reader, False)
    while not audit.writer.retry():
        os.read(reader, 1 << 20)
    audit.report()
    # A library's thread that an earlier test has left may log, too.
    assert [(entry.levelname, entry.message) for entry in caplog.records if entry.name == "app.wethod.audit"] == [
        ("ERROR", "the audit cannot be written (the reader of the audit does not read): nothing is sent until it can"),
        ("WARNING", "the audit is written again; 0 lines of calls that were never sent were lost"),
    ]


async def test_a_line_is_written_before_its_answer(
    wethod: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "audit.log"
    written: list[tuple[bytes, int]] = []
    write = Connection.write

    def observe(connection: Connection, data: bytes) -> None:
        written.append((data[:12], len(json_lines(target))))
        write(connection, data)

    monkeypatch.setattr(Connection, "write", observe)
    async with gateway(wethod.url, {"GATEWAY_AUDIT_LOG": str(target)}) as client:
        await client.delete("7")
        await client.graphql(
            "mutation { a: deleteContact(id: 8) { __typename } b: deleteContact(id: 9) { __typename } }"
        )
    assert written == [(b"HTTP/1.1 200", 1), (b"HTTP/1.1 200", 3)]


async def test_waiting_lines_are_logged_with_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    reader, writer = os.pipe()
    audit = Audit(writer, AUDIT_KEY)
    os.close(reader)
    await audit.record(record())
    audit.report()
    assert not audit.blocked
    entries = [entry.message for entry in caplog.records if entry.name == "app.wethod.audit"]
    assert entries == ["audit lines wait to be written ([Errno 32] Broken pipe)"]
    audit.writer.flush(0)
    audit.close(0)
    os.close(writer)
