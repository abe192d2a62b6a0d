"""The outcome table of the design, row by row: HTTP in, exact JSON out, a real socket server as Wethod."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.gateway import gateway
from tests.outcomes.outcomes import TRANSPORTS, UNEXPECTED, error, rejection, success, unknown, words
from tests.upstream import HANGING, LOST, Answer, answer, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tests.gateway import GatewayClient
    from tests.upstream import Upstream

NOT_FOUND = answer(404, words(key="not_found", message="Contact not found"))
PAGE = "text/html; charset=UTF-8"
FAILURES = [{"field": "id", "message": "Not an id."}, {"field": "x", "message": "y"}]

# name: (answers in turn, the outcome); Wethod sees a DELETE for each answer
ROWS: dict[str, tuple[Sequence[Answer], dict[str, Any]]] = {
    # --- successes
    "200": ([answer(200)], success()),
    "200-with-a-body-of-any-kind": ([answer(200, b"\xff<<not json")], success()),
    "200-without-a-length-that-stays-open": ([Answer(b"HTTP/1.1 200 OK\r\n\r\n")], success()),
    "200-whose-body-is-cut": ([Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", close=True)], success()),
    "200-that-is-encoded": ([answer(200, b"\x1f\x8b", {"Content-Encoding": "gzip"})], success()),
    "200-html-without-a-byte": ([answer(200, b"", content_type=PAGE)], success()),
    "200-html-blank": ([answer(200, b" \r\n\t", content_type=PAGE)], success()),
    "200-html-byte-order-mark-alone": ([answer(200, b"\xef\xbb\xbf", content_type=PAGE)], success()),
    "200-html-text": ([answer(200, b"  Contact deleted <b>", content_type=PAGE)], success()),
    "200-html-json": ([answer(200, b'{"deleted": true}', content_type=PAGE)], success()),
    "201": ([answer(201)], success()),
    "204": ([Answer(b"HTTP/1.1 204 No Content\r\n\r\n")], success()),
    "299-html": ([answer(299, b"<p>", content_type=PAGE)], success()),
    "100-then-200": ([Answer(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(200).data)], success()),
    "103-then-404": ([Answer(b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer(404).data)], rejection(404)),
    # --- answers that do not decide the outcome
    "202": ([answer(202)], unknown(202)),
    "200-html-with-a-byte": ([answer(200, b"<", content_type=PAGE)], unknown(200)),
    "200-html-behind-a-mark-and-space": ([answer(200, b"\xef\xbb\xbf \r\n<html>", content_type=PAGE)], unknown(200)),
    **{
        f"200-html-behind-{name}": ([answer(200, start + b"<html>", content_type=PAGE)], unknown(200))
        for name, start in {
            "two-marks": b"\xef\xbb\xbf\xef\xbb\xbf",
            "a-line-end-and-a-mark": b"\n\xef\xbb\xbf",
            "a-mark-a-space-and-a-mark": b"\xef\xbb\xbf \xef\xbb\xbf",
            "a-no-break-space": "\u00a0".encode(),
            "a-nul": b"\0",
        }.items()
    },
    "200-html-encoded": ([answer(200, b"x", {"Content-Encoding": "gzip"}, content_type=PAGE)], unknown(200)),
    "200-html-cut-before-its-text": (
        [Answer(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n  ", close=True)],
        unknown(200),
    ),
    "200-html-in-capitals": ([answer(200, b"<", content_type="TEXT/HTML")], unknown(200)),
    "200-html-first-of-a-list": ([answer(200, b"<", content_type="text/html, text/html")], unknown(200)),
    "200-html-last-of-a-list": ([answer(200, b"<", content_type="application/json,text/html;a=b")], unknown(200)),
    "200-html-in-a-second-field": (
        [Answer(b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Type: text/html\r\nContent-Length: 1\r\n\r\n<")],
        unknown(200),
    ),
    "200-type-that-begins-like-html": ([answer(200, b"<", content_type="text/html5")], success()),
    "200-html-that-says-nothing-for-a-second": (
        [Answer(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\n")],
        unknown(200),
    ),
    "500": ([answer(500, words(key="x", message="y"))], unknown(500)),
    "502-html": ([answer(502, b"<html>", content_type=PAGE)], unknown(502)),
    "503-with-retry-after": ([answer(503, b"", {"Retry-After": "1"})], unknown(503)),
    "599": ([answer(599)], unknown(599)),
    "600": ([answer(600)], unknown(600)),
    "999": ([answer(999)], unknown(999)),
    "101": ([Answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")], unknown(101)),
    # --- the documented rejections, in their words and without
    **{str(status): ([answer(status)], rejection(status)) for status in (400, 401, 403, 404, 412, 429)},
    **{
        f"{status}-in-its-own-words": (
            [answer(status, words(key="its_key", message="Its message."))],
            rejection(status, "its_key", "Its message."),
        )
        for status in (400, 401, 403, 404, 412, 429)
    },
    "400-with-failures": ([answer(400, words(failures=FAILURES))], rejection(400, failures=FAILURES)),
    # --- other statuses
    **{
        str(status): (
            [answer(status, words(key="k", message="m"))],
            error("WethodUnexpectedResponseError", "k", "m", status),
        )
        for status in (402, 405, 409, 410, 418, 422, 451, 499)
    },
    **{
        f"{status}-without-words": (
            [answer(status, b"<html>", content_type=PAGE)],
            error("WethodUnexpectedResponseError", "unexpected_response", UNEXPECTED, status),
        )
        for status in (300, 304, 402, 409, 422)
    },
    **{
        f"{status}-is-not-followed": (
            [answer(status, b"", {"Location": "/api/contact/8"})],
            error("WethodUnexpectedResponseError", "unexpected_response", UNEXPECTED, status),
        )
        for status in (301, 302, 303, 307, 308)
    },
    # --- a lost answer is repeated once
    "lost-then-200": ([LOST, answer(200)], success()),
    "lost-then-204": ([LOST, Answer(b"HTTP/1.1 204 No Content\r\n\r\n")], success()),
    "lost-then-not-found": ([LOST, NOT_FOUND], success("ABSENCE")),
    "lost-then-404-of-another-key": ([LOST, answer(404, words(key="no_route", message="m"))], unknown(404)),
    "lost-then-404-of-a-key-with-a-control": ([LOST, answer(404, words(key="not_\afound", message="m"))], unknown(404)),
    "lost-then-404-of-a-proxy": ([LOST, answer(404, b"<html>", content_type=PAGE)], unknown(404)),
    "lost-then-404-without-a-body": ([LOST, answer(404)], unknown(404)),
    "lost-then-404-that-is-cut": (
        [LOST, Answer(b'HTTP/1.1 404 X\r\nContent-Length: 99\r\n\r\n{"key":"not_found"}', close=True)],
        unknown(404),
    ),
    "lost-then-202": ([LOST, answer(202)], unknown(202)),
    "lost-then-a-page": ([LOST, answer(200, b"<", content_type=PAGE)], unknown(200)),
    **{
        f"lost-then-{status}": ([LOST, answer(status, words(key="k", message="m"))], unknown(status))
        for status in (302, 400, 401, 403, 410, 412, 429, 500, 503)
    },
    "lost-twice": ([LOST, LOST], unknown()),
    "garbage-then-not-found": ([Answer(b"SMTP ready\r\n\r\n", close=True), NOT_FOUND], success("ABSENCE")),
    "half-a-head-then-not-found": (
        [Answer(b"HTTP/1.1 200 OK\r\nContent-Le", close=True), NOT_FOUND],
        success("ABSENCE"),
    ),
    # --- the deadline, which these rows set to 1.5 s, passed after a byte was written
    "hanging": ([HANGING], unknown()),
    "half-a-head-then-hanging": ([Answer(b"HTTP/1.1 200 OK\r\nContent-Le")], unknown()),
    "lost-then-hanging": ([LOST, HANGING], unknown()),
}


@pytest.fixture(scope="module", params=["http1", "httpx"])
async def client(request: pytest.FixtureRequest, running_wethod: Upstream) -> AsyncIterator[GatewayClient]:
    environ = {"WETHOD_TRANSPORT": request.param, "WETHOD_TIMEOUT_SECONDS": "1.5"}
    async with gateway(running_wethod.url, environ) as running:
        yield running


@pytest.mark.parametrize(("script", "outcome"), ROWS.values(), ids=ROWS)
async def test_an_answer_becomes_one_outcome(
    wethod: Upstream, client: GatewayClient, script: Sequence[Answer], outcome: dict[str, Any]
) -> None:
    wethod.script = script
    assert await client.delete() == outcome
    assert [(asked.method, asked.target) for asked in wethod.asked] == [("DELETE", "/api/contact/7")] * len(script)


TIMED_OUT = answer(408, words(key="k", message="m"))

# name: (answers after a first delete on the same connection, the outcome)
AFTER_408: dict[str, tuple[Sequence[Answer], dict[str, Any]]] = {
    "then-200": ([TIMED_OUT, answer(200)], success()),
    "then-not-found": ([TIMED_OUT, NOT_FOUND], success("ABSENCE")),
    "then-404-of-a-proxy": ([TIMED_OUT, answer(404)], unknown(404)),
    "then-408": ([TIMED_OUT, TIMED_OUT], unknown(408)),
    "then-lost": ([TIMED_OUT, LOST], unknown()),
}


@pytest.mark.parametrize(("script", "outcome"), AFTER_408.values(), ids=AFTER_408)
async def test_a_408_on_a_connection_that_was_used_before_is_a_lost_answer(
    script: Sequence[Answer], outcome: dict[str, Any]
) -> None:
    """The server closed an idle connection; the request may be lost."""
    async with upstream([answer(200), *script]) as wethod, gateway(wethod.url, {"WETHOD_TRANSPORT": "http1"}) as client:
        await client.delete("1")
        assert await client.delete() == outcome
        assert len(wethod.asked) == 1 + len(script)
        assert wethod.connections == 2


@TRANSPORTS
async def test_a_408_on_a_fresh_connection_is_a_status_like_any_other(transport: str) -> None:
    async with upstream([TIMED_OUT]) as wethod, gateway(wethod.url, {"WETHOD_TRANSPORT": transport}) as client:
        assert await client.delete() == error("WethodUnexpectedResponseError", "k", "m", 408)
        assert len(wethod.asked) == 1
