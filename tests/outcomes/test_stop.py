"""A stop sends nothing new, and every client that is still connected gets a typed outcome."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.gateway import HEADERS, gateway, request_bytes
from tests.outcomes.outcomes import STOPPED, TRANSPORTS, rejection, success, unavailable, unknown
from tests.support import json_lines, settle
from tests.upstream import HANGING, LOST, Answer, answer, upstream

if TYPE_CHECKING:
    from pathlib import Path


@TRANSPORTS
async def test_a_forced_stop_sends_no_further_delete(transport: str) -> None:
    query = "mutation { " + " ".join(f"d{i}: deleteContact(id: {i}) {{ __typename }}" for i in (1, 2, 3)) + " }"
    async with upstream([HANGING]) as wethod, gateway(wethod.url, {"WETHOD_TRANSPORT": transport}) as client:
        asking = asyncio.create_task(client.graphql(query))
        await wethod.asked_for(1)
        await client.force_stop()
        response = await asking
        assert response.status_code == 200
        assert [outcome["__typename"] for outcome in response.json()["data"].values()] == [
            "WethodOutcomeUnknownError",
            "WethodUnavailableError",
            "WethodUnavailableError",
        ]
        assert [asked.target for asked in wethod.asked] == ["/api/contact/1"]


@TRANSPORTS
async def test_a_delete_that_waits_for_a_connection_was_not_sent(transport: str) -> None:
    environ = {"WETHOD_TRANSPORT": transport, "WETHOD_MAX_CONNECTIONS": "1"}
    async with upstream([HANGING]) as wethod, gateway(wethod.url, environ) as client:
        sent = asyncio.create_task(client.delete("1"))
        await wethod.asked_for(1)
        waiting = asyncio.create_task(client.delete("2", HEADERS | {"Authorization": "Bearer another"}))
        await settle()
        await client.force_stop()
        assert await waiting == unavailable(STOPPED)
        assert await sent == unknown()
        assert len(wethod.asked) == 1


async def test_a_delete_between_two_tries_was_not_sent() -> None:
    async with gateway("http://127.0.0.1:1") as client:
        deleting = asyncio.create_task(client.delete())
        await asyncio.sleep(0.03)
        await client.force_stop()
        outcome = await deleting
        assert outcome["__typename"] == "WethodUnavailableError"


@TRANSPORTS
async def test_a_delete_whose_answer_was_lost_stays_unknown(transport: str) -> None:
    """The repeat hangs when the stop comes."""
    async with upstream([LOST, HANGING]) as wethod, gateway(wethod.url, {"WETHOD_TRANSPORT": transport}) as client:
        deleting = asyncio.create_task(client.delete())
        await wethod.asked_for(2)
        await client.force_stop()
        assert await deleting == unknown()


def cut(status: int, content_type: str = "application/json") -> Answer:
    """A complete head, whose body never comes."""
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Type: {content_type}\r\nContent-Length: 50\r\n\r\n"
    return Answer(head.encode())


# The answers of Wethod, the outcome of the delete whose last answer a stop cuts, and the status in its audit line.
CUT = {
    "rejection": ([cut(403)], rejection(403), 403),
    "page": ([cut(200, "text/html")], unknown(200), 200),
    "repeat": ([LOST, cut(404)], unknown(404), 404),
}


@TRANSPORTS
@pytest.mark.parametrize(("script", "outcome", "status"), CUT.values(), ids=CUT)
async def test_the_status_of_a_complete_head_stands(
    transport: str, script: list[Answer], outcome: dict[str, Any], status: int, tmp_path: Path
) -> None:
    """The stop comes while the body is awaited."""
    environ = {"WETHOD_TRANSPORT": transport, "GATEWAY_AUDIT_LOG": str(tmp_path / "audit")}
    async with upstream(script) as wethod, gateway(wethod.url, environ) as client:
        deleting = asyncio.create_task(client.delete())
        await wethod.asked_for(len(script))
        await settle()
        await client.force_stop()
        assert await deleting == outcome
    (line,) = json_lines(tmp_path / "audit")
    assert (line["outcome"], line["statusCode"], line["attempts"]) == (outcome["__typename"], status, len(script))


async def test_a_stop_sends_no_repeat_after_a_408() -> None:
    """The 408 comes on a connection that was used before, and its body does not come."""
    async with upstream([answer(200), cut(408)]) as wethod, gateway(wethod.url) as client:
        assert await client.delete() == success()
        deleting = asyncio.create_task(client.delete())
        await wethod.asked_for(2)
        await settle()
        await client.force_stop()
        assert await deleting == unknown()
        assert len(wethod.asked) == 2


async def test_a_delete_that_waits_for_an_equal_one_is_unknown() -> None:
    async with upstream([HANGING]) as wethod, gateway(wethod.url) as client:
        leading = asyncio.create_task(client.delete())
        await wethod.asked_for(1)
        waiting = asyncio.create_task(client.delete())
        await settle()
        await client.force_stop()
        assert await leading == unknown()
        outcome = await waiting
        assert outcome["__typename"] == "WethodOutcomeUnknownError"
        assert "request was sent" not in outcome["message"]
        assert len(wethod.asked) == 1


async def test_a_forced_stop_sends_answers_that_wait_for_their_client() -> None:
    long = "mutation { " + " ".join(f"d{i}: deleteContact(id: {i}) {{ ...F }}" for i in range(1, 21)) + " }"
    long += " fragment F on DeleteContactResult { ... on WethodValidationError { failures { field message } } }"
    failures = [{"field": "x" * 1_000, "message": "x" * 1_000} for _ in range(20)]
    hostile = answer(400, json.dumps({"failures": failures}).encode())
    async with upstream([hostile]) as wethod, gateway(wethod.url) as client:
        with socket.socket() as stalled:
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            stalled.setblocking(False)  # noqa: FBT003 - the signature of the standard library
            loop = asyncio.get_running_loop()
            await loop.sock_connect(stalled, ("127.0.0.1", client.port))
            await loop.sock_sendall(stalled, request_bytes(long) * 20)
            asked = -1
            while len(wethod.asked) != asked:  # until an answer waits for the client
                asked = len(wethod.asked)
                await asyncio.sleep(0.3)
            assert 0 < asked < 20 * 20
            await client.force_stop()
            received = b""
            while piece := await loop.sock_recv(stalled, 2**20):
                received += piece
    assert b"HTTP/1.1 500" not in received
    assert received.count(b'{"data":{"d1"') == asked // 20
