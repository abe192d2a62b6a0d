"""Requests and answers over a real socket: framing, reuse of the connection, pipelines, and early ends."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from app.start_error import StartError
from tests.server.serving import read, reply, request, serving
from tests.support import with_lifespan

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

TARGETS = [
    ("/a/b?c=d&e", "/a/b", "/a/b", "c=d&e"),
    ("/a%20b/%C3%A9", "/a b/é", "/a%20b/%C3%A9", ""),
    ("/a#fragment", "/a", "/a", ""),
    ("//a", "//a", "//a", ""),
    ("http://other.example/a?b", "/a", "/a", "b"),
    ("http://other.example", "/", "/", ""),
    ("*", "*", "*", ""),
]


@pytest.mark.parametrize(("target", "path", "raw_path", "query"), TARGETS, ids=[target for target, *_ in TARGETS])
async def test_every_form_of_target_has_its_path_and_query(target: str, path: str, raw_path: str, query: str) -> None:
    """RFC 9112 section 3.2; the path is decoded once."""
    async with serving() as served:
        answer = await served.ask(request(target.encode(), method=b"OPTIONS"))
    assert answer.status == 200
    assert (answer.json["path"], answer.json["raw_path"], answer.json["query"]) == (path, raw_path, query)


async def test_the_application_sees_the_request_as_it_was_sent() -> None:
    async with serving() as served:
        answer = await served.ask(request(b"/echo", b"{}", b"POST", b"X-Empty:", b"X-Twice: 1", b"x-twice: 2"))
    assert answer.json["headers"] == [
        ["host", "test"],
        ["x-empty", ""],
        ["x-twice", "1"],
        ["x-twice", "2"],
        ["content-length", "2"],
    ]
    assert (answer.json["method"], answer.json["version"], answer.json["body"]) == ("POST", "1.1", "{}")


HOSTS = {
    200: (b"test", b"test:8000", b"a_b.example:", b"", b"127.0.0.1", b"[::1]:8000", b"%C3%A9"),
    400: (
        *(b"a b", b"user@test", b"test/path", b"test?", b"http://test", b"test:port", b"test:80:80"),
        *(b"::1", b"[::1", b"[::1%25eth0]", b"[:::]", b"[v1.x]", b"%zz", b"t\xc3\xa9st", b'a"b'),
    ),
}


@pytest.mark.parametrize(
    ("status", "host"), [(status, host) for status, hosts in HOSTS.items() for host in hosts], ids=ascii
)
@pytest.mark.parametrize("version", [b"1.1", b"1.0"], ids=["1.1", "1.0"])
async def test_a_host_is_an_authority_without_user_info(status: int, host: bytes, version: bytes) -> None:
    """RFC 9112 section 3.2."""
    data = b"GET /echo HTTP/" + version + b"\r\nHost: " + host + b"\r\n\r\n"
    async with serving() as served:
        assert (await served.ask(data)).status == status
        assert served.refused == ({} if status == 200 else {400: 1})


async def test_a_connection_carries_many_requests() -> None:
    async with serving() as served, served.connect() as client:
        for number in range(5):
            await client.send(request(b"/%d" % number, b"x" * number))
            answer = await client.answer()
            assert (answer.json["path"], answer.json["body"]) == (f"/{number}", "x" * number)
            assert "connection" not in answer.headers
            assert answer.headers["date"].endswith("GMT")


@pytest.mark.parametrize(
    "data",
    [
        request(b"/echo", b"{}", b"POST", b"Connection: close"),
        request(b"/echo", b"{}", b"POST", version=b"1.0"),
        request(b"/echo", b"{}", b"POST", b"Connection: keep-alive", version=b"1.0"),
    ],
    ids=["close", "1.0", "1.0-keep-alive"],
)
async def test_close_and_http_1_0_end_the_connection_with_the_response(data: bytes) -> None:
    async with serving() as served, served.connect() as client:
        await client.send(data + request(b"/again"))
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"], answer.json["body"]) == (200, "close", "{}")
        assert await client.rest() == b""


async def test_a_trailer_is_not_a_header() -> None:
    """No proxy has checked it (RFC 9110 section 6.5.1)."""
    trailer = b"Authorization: Bearer smuggled\r\nHost: other\r\n"
    async with serving() as served, served.connect() as client:
        await client.send(
            b"POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
            + trailer
            + b"\r\n"
        )
        names = [name for name, _ in (await client.answer()).json["headers"]]
        assert names == ["host", "transfer-encoding"]
        await client.send(request(b"/next"))
        assert (await client.answer()).json["path"] == "/next"


async def test_pipelined_requests_are_answered_in_order() -> None:
    running = most = 0

    @with_lifespan
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        body = await read(receive)
        await asyncio.sleep(0.01)
        running -= 1
        await reply(send, 200, scope["path"].encode() + body)

    async with serving(app) as served, served.connect() as client:
        requests = [request(b"/%d" % number, b"x" * number) for number in range(6)]
        last = requests.pop()
        await client.send(b"".join(requests) + last[:-3])
        await asyncio.sleep(0.02)
        await client.send(last[-3:])
        for number in range(6):
            assert (await client.answer()).body == b"/%d" % number + b"x" * number
    assert most == 1


async def test_a_100_is_sent_when_the_application_reads_the_body() -> None:
    async with serving() as served, served.connect() as client:
        head, _, body = request(b"/echo", b"{}", b"POST", b"Expect: 100-continue").partition(b"\r\n\r\n")
        await client.send(head + b"\r\n\r\n")
        assert (await client.answer()).status == 100
        await client.send(body)
        assert (await client.answer()).json["body"] == "{}"
        await client.send(request(b"/echo", b"{}", b"POST", b"Expect: 100-continue"))
        assert (await client.answer()).status == 200, "no 100 is sent if the body is already there"


@with_lifespan
async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await reply(send, 413, b"too much")


@pytest.mark.parametrize("expect", [(), (b"Expect: 100-continue",)], ids=["sent", "expect"])
async def test_a_response_before_the_end_of_the_body_ends_the_connection(expect: tuple[bytes, ...]) -> None:
    async with serving(refuse) as served, served.connect() as client:
        await client.send(request(b"/", b"x" * 100, b"POST", *expect)[:-50])
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert await client.rest() == b""


async def test_a_client_that_still_sends_can_read_its_response() -> None:
    """A reset would discard it, so the server reads on for a moment."""
    async with serving(refuse) as served, served.connect() as client:
        await client.send(request(b"/", b"x" * 4_000_000)[:-1])
        answer = await client.answer()
        assert (answer.status, answer.body) == (413, b"too much")


async def test_the_next_request_is_read_behind_an_unread_body() -> None:
    """The body is larger than the high water mark."""
    async with serving(refuse) as served, served.connect() as client:
        for _ in range(2):
            await client.send(request(b"/", b"x" * 100_000))
            assert (await client.answer()).status == 413


def answering(*messages: dict[str, object] | Exception) -> ASGIApp:
    """Make an application that sends these messages, or raises them if they are exceptions."""

    @with_lifespan
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            if isinstance(message, Exception):
                raise message
            await send(message)

    return app


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> dict[str, object]:
    return {"type": "http.response.start", "status": status, "headers": headers}


def piece(body: bytes, *, more: bool = False) -> dict[str, object]:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def test_a_body_of_unknown_length_is_framed() -> None:
    async with serving(answering(start(), piece(b"whole"))) as served:
        answer = await served.ask(request())
        assert (answer.headers["content-length"], answer.body) == ("5", b"whole")
    async with serving(answering(start(), piece(b"a", more=True), piece(b"", more=True), piece(b"bc"))) as served:
        answer = await served.ask(request())
        assert (answer.headers["transfer-encoding"], answer.body) == ("chunked", b"abc")
        async with served.connect() as client:
            await client.send(request(version=b"1.0"))
            answer = await client.answer()
            assert (answer.headers["connection"], answer.body) == ("close", b"abc")
            assert not {"transfer-encoding", "content-length"} & set(answer.headers)


@pytest.mark.parametrize(
    ("method", "status", "length"), [(b"HEAD", 200, "5"), (b"GET", 204, None), (b"GET", 304, None)], ids=str
)
async def test_a_response_that_may_have_no_body_has_none(method: bytes, status: int, length: str | None) -> None:
    """RFC 9112 section 6.3."""
    headers = [(b"content-length", length.encode())] if length else []
    async with serving(answering(start(status, *headers), piece(b"12345"))) as served, served.connect() as client:
        for _ in range(2):
            await client.send(request(b"/", method=method))
            answer = await client.answer(head_only=True)
            assert (answer.status, answer.headers.get("content-length")) == (status, length)


LONG = b"v" * 40_000
BAD_CHUNK = request(b"/", b"", b"HEAD", b"Transfer-Encoding: chunked") + b"zz\r\n"
REJECTED_HEADS = {
    "long-head": (431, request(b"/", b"", b"HEAD", b"X: " + LONG)),
    "long-unfinished-head": (431, request(b"/", b"", b"HEAD", b"X: " + LONG)[:-4]),
    "long-target": (414, request(b"/" + LONG, method=b"HEAD")),
    "two-hosts": (400, request(b"/", b"", b"HEAD", b"Host: test")),
    "bad-target": (400, request(b"/\xff", method=b"HEAD")),
    "bad-version": (400, request(b"/", method=b"HEAD", version=b"9.9")),
    "bad-chunk": (400, BAD_CHUNK),
    "failed-application": (500, request(b"/", method=b"HEAD")),
}


@pytest.mark.parametrize(("status", "data"), REJECTED_HEADS.values(), ids=REJECTED_HEADS)
async def test_an_error_of_the_server_has_no_content_for_head(status: int, data: bytes) -> None:
    """RFC 9110 section 9.3.2; the length is that of the response to a GET."""
    async with serving(answering(ZeroDivisionError())) as served:
        expected = await served.ask(data.replace(b"HEAD", b"GET"))
        async with served.connect() as client:
            await client.send(data)
            answer = await client.answer(head_only=True)
            assert await client.rest() == b""
    assert (answer.status, answer.headers["content-length"]) == (status, str(len(expected.body)))


async def test_a_head_that_fails_behind_another_request_gets_no_content() -> None:
    async with serving() as served:
        for first, rest in ((request() + BAD_CHUNK, b""), (request() + BAD_CHUNK[:-4], BAD_CHUNK[-4:])):
            async with served.connect() as client:
                await client.send(first)
                assert (await client.answer()).status == 200
                await client.send(rest)
                assert (await client.answer(head_only=True)).status == 400
                assert await client.rest() == b""


@pytest.mark.parametrize(
    ("heads", "behind", "status"), [(1, b"GARBAGE", 400), (18, b"", 503)], ids=["garbage", "too-many"]
)
async def test_an_error_before_the_method_is_known_has_content(heads: int, behind: bytes, status: int) -> None:
    """Also behind a HEAD."""
    async with serving() as served, served.connect() as client:
        await client.send(request(b"/", method=b"HEAD") * heads + behind)
        for _ in range(min(heads, 17)):
            assert (await client.answer(head_only=True)).status == 200
        error = await client.answer()
        assert (error.status, list(error.json)) == (status, ["errors"])
        assert await client.rest() == b""


async def test_the_server_replaces_the_framing_headers_of_the_application() -> None:
    fields = [(b"transfer-encoding", b"chunked"), (b"content-length", b"2"), (b"connection", b"close"), (b"x-a", b"b")]
    async with serving(answering(start(200, *fields), piece(b"ok"))) as served, served.connect() as client:
        await client.send(request())
        answer = await client.answer()
        assert answer.headers.pop("date")
        assert answer.headers == {"content-length": "2", "x-a": "b", "connection": "close"}
        assert await client.rest() == b"", "closed"


LENGTH = (b"content-length", b"2")
BROKEN: dict[str, tuple[dict[str, object] | Exception, ...]] = {
    "raises": (ZeroDivisionError(),),
    "no-answer": (),
    "no-body": (start(),),
    "body-first": (piece(b"x"),),
    "start-twice": (start(), start()),
    "too-short": (start(200, LENGTH), piece(b"x")),
    "too-long": (start(200, LENGTH), piece(b"xyz")),
    "line-end-in-value": (start(200, (b"x-a", b"b\r\nx-c: d")), piece(b"")),
    "line-feed-in-value": (start(200, (b"x-a", b"b\nx-c: d")), piece(b"")),
    "line-end-in-name": (start(200, (b"x-a: b\r\nx-c", b"d")), piece(b"")),
    "nul": (start(200, (b"x-a", b"b\0")), piece(b"")),
}


@pytest.mark.parametrize("messages", BROKEN.values(), ids=BROKEN)
async def test_an_application_that_fails_gives_a_500_of_graphql(
    messages: tuple[dict[str, object] | Exception, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """The log has the reason, and no header can be forged."""
    async with serving(answering(*messages)) as served, served.connect() as client:
        await client.send(request())
        answer = await client.answer()
        assert await client.rest() == b""
    assert answer.status == 500
    assert answer.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
    assert answer.json == {
        "errors": [
            {
                "message": "The gateway failed to answer this request.",
                "extensions": {"code": "INTERNAL_SERVER_ERROR"},
            }
        ]
    }
    assert [record.levelname for record in caplog.records if record.name.startswith("app.server")] == ["ERROR"]


@pytest.mark.parametrize(
    "messages",
    [
        (start(), piece(b"a", more=True)),
        (start(200, (b"content-length", b"9")), piece(b"a", more=True)),
        (start(), piece(b"a", more=True), start()),
    ],
    ids=["chunked", "length", "out-of-order"],
)
async def test_an_incomplete_response_ends_without_its_last_chunk_or_length(
    messages: tuple[dict[str, object], ...],
) -> None:
    """The client can see that it is incomplete (RFC 9112 section 8)."""
    async with serving(answering(*messages)) as served, served.connect() as client:
        await client.send(request())
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError, ValueError)):
            await client.answer()


@pytest.mark.parametrize("before", [(), (start(), piece(b"a", more=True))], ids=["nothing", "half"])
async def test_an_application_can_abort(
    before: tuple[dict[str, object], ...], caplog: pytest.LogCaptureFixture
) -> None:
    """The sandbox uses the ASGI extension `http.response.abort` to lose an answer."""
    async with serving(answering(*before, {"type": "http.response.abort"})) as served, served.connect() as client:
        await client.send(request())
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError, ValueError)):
            await client.answer()
        assert served.refused == {}
    assert not caplog.records


async def test_a_client_that_resets_does_not_stop_the_application() -> None:
    began, gone = asyncio.Event(), asyncio.Event()
    seen: list[object] = []

    @with_lifespan
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await read(receive)
        began.set()
        seen.append((await receive())["type"])
        await reply(send, 200, b"not read")
        seen.append((await receive())["type"])
        gone.set()

    async with serving(app) as served, served.connect() as client:
        await client.send(request())
        await began.wait()
        client.reset()
        async with asyncio.timeout(5):
            await gone.wait()
    assert seen == ["http.disconnect", "http.disconnect"]


async def test_a_client_that_closes_its_half_gets_its_responses() -> None:
    """`curl | nc -N` and some proxies do this."""
    async with serving() as served, served.connect() as client:
        await client.send(request(b"/1", b"{}") + request(b"/2", b"{}") + request(b"/3", b"{}")[:-1])
        client.half_close()
        assert (await client.answer()).json["path"] == "/1"
        assert (await client.answer()).json["path"] == "/2"
        assert await client.rest() == b"", "the third request is incomplete"


async def test_an_incomplete_request_is_a_disconnect() -> None:
    events: asyncio.Queue[str] = asyncio.Queue()

    @with_lifespan
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.suppress(ConnectionError):
            await read(receive)
            return
        await events.put("gone")

    async with serving(app) as served, served.connect() as client:
        await client.send(request(b"/", b"{}")[:-1])
        client.half_close()
        async with asyncio.timeout(5):
            assert await events.get() == "gone"
        assert await client.rest() == b""


async def test_a_response_waits_for_a_slow_reader() -> None:
    sent = 0

    @with_lifespan
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await send(start())
        for _ in range(200):
            await send(piece(b"x" * 65_536, more=True))
            sent += 1
        await send(piece(b""))

    async with serving(app) as served, served.connect() as client:
        await client.send(request())
        await asyncio.sleep(0.2)
        assert sent < 150, "13 MB were taken from the application, and none of it read"
        assert len((await client.answer()).body) == 200 * 65_536


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    raise StartError("GATEWAY_X=1: cannot be")


async def crashing(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "a long traceback"})
    raise RuntimeError(scope["type"])


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    """End before the start is complete."""


@pytest.mark.parametrize(
    ("app", "problem"),
    [
        (failing, "GATEWAY_X=1: cannot be"),
        (crashing, "the application does not start; the log says why"),
        (silent, "the application does not start; the log says why"),
    ],
    ids=["reason", "crash", "silence"],
)
async def test_an_application_that_cannot_start_gives_one_line(app: ASGIApp, problem: str) -> None:
    with pytest.raises(StartError, match=problem):
        async with serving(app):
            pytest.fail("it serves")


async def test_a_failed_shutdown_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        raise RuntimeError("the end")

    async with serving(app):
        pass
    assert "the shutdown of the application failed" in caplog.text
