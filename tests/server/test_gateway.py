"""The whole gateway on its server: requests on one connection stay apart, and limits hold before anything is sent."""

from __future__ import annotations

import asyncio
import pickle

from app.main import WorkerContext
from app.settings import Settings
from tests.gateway import MUTATION, gateway, request_bytes
from tests.server.serving import connect, send_in_pieces
from tests.upstream import answer, upstream


async def test_requests_of_one_connection_share_nothing() -> None:
    asked: list[tuple[str, dict[str, str]]] = [
        ("17", {}),
        ("17", {}),
        ("18", {}),
        ("19", {"Authorization": "Bearer other-token"}),
        ("20", {"Authorization": "Bearer other-token"}),
        ("21", {"X-Request-ID": "given-by-the-client"}),
        ("22", {"X-Request-ID": "given-by-the-client"}),
        ("23", {"X-Request-ID": "not usable"}),
        ("24", {"X-Request-ID": "not usable"}),
        ("25", {"Wethod-Company": "-"}),
        ("26", {"Wethod-Company": "-"}),
    ]
    async with upstream([answer(200)]) as wethod, gateway(wethod.url) as front:
        members = []
        async with connect(front.port) as client:
            for contact_id, headers in asked:
                await client.send(request_bytes(MUTATION, {"id": contact_id}, headers))
                members.append((await client.answer()).json["data"]["deleteContact"]["__typename"])
    assert members == ["DeleteContactSuccess"] * 9 + ["WethodValidationError"] * 2
    assert [(one.target.rpartition("/")[2], one.header("authorization")) for one in wethod.asked] == [
        *((number, b"Bearer test-token") for number in ("17", "17", "18")),
        *((number, b"Bearer other-token") for number in ("19", "20")),
        *((number, b"Bearer test-token") for number in ("21", "22", "23", "24")),
    ]
    ids = [one.header("x-request-id") for one in wethod.asked]
    assert ids[5:7] == [b"given-by-the-client"] * 2
    assert len({*ids}) == len(ids) - 1


async def test_a_body_beyond_the_limit_is_a_413_before_its_end() -> None:
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    head = b"POST /graphql HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
    async with upstream([answer(200)]) as wethod, gateway(wethod.url) as front:
        for body in ((b"Content-Length: 9999999999\r\n\r\n{",), (b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 40)):
            async with connect(front.port) as client:
                sending = asyncio.create_task(send_in_pieces(client, [head, *body]))
                assert (await client.answer()).status == 413
                sending.cancel()
        assert wethod.asked == []


def test_a_worker_context_can_be_pickled() -> None:
    context = WorkerContext(Settings(gateway_workers=2), audit_key=b"k" * 32, sandbox=True)
    assert pickle.loads(pickle.dumps(context)) == context  # noqa: S301 - our own bytes


def test_the_audit_key_is_not_shown() -> None:
    assert "secret" not in repr(WorkerContext(Settings(), audit_key=b"secret-key-of-this-start"))
