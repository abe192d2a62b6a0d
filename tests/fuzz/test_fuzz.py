"""A short run of the fuzzer (``FUZZ_SECONDS`` sets its time), and the findings of earlier runs."""

from __future__ import annotations

import os
import random
import re
import secrets
import subprocess

import pytest

from tests.attack.framing import AMBIGUOUS
from tests.faults.cuts import EMPTY, OK
from tests.fuzz import conversations, exchanges, replies, requests
from tests.fuzz.campaign import TARGETS, run
from tests.fuzz.reference import Answer, read_answer, read_requests
from tests.fuzz.responses import CUT_BODIES, NO_REPLY, WELL_FORMED, Read
from tests.server.processes import ROOT
from tests.server.serving import request

SECONDS = float(os.environ.get("FUZZ_SECONDS", "6"))
"""For all targets together."""

CHUNKED = b"POST /a HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"

FOUND_IN_REQUESTS = {
    "body-counted-as-head": request(b"/a", b"b" * 1_000, b"POST") + request(b"/b", b"", b"POST", b"X: " + b"v" * 100),
    "space-behind-value": request(b"/a", b"", b"POST", b"Authorization: Bearer x \t"),
    "close-in-trailer": CHUNKED + b"Connection: close\r\n\r\n" + request(b"/b"),
}
FOUND_IN_REPLIES = {
    "bare-cr-behind-an-interim-reply": b"HTTP/1.1 100 Continue\r\n\r\n\r" + OK + EMPTY,
    "reply-behind-none": b"HTTP/1.1 099 Odd\r\n" + EMPTY + OK + EMPTY,
    "version-2.0": b"HTTP/2.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
    "close-in-trailer": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("data", FOUND_IN_REQUESTS.values(), ids=FOUND_IN_REQUESTS)
async def test_earlier_findings_in_requests_stay_fixed(data: bytes) -> None:
    for seed in range(100):
        requests.examine([data], random.Random(seed))
        await conversations.examine([data], random.Random(seed))


@pytest.mark.parametrize("data", FOUND_IN_REPLIES.values(), ids=FOUND_IN_REPLIES)
async def test_earlier_findings_in_responses_stay_fixed(data: bytes) -> None:
    for seed in range(100):
        replies.examine(data, random.Random(seed))
        exchanges.examine([data, data], random.Random(seed))


@pytest.mark.parametrize("target", TARGETS)
async def test_mutated_bytes_are_parsed_as_the_rfc_says(target: str) -> None:
    """Any way to cut them gives the same result, and no exception is raised."""
    campaign = await run(target, SECONDS / len(TARGETS), secrets.randbits(32))
    print(campaign)  # noqa: T201 - the counts
    assert campaign.finding is None, str(campaign)
    assert campaign.executions > 0


@pytest.mark.parametrize(("data", "expected"), WELL_FORMED.values(), ids=WELL_FORMED)
def test_a_well_formed_response_is_read_by_the_parser_and_by_the_reference(data: bytes, expected: Read) -> None:
    answer = read_answer(data, ended=False)
    body = None if any(value.startswith(b"gzip") for _, value in answer.fields) else answer.body
    assert Read(answer.status, body, answer.keeps_alive) == expected
    for place in range(1, len(data)):
        parsed = replies.read([data[:place], data[place:]], ended=False)
        assert Read(parsed.status, parsed.body, parsed.reusable) == expected


@pytest.mark.parametrize("data", NO_REPLY.values(), ids=NO_REPLY)
def test_a_malformed_response_is_refused_by_the_parser_and_by_the_reference(data: bytes) -> None:
    assert read_answer(data, ended=True) == Answer()
    parsed = replies.read([data], ended=True)
    assert (parsed.status, parsed.body, parsed.reusable) == (0, None, False)


@pytest.mark.parametrize("data", CUT_BODIES.values(), ids=CUT_BODIES)
def test_a_cut_body_does_not_change_the_status(data: bytes) -> None:
    for ended in (False, True):
        parsed = replies.read([data], ended=ended)
        assert (parsed.status, parsed.body, parsed.reusable) == (200, None, False)


def test_the_reference_reads_no_ambiguous_request() -> None:
    """Of what the server refuses, the grammar allows only methods and targets that are unknown there."""
    found = {name for name, (_, data) in AMBIGUOUS.items() if read_requests(data)}
    assert found == {"target-bare", "tunnel", "method-unknown", "method-lower"}


def test_the_command_reports_executions_time_and_seed() -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "fuzz", "--seconds", "0.2", "--seed", "7", "replies"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^replies: [\d,]+ executions in \d+ s, seed 7, no finding\n\Z", done.stdout, re.MULTILINE)
