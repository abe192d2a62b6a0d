"""Each limit of a connection: the largest accepted value, and the smallest refused one."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from typing import TYPE_CHECKING

import pytest

from app.server.exchange import SERVER_STATUS
from tests.server.processes import running
from tests.server.serving import read, reply, request, send_in_pieces, serving
from tests.support import with_lifespan

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from tests.server.serving import Answer

HEAD_BYTES = 2_048
"""The limit in these tests."""

BLANK = len(b"GET / HTTP/1.1\r\nHost:test\r\nX:\r\n\r\n")


def assert_refused(answer: Answer, status: int, code: str, words: str) -> None:
    """Check that an answer is a GraphQL error and ends its connection."""
    headers = dict(answer.headers)
    assert headers.pop("date").endswith("GMT")
    assert int(headers.pop("content-length")) == len(answer.body)
    assert headers == {
        "content-type": "application/graphql-response+json; charset=utf-8",
        "cache-control": "no-store",
        "vary": "Accept, Origin",
        "connection": "close",
    }
    assert answer.status == status
    assert answer.json == {"errors": [{"message": words, "extensions": {"code": code}}]}


LONG_HEAD = (431, "LIMIT_EXCEEDED", "The request line and the headers are too long.")
LONG_FRAMING = (
    431,
    "LIMIT_EXCEEDED",
    "The chunks of the body are too small, or their extensions or trailers are too long.",
)
LATE = (408, "BAD_REQUEST", "The request took too long to arrive.")
MALFORMED = (400, "BAD_REQUEST", "This is not a well-formed HTTP/1.1 request.")


def with_value(length: int) -> bytes:
    """A request without optional spaces, which are not always counted."""
    return request(b"/", b"", b"GET", b"X: " + b"v" * length).replace(b": ", b":")


async def test_a_head_that_begins_behind_another_request_has_the_same_limit() -> None:
    first = request(b"/first", b"b" * 5_000)
    for length, refused in ((HEAD_BYTES - BLANK, False), (HEAD_BYTES - BLANK + 1, True)):
        data = first + with_value(length)
        for cut in (len(data), len(first) + 30, len(first) + HEAD_BYTES - 10):
            async with serving(max_header_bytes=HEAD_BYTES) as served, served.connect() as client:
                await client.send(data[:cut])
                await asyncio.sleep(0.01)
                await client.send(data[cut:])
                assert (await client.answer()).json["path"] == "/first"
                answer = await client.answer()
                if refused:
                    assert_refused(answer, *LONG_HEAD)
                else:
                    assert answer.status == 200


@pytest.mark.parametrize("first", [b"", request(b"/first")], ids=["first", "behind-another"])
async def test_a_head_within_the_limit_is_accepted_in_any_packets(first: bytes) -> None:
    """Many short fields do not count for more than their bytes."""
    blank = len(request(b"/", b"x" * 1_000)) - 1_000
    count, odd = divmod(HEAD_BYTES - blank - len(b"X:\r\n"), len(b"a:\r\n"))
    data = first + request(b"/", b"x" * 1_000, b"POST", *[b"a:"] * count, b"X:" + b"v" * odd)
    body_at = len(first) + HEAD_BYTES
    assert data[:body_at].endswith(b"\r\n\r\n")
    async with serving(max_header_bytes=HEAD_BYTES) as served:
        for cut in (len(data), body_at, body_at - 500):
            async with served.connect() as client:
                await client.send(data[:cut])
                await asyncio.sleep(0.01)
                await client.send(data[cut:])
                if first:
                    assert (await client.answer()).json["path"] == "/first"
                assert (await client.answer()).status == 200


async def test_heads_that_come_before_their_bodies_do_not_add_up() -> None:
    """Most clients send head and body in two packets."""
    data = request(b"/", b"ab", b"POST", b"X: " + b"v" * 1_500)
    async with serving(max_header_bytes=HEAD_BYTES) as served, served.connect() as client:
        for _ in range(20):
            await client.send(data[:-2])
            await asyncio.sleep(0.002)
            await client.send(data[-2:])
            assert (await client.answer()).status == 200


FRAMING = {
    "extension-accepted": b"1;" + b"e" * 500 + b"\r\nx\r\n0\r\n\r\n",
    "trailer-accepted": b"1\r\nx\r\n0\r\nT: " + b"t" * 500 + b"\r\n\r\n",
    "small-chunks-accepted": b"5\r\nxxxxx\r\n" * 2_000 + b"0\r\n\r\n",
    "tiny-chunks-accepted": b"1\r\nx\r\n" * 400 + b"0\r\n\r\n",
    "extension-refused": b"1;" + b"e" * 10_000,
    "extensions-refused": (b"1;" + b"e" * 1_500 + b"\r\nx\r\n") * 10 + b"0\r\n\r\n",
    "tiny-chunks-refused": b"1\r\nx\r\n" * 2_000 + b"0\r\n\r\n",
    "trailer-refused": b"1\r\nx\r\n0\r\nT: " + b"t" * 10_000,
}


@pytest.mark.parametrize(("name", "body"), FRAMING.items(), ids=FRAMING)
async def test_chunk_extensions_and_trailers_are_bounded(name: str, body: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with (
        serving(max_header_bytes=HEAD_BYTES) as served,
        served.connect() as client,
        asyncio.TaskGroup() as group,
    ):
        pieces = [head, *(body[at : at + 1_000] for at in range(0, len(body), 1_000))]
        sending = group.create_task(send_in_pieces(client, pieces))
        answer = await client.answer()
        sending.cancel()
        if name.endswith("accepted"):
            assert answer.status == 200
        else:
            assert_refused(answer, *LONG_FRAMING)


async def test_endless_pipelining_takes_no_memory() -> None:
    """Reading pauses while requests wait."""
    release = asyncio.Event()
    begun = 0

    @with_lifespan
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal begun
        begun += 1
        await release.wait()
        await reply(send, 200, b"")

    async with serving(app) as served, served.connect() as client:
        for _ in range(10):
            await client.send(request(b"/", method=b"GET"))
            await asyncio.sleep(0.002)
        sending = asyncio.create_task(client.send(request(b"/", method=b"GET") * 1_000_000))
        await asyncio.sleep(0.2)
        assert not sending.done()
        assert begun == 1
        sending.cancel()
        client.reset()
        release.set()


async def test_an_endless_body_takes_no_memory() -> None:
    """Reading pauses until the application takes the body."""

    @with_lifespan
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.sleep(0.3)
        assert len((await receive())["body"]) < 1_000_000
        await reply(send, 413, b"")

    async with serving(app) as served, served.connect() as client:
        await client.send(b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        sending = asyncio.create_task(send_in_pieces(client, [chunk * 10] * 100))
        assert (await client.answer()).status == 413
        sending.cancel()


READ_SECONDS = 0.3


async def test_the_application_sees_the_status_that_the_server_sent_instead() -> None:
    """So that the request is counted once."""
    seen: list[object] = []

    @with_lifespan
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.suppress(ConnectionError):
            await read(receive)
        seen.append(scope.get(SERVER_STATUS))

    async with serving(app, read_timeout=READ_SECONDS) as served, served.connect() as client:
        await client.send(request(b"/", b"{}")[:-1])
        assert_refused(await client.answer(), *LATE)
        assert served.refused == {408: 1}
    assert seen == [408]


async def test_a_late_request_with_a_response_in_progress_is_cut() -> None:
    """A second status line would be read as the body."""

    @with_lifespan
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass

    async with serving(app, read_timeout=READ_SECONDS) as served, served.connect() as client:
        await client.send(request(b"/", b"{}")[:-1])
        received = b""
        with contextlib.suppress(ConnectionResetError):
            received = await client.rest()
        assert b"408" not in received
        assert b"0\r\n\r\n" not in received, "the response must be visibly incomplete"
        assert served.refused == {}, "the application counts its own response"


async def test_a_late_request_is_refused_after_the_response_before_it() -> None:
    @with_lifespan
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await read(receive)
        await asyncio.sleep(READ_SECONDS * 2)
        await reply(send, 200, b"first")

    for behind, refusal in ((b"POST /late", LATE), (b"GARBAGE\r\n", MALFORMED), (request(b"/", b"{}")[:-1], LATE)):
        async with serving(app, read_timeout=READ_SECONDS) as served, served.connect() as client:
            await client.send(request(b"/", b"{}") + behind)
            assert (await client.answer()).body == b"first"
            assert_refused(await client.answer(), *refusal)
            assert await client.rest() == b""


async def test_a_client_that_never_reads_its_answer_is_dropped() -> None:
    dropped: asyncio.Queue[str] = asyncio.Queue()

    @with_lifespan
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await read(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * 30_000_000, "more_body": True})
        await send({"type": "http.response.body", "body": b"waits for the reader"})
        await dropped.put((await receive())["type"])

    async with serving(app, keep_alive=READ_SECONDS) as served, served.connect() as client:
        await client.send(request())
        started = time.monotonic()
        async with asyncio.timeout(5):
            assert await dropped.get() == "http.disconnect"
        assert time.monotonic() - started >= READ_SECONDS


async def test_an_idle_connection_is_closed_after_its_time() -> None:
    """Not earlier, since the pool of a router depends on it."""
    async with (
        serving(keep_alive=2 * READ_SECONDS, read_timeout=READ_SECONDS) as served,
        served.connect() as client,
    ):
        await client.send(request())
        assert (await client.answer()).status == 200
        started = time.monotonic()
        assert await client.rest() == b""
        assert time.monotonic() - started >= 2 * READ_SECONDS - 0.05


async def test_clients_wait_for_a_free_file_descriptor() -> None:
    """Timeouts still work, and the log has one line."""
    async with (
        running("exhausting", read_timeout=1.0) as program,
        program.connect() as early,
        program.connect() as slow,
    ):
        await early.send(request(b"/exhaust"))
        assert (await early.answer()).status == 200
        await slow.send(request(b"/", b"{}")[:-1])
        async with program.connect() as late:
            await late.send(request(b"/late"))
            assert (await slow.answer()).status == 408
            assert await late.silence(0.3)
            await early.send(request(b"/release"))
            assert (await early.answer()).status == 200
            assert (await late.answer()).status == 200
        program.signal(signal.SIGINT)
        code, log = await program.end()
    assert code == 0
    assert [line for line in log.splitlines() if "ERROR" in line or "WARNING" in line] == [
        "ERROR app.server.listener no connection can be accepted, clients wait: Too many open files"
    ]


async def test_a_stop_while_no_file_descriptor_is_free_ends_without_a_further_error() -> None:
    async with (
        running("exhausting", read_timeout=1.0, drain_seconds=20) as program,
        program.connect() as early,
        program.connect() as slow,
    ):
        for client, target in ((slow, b"/"), (early, b"/exhaust")):
            await client.send(request(target))
            assert (await client.answer()).status == 200
        async with program.connect():
            await program.log_until(1, b"no connection can be accepted")
            # It keeps the server running for longer than the pause after which it tries to accept again.
            await slow.send(request(b"/", b"{}")[:-1])
            program.signal(signal.SIGINT)
            assert (await slow.answer()).status == 408
        code, log = await program.end()
    assert code == 0
    assert log.count("ERROR") == 1
