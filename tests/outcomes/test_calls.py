"""One call: the headers that it sends, its tries and its one repeat, its deadline, and a bug of the gateway's own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from app.headers import Headers
from app.http_client.transport import Interrupted, NotSent, Request, Response
from app.settings import load
from app.wethod.caller import CallerReader
from app.wethod.executor import Executor
from app.wethod.observer import NoOperationObserver
from app.wethod.rate_limits import RateLimitMemory
from app.wethod.request_context import RequestContext
from schema.delete_contact import DELETE_CONTACT, body_needed
from tests.gateway import HEADERS, gateway
from tests.outcomes.outcomes import TRANSPORTS, success, unavailable, unknown
from tests.support import free_port
from tests.upstream import HANGING, answer, upstream

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.wethod.record import OperationRecord


@TRANSPORTS
async def test_only_the_designs_headers_go_upstream(transport: str) -> None:
    """The three headers, what the gateway itself has to say, and a request id; nothing else of the caller's."""
    async with (
        upstream([answer(200)]) as wethod,
        gateway(wethod.url, {"WETHOD_TRANSPORT": transport}) as client,
    ):
        await client.delete(
            headers=HEADERS
            | {
                "Cookie": "session=hunter2",
                "X-Request-ID": "from-the.caller_1",
                "X-Forwarded-For": "203.0.113.1",
                "Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "User-Agent": "a browser",
            }
        )
        (asked,) = wethod.asked
    assert sorted(asked.headers) == sorted(
        [
            ("host", wethod.url.removeprefix("http://").encode()),
            ("authorization", b"Bearer test-token"),
            ("wethod-company", b"acme"),
            ("wethod-version", b"2024-06-15"),
            ("accept", b"application/json"),
            ("accept-encoding", b"identity"),
            ("user-agent", b"wethod-graphql/0.1.0"),
            ("x-request-id", b"from-the.caller_1"),
        ]
    )
    assert asked.body == b""


@pytest.mark.parametrize("value", [None, "", "a b", "x" * 65, "é", "a;b"], ids=ascii)
async def test_an_unusable_request_id_is_replaced(value: str | None) -> None:
    """Wethod always gets one, and never one that could forge a line of somebody's log."""
    async with upstream([answer(200)]) as wethod, gateway(wethod.url) as client:
        headers: dict[str, Any] = dict(HEADERS) if value is None else HEADERS | {"X-Request-ID": value.encode()}
        await client.http.post(
            f"{client.url}/graphql",
            json={"query": "mutation { deleteContact(id: 1) { __typename } }"},
            headers=headers,
        )
        (asked,) = wethod.asked
    request_id = asked.header("x-request-id") or b""
    assert len(request_id) == 32
    int(request_id, 16)


@pytest.mark.parametrize(
    ("traceparent", "sent"),
    [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", True),
        ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", False),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", False),
        ("nonsense", False),
    ],
)
async def test_trace_context_goes_upstream_by_setting(traceparent: str, *, sent: bool) -> None:
    """Only a valid one, with its state, and only where ``GATEWAY_TRACE_UPSTREAM`` says so."""
    async with upstream([answer(200)]) as wethod, gateway(wethod.url, {"GATEWAY_TRACE_UPSTREAM": "true"}) as client:
        await client.delete(headers=HEADERS | {"Traceparent": traceparent, "Tracestate": "a=b"})
        (asked,) = wethod.asked
    assert asked.header("traceparent") == (traceparent.encode() if sent else None)
    assert asked.header("tracestate") == (b"a=b" if sent else None)


@TRANSPORTS
async def test_no_cookie_of_one_caller_reaches_another(transport: str) -> None:
    """Wethod's Set-Cookie goes nowhere: not to the client, not into the next request."""
    async with (
        upstream([answer(200, b"", {"Set-Cookie": "session=hunter2; Path=/"})]) as wethod,
        gateway(wethod.url, {"WETHOD_TRANSPORT": transport}) as client,
    ):
        first = await client.graphql("mutation { deleteContact(id: 1) { __typename } }")
        await client.delete("2", headers=HEADERS | {"Authorization": "Bearer another"})
        assert "set-cookie" not in first.headers
        assert [asked.header("cookie") for asked in wethod.asked] == [None, None]
        assert [asked.header("authorization") for asked in wethod.asked] == [b"Bearer test-token", b"Bearer another"]


@TRANSPORTS
async def test_a_base_path_stands_before_the_target(transport: str) -> None:
    """A Wethod behind a prefix."""
    async with (
        upstream([answer(200)]) as wethod,
        gateway(f"{wethod.url}/behind/a-proxy/", {"WETHOD_TRANSPORT": transport}) as client,
    ):
        assert await client.delete() == success()
    assert [asked.target for asked in wethod.asked] == ["/behind/a-proxy/api/contact/7"]


@TRANSPORTS
async def test_it_is_sent_as_soon_as_wethod_is_back(transport: str) -> None:
    """Up to three tries within two seconds: a restart of Wethod goes unnoticed."""
    port = free_port()
    async with gateway(f"http://127.0.0.1:{port}", {"WETHOD_TRANSPORT": transport}) as client:
        deleting = asyncio.create_task(client.delete())
        await asyncio.sleep(0.04)
        async with upstream([answer(200)], port=port) as wethod:
            assert await deleting == success()
            assert len(wethod.asked) == 1


@TRANSPORTS
async def test_one_deadline_spans_all_deletes_of_a_request(transport: str) -> None:
    """The third of four aliased deletes takes all the time that is left: the fourth is not sent, and says so."""
    query = "mutation { " + " ".join(f"d{i}: deleteContact(id: {i}) {{ __typename }}" for i in range(1, 5)) + " }"

    async with (
        upstream([answer(200), answer(200), HANGING]) as wethod,
        gateway(wethod.url, {"WETHOD_TRANSPORT": transport, "WETHOD_TIMEOUT_SECONDS": "1.0"}) as client,
    ):
        response = await client.graphql(query)
        outcomes = [result["__typename"] for result in response.json()["data"].values()]
        assert outcomes == ["DeleteContactSuccess"] * 2 + ["WethodOutcomeUnknownError", "WethodUnavailableError"]
        assert len(wethod.asked) == 3


async def test_too_many_deletes_are_refused_at_once() -> None:
    """Nothing was sent and nothing queues; twice as many requests are not even read."""
    environ = {"GATEWAY_MAX_IN_FLIGHT": "4", "WETHOD_TIMEOUT_SECONDS": "1.5"}
    async with upstream([HANGING]) as wethod, gateway(wethod.url, environ) as client:
        another = HEADERS | {"Authorization": "Bearer another"}
        waiting = [asyncio.create_task(client.delete(str(i))) for i in (1, 2, 3)]
        waiting.append(asyncio.create_task(client.delete("4", another)))
        await wethod.asked_for(4)
        refused = await client.delete("5", another)
        assert not any(task.done() for task in waiting)
        assert refused == unavailable(
            "Too many deletes are in progress here. Nothing was sent and nothing was deleted; repeat later.",
            "overloaded",
        )
        assert [outcome["__typename"] for outcome in await asyncio.gather(*waiting)] == [
            "WethodOutcomeUnknownError"
        ] * 4
        assert len(wethod.asked) == 4


async def test_a_remembered_rate_limit_is_not_asked_again() -> None:
    """Per token, for as long as Wethod said; without a delay nothing is remembered."""
    async with upstream([answer(429, b"", {"x-ratelimit-retry-after": "2"})]) as wethod, gateway(wethod.url) as client:
        first = await client.delete()
        assert (first["statusCode"], first["retryAfterSeconds"]) == (429, 2)
        second = await client.delete("8")
        assert second == {
            "__typename": "WethodRateLimitedError",
            "key": "too_many_requests",
            "message": "Wethod allows this token no more requests for now; it was not asked again.",
            "statusCode": None,
            "response": None,
            "retryAfterSeconds": second["retryAfterSeconds"],
        }
        assert 1 <= second["retryAfterSeconds"] <= 2
        invalid = await client.delete("no-id")
        assert invalid["__typename"] == "WethodValidationError"
        assert len(wethod.asked) == 1
        wethod.script = [answer(429)]
        another = HEADERS | {"Authorization": "Bearer another"}
        for _ in range(2):
            assert (await client.delete(headers=another))["statusCode"] == 429
        assert len(wethod.asked) == 3
        await asyncio.sleep(2.1)
        wethod.script = [answer(200)]
        assert await client.delete() == success()


def test_remembered_tokens_are_bounded_and_expire() -> None:
    """The memory of a million tokens is that of the last few."""
    now = [0.0]
    memory = RateLimitMemory(max_tokens=2, clock=lambda: now[0])
    for token in (b"a", b"b", b"c"):
        memory.remember(token, 10)
    assert [memory.remaining_seconds(token) for token in (b"a", b"b", b"c")] == [None, 10, 10]
    now[0] = 9.5
    assert memory.remaining_seconds(b"b") == 1
    now[0] = 10.0
    assert memory.remaining_seconds(b"b") is None
    memory.remember(b"c", 20)
    assert memory.remaining_seconds(b"c") == 20


class EarlyBugError(Exception):
    """A bug of the engine before the first byte."""


class ScriptedTransport:
    """A transport that raises or answers as told, also where no socket could."""

    def __init__(self, *steps: BaseException | Response | Callable[[], Any]) -> None:
        self.steps = list(steps)
        self.requests: list[Request] = []

    async def send(self, request: Request) -> Response:
        """The next step."""
        self.requests.append(request)
        step = self.steps.pop(0)
        if isinstance(step, BaseException):
            request.written = not isinstance(step, NotSent | EarlyBugError)
            raise step
        request.written = True
        response: Response = step if isinstance(step, Response) else await step()
        return response

    async def aclose(self) -> None:
        """Nothing to close."""


OK = Response(200, Headers(), b"")


@pytest.mark.parametrize(
    "failure", [RuntimeError("a bug"), TimeoutError(), OSError(9, "x"), AssertionError()], ids=repr
)
@pytest.mark.parametrize("repeat", [False, True], ids=["first", "repeat"])
async def test_a_bug_after_the_first_byte_is_an_unknown_outcome(failure: Exception, *, repeat: bool) -> None:
    """Not a null and not a 500: Wethod may have acted."""
    transport = ScriptedTransport(*([Interrupted("lost")] if repeat else []), failure)
    async with gateway("http://127.0.0.1:1", transport=transport) as client:
        assert await client.delete() == unknown()
    assert len(transport.requests) == 1 + repeat


@pytest.mark.parametrize(
    ("steps", "outcome", "requests"),
    [
        ((NotSent("x"), OK), success(), 2),
        ((NotSent("x"), NotSent("x"), OK), success(), 3),
        ((NotSent("x"), NotSent("x"), NotSent("x"), OK), unavailable(), 3),
        ((NotSent("a certificate", transient=False), OK), unavailable(), 1),
        ((NotSent("x"), Interrupted("y"), OK), success(), 3),
        ((Interrupted("y"), NotSent("x"), OK), unknown(), 2),
        ((Interrupted("y"), Interrupted("y"), OK), unknown(), 2),
    ],
    ids=["once-not", "twice-not", "thrice-not", "certificate", "not-then-lost", "repeat-not-sent", "repeat-lost"],
)
async def test_tries_and_the_one_repeat(steps: tuple[Any, ...], outcome: dict[str, Any], requests: int) -> None:
    """Up to three tries of what was not sent; one repeat of what was, on a fresh connection, never a second."""
    transport = ScriptedTransport(*steps)
    async with gateway("http://127.0.0.1:1", transport=transport) as client:
        assert await client.delete() == outcome
    assert len(transport.requests) == requests
    lost = next((i for i, step in enumerate(steps) if isinstance(step, Interrupted)), requests)
    assert [request.fresh for request in transport.requests] == [i > lost for i in range(requests)]


async def test_a_bug_before_the_first_byte_is_not_an_unknown_outcome() -> None:
    """Nothing was sent, and the answer says so."""
    transport = ScriptedTransport(EarlyBugError())
    async with gateway("http://127.0.0.1:1", transport=transport) as client:
        assert await client.delete() == unavailable(
            "The gateway failed before this delete was sent. Nothing was deleted; it is safe to repeat.",
        )


async def call(transport: ScriptedTransport, seconds: float, observer: NoOperationObserver) -> str:
    """Delete one contact with so many seconds until the deadline; the outcome."""
    callers = CallerReader(load({}))
    caller = callers.read(Headers([(b"authorization", b"Bearer a"), (b"wethod-company", b"acme")]))
    executor = Executor(
        transport,
        base_path="",
        max_in_progress=10,
        list_concurrency=4,
        rate_limits=RateLimitMemory(),
        audit=None,
        observer=observer,
    )
    deadline = asyncio.get_running_loop().time() + seconds
    context = RequestContext(executor, callers, caller, deadline, 16_384)
    return type(await context.call(DELETE_CONTACT, contact_id="7")).__name__


async def test_nothing_is_sent_with_less_than_a_tenth_of_a_second_left() -> None:
    """It would be answered too late, and a delete that need not be unknown would become so."""
    transport = ScriptedTransport(OK)
    assert await call(transport, 0.09, NoOperationObserver()) == "WethodUnavailableError"
    assert transport.requests == []


async def test_a_record_that_fails_changes_no_outcome() -> None:
    """A full disk is no reason to tell a client less than is known."""

    class FullDisk(NoOperationObserver):
        def operation_ended(self, record: OperationRecord) -> None:
            raise OSError(28, f"No space left on device for {record.operation.name}")

    assert await call(ScriptedTransport(OK), 5.0, FullDisk()) == "DeleteContactSuccess"


async def test_a_client_that_hangs_up_does_not_cancel_a_delete() -> None:
    """A DELETE on the wire goes on, and an equal delete that comes later shares its success."""
    async with upstream([answer(200, delay_seconds=0.4), answer(404)]) as wethod, gateway(wethod.url) as client:
        deleting = asyncio.create_task(client.delete())
        await wethod.asked_for(1)
        deleting.cancel()
        await asyncio.wait([deleting])
        # Joins the same call: were it cancelled, this would be a second DELETE.
        assert await client.delete() == success()
        assert len(wethod.asked) == 1


def test_a_caller_shows_no_token() -> None:
    """Secrets stay out of reprs."""
    caller = CallerReader(load({})).read(Headers([(b"authorization", b"Bearer hunter2")]))
    assert "hunter2" not in repr(caller)
    request = Request(
        b"DELETE", b"/api/contact/7", ((b"Authorization", b"Bearer hunter2"),), 1.0, 2.0, body_needed, b"Bearer hunter2"
    )
    assert "hunter2" not in repr(request)
