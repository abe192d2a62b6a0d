"""A while of fuzzing, and what fuzzing has found: a minute in CI, as long as ``FUZZ_SECONDS`` says elsewhere."""

from __future__ import annotations

import os
import random
import secrets
import subprocess

import pytest

from tests.fuzz import conversations, exchanges, replies, requests
from tests.fuzz.campaign import TARGETS, run
from tests.fuzz.reference import Answer, read_answer, read_requests
from tests.http_client.test_response_parser import NO_REPLY, OK, WELL_FORMED, Read
from tests.server.processes import ROOT
from tests.server.serving import request

SECONDS = float(os.environ.get("FUZZ_SECONDS") or ("60" if os.environ.get("CI") == "true" else "6"))
"""For all targets together."""

CHUNKED = b"POST /a HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"

FOUND_IN_REQUESTS = {
    "body-counted-as-head": request(b"/a", b"b" * 1_000, b"POST") + request(b"/b", b"", b"POST", b"X: " + b"v" * 100),
    "space-behind-value": request(b"/a", b"", b"POST", b"Authorization: Bearer x \t"),
    "close-in-trailer": CHUNKED + b"Connection: close\r\n\r\n" + request(b"/b"),
}
FOUND_IN_REPLIES = {
    "reply-behind-none": b"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
    "version-2.0": b"HTTP/2.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
    "close-in-trailer": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("data", FOUND_IN_REQUESTS.values(), ids=FOUND_IN_REQUESTS)
async def test_what_was_found_in_requests_stays_fixed(data: bytes) -> None:
    """However it is cut."""
    for seed in range(100):
        requests.examine([data], random.Random(seed))
        await conversations.examine([data], random.Random(seed))


@pytest.mark.parametrize("data", FOUND_IN_REPLIES.values(), ids=FOUND_IN_REPLIES)
async def test_what_was_found_in_replies_stays_fixed(data: bytes) -> None:
    """However it is cut."""
    target = exchanges.Target()
    for seed in range(100):
        replies.examine(data, random.Random(seed))
        target.examine([data, data], random.Random(seed))
    target.close()


@pytest.mark.parametrize("target", TARGETS)
async def test_chance_finds_nothing(target: str) -> None:
    """Mutated bytes never raise, read the same however they are cut, and have nothing in them that the RFC has not."""
    campaign = await run(target, SECONDS / len(TARGETS), secrets.randbits(32))
    print(campaign)  # noqa: T201 - the counts
    assert campaign.finding is None, str(campaign)
    assert campaign.executions > 20 * SECONDS


@pytest.mark.parametrize(("data", "expected"), WELL_FORMED.values(), ids=WELL_FORMED)
def test_the_reference_reads_what_is_well_formed(data: bytes, expected: Read) -> None:
    """The reference passes the same table as the readers."""
    answer = read_answer(data, ended=False)
    body = None if any(value.startswith(b"gzip") for _, value in answer.fields) else answer.body
    assert Read(answer.status, body, answer.keeps_alive) == expected


@pytest.mark.parametrize("data", NO_REPLY.values(), ids=NO_REPLY)
def test_the_reference_reads_nothing_else(data: bytes) -> None:
    """The other half of that table."""
    assert read_answer(data, ended=True) == Answer()


def test_the_reference_ends_requests_where_they_end() -> None:
    """Length, chunks, nothing; up to what is broken, or ends the connection."""
    good = request(b"/1", b"{}") + CHUNKED + b"T: x\r\n\r\n" + request(b"/3", method=b"GET")
    conversation = read_requests(good + b"GARBAGE\r\n\r\n")
    assert [(one.target, one.body) for one in conversation.requests] == [(b"/1", b"{}"), (b"/a", b"x"), (b"/3", b"")]
    assert conversation.rest == "malformed"
    assert read_requests(good + b"GET /").rest == "partial"
    assert read_requests(request(b"/", b"", b"POST", b"Connection: close") + good).rest == "unread"
    for broken in (b"Content-Length: 1\r\nContent-Length: 1", b"Content-Length: 1\r\nTransfer-Encoding: chunked"):
        assert read_requests(b"POST / HTTP/1.1\r\nHost: a\r\n" + broken + b"\r\n\r\n1").requests == ()


def test_the_command_reports_what_it_did() -> None:
    """Executions, time and seed, and an exit code of 0 where nothing was found."""
    done = subprocess.run(
        [ROOT / "scripts" / "fuzz", "--seconds", "0.2", "--seed", "7", "replies"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "replies: " in done.stdout
    assert done.stdout.endswith(" executions in 0 s, seed 7, no finding\n")
