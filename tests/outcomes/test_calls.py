"""One call: the headers that it sends, its tries and its one repeat, its deadline, and bugs of the gateway."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from app.headers import Headers, parse_headers
from app.http_client.transport import Interrupted, NotSent, Request, Response
from app.settings import load
from app.wethod.caller import CallerReader
from app.wethod.executor import Executor
from app.wethod.rate_limits import RateLimitMemory
from app.wethod.request_context import RequestContext
from schema.delete_contact import DELETE_CONTACT
from schema.error_outcomes import body_needed
from tests.gateway import HEADERS, gateway
from tests.outcomes.outcomes import TRANSPORTS, success, unavailable, unknown
from tests.support import free_port, json_lines
from tests.upstream import HANGING, answer, upstream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.wethod.record import OperationRecord
    from tests.gateway import GatewayClient
    from tests.upstream import Upstream


@TRANSPORTS
async def test_only_the_listed_headers_are_sent_to_wethod(transport: str) -> None:
    async with upstream([answer(200)]) as wethod, gateway(wethod.url, {"WETHOD_TRANSPORT": transport}) as client:
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
async def test_an_unusable_request_id_is_replaced(client: GatewayClient, wethod: Upstream, value: str | None) -> None:
    """It could forge a line of a log."""
    headers: dict[str, Any] = HEADERS if value is None else HEADERS | {"X-Request-ID": value.encode()}
    body = {"query": "mutation { deleteContact(id: 1) { __typename } }"}
    await client.http.post(f"{client.url}/graphql", json=body, headers=headers)
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
    async with upstream([answer(200)]) as wethod, gateway(wethod.url, {"GATEWAY_TRACE_UPSTREAM": "true"}) as client:
        await client.delete(headers=HEADERS | {"Traceparent": traceparent, "Tracestate": "a=b"})
        (asked,) = wethod.asked
    assert asked.header("traceparent") == (traceparent.encode() if sent else None)
    assert asked.header("tracestate") == (b"a=b" if sent else None)


async def test_several_fields_of_the_trace_state_are_one_list() -> None:
    trace = [("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("Tracestate", "a=b")]
    async with upstream([answer(200)]) as wethod, gateway(wethod.url, {"GATEWAY_TRACE_UPSTREAM": "true"}) as client:
        headers = [*HEADERS.items(), *trace, ("Tracestate", "c=d")]
        body = {"query": "mutation { deleteContact(id: 1) { __typename } }"}
        await client.http.post(f"{client.url}/graphql", json=body, headers=headers)
        (asked,) = wethod.asked
    assert asked.header("tracestate") == b"a=b,c=d"


@TRANSPORTS
async def test_no_cookie_of_one_caller_reaches_another(transport: str) -> None:
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
async def test_the_target_begins_with_the_base_path(transport: str) -> None:
    async with (
        upstream([answer(200)]) as wethod,
        gateway(f"{wethod.url}/behind/a-proxy/", {"WETHOD_TRANSPORT": transport}) as client,
    ):
        assert await client.delete() == success()
    assert [asked.target for asked in wethod.asked] == ["/behind/a-proxy/api/contact/7"]


@TRANSPORTS
async def test_a_delete_is_sent_as_soon_as_wethod_is_back(transport: str) -> None:
    port = free_port()
    async with gateway(f"http://127.0.0.1:{port}", {"WETHOD_TRANSPORT": transport}) as client:
        deleting = asyncio.create_task(client.delete())
        await asyncio.sleep(0.04)
        async with upstream([answer(200)], port=port) as wethod:
            assert await deleting == success()
            assert len(wethod.asked) == 1


@TRANSPORTS
async def test_one_deadline_spans_all_deletes_of_a_request(transport: str) -> None:
    """The third delete uses up the time, so the fourth is not sent."""
    query = "mutation { " + " ".join(f"d{i}: deleteContact(id: {i}) {{ __typename }}" for i in range(1, 5)) + " }"

    async with (
        upstream([answer(200), answer(200), HANGING]) as wethod,
        gateway(wethod.url, {"WETHOD_TRANSPORT": transport, "WETHOD_TIMEOUT_SECONDS": "2"}) as client,
    ):
        response = await client.graphql(query)
        outcomes = [result["__typename"] for result in response.json()["data"].values()]
        assert outcomes == ["DeleteContactSuccess"] * 2 + ["WethodOutcomeUnknownError", "WethodUnavailableError"]
        assert len(wethod.asked) == 3


async def test_too_many_deletes_are_refused_at_once() -> None:
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


async def test_a_rate_limit_is_remembered_for_its_token() -> None:
    """Without a delay in Wethod's answer nothing is remembered."""
    async with upstream([answer(429, b"", {"x-ratelimit-retry-after": "2"})]) as wethod, gateway(wethod.url) as client:
        first = await client.delete()
        assert (first["statusCode"], first["retryAfterSeconds"]) == (429, 2)
        second = await client.delete("8")
        assert second == {
            "__typename": "WethodRateLimitedError",
            "key": "too_many_requests",
            "message": "Wethod allows this token no more requests for now. Nothing was sent.",
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


async def test_a_shorter_rate_limit_does_not_shorten_a_longer_one() -> None:
    """Two deletes are in flight when the first 429 arrives."""
    first_is_answered = asyncio.Event()
    long = answer(429, b"", {"retry-after": "600"})
    short = replace(answer(429, b"", {"retry-after": "1"}), after=first_is_answered)
    async with (
        upstream(lambda asked: long if asked.target.endswith("/1") else short) as wethod,
        gateway(wethod.url) as client,
    ):
        second = asyncio.create_task(client.delete("2"))
        await wethod.asked_for(1)
        assert (await client.delete("1"))["retryAfterSeconds"] == 600
        first_is_answered.set()
        assert (await second)["retryAfterSeconds"] == 1
        third = await client.delete("3")
        assert (third["__typename"], third["statusCode"]) == ("WethodRateLimitedError", None)
        assert third["retryAfterSeconds"] > 1
        assert len(wethod.asked) == 2


def test_remembered_tokens_are_bounded_and_expire() -> None:
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
    """A transport that raises or answers by a script, also in ways that no socket can."""

    def __init__(self, *steps: BaseException | Response | Callable[[], Any]) -> None:
        self.steps = list(steps)
        self.requests: list[Request] = []

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        step = self.steps.pop(0)
        if isinstance(step, NotSent | EarlyBugError):
            raise step
        request.written = True
        if isinstance(step, BaseException):
            raise step
        response: Response = step if isinstance(step, Response) else await step()
        return response

    async def aclose(self) -> None:
        """Nothing to close."""


OK = Response(200, parse_headers(()), b"")


@pytest.mark.parametrize(
    "failure", [RuntimeError("a bug"), TimeoutError(), OSError(9, "x"), AssertionError()], ids=repr
)
@pytest.mark.parametrize("repeat", [False, True], ids=["first", "repeat"])
async def test_a_bug_after_the_first_byte_is_an_unknown_outcome(failure: Exception, *, repeat: bool) -> None:
    """Wethod may have deleted the contact."""
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
async def test_a_delete_has_three_tries_and_one_repeat(
    steps: tuple[Any, ...], outcome: dict[str, Any], requests: int, tmp_path: Path
) -> None:
    """A repeat uses a fresh connection. The audit counts only requests that were written."""
    transport = ScriptedTransport(*steps)
    environ = {"GATEWAY_AUDIT_LOG": str(tmp_path / "audit.log")}
    async with gateway("http://127.0.0.1:1", environ, transport=transport) as client:
        assert await client.delete() == outcome
    assert len(transport.requests) == requests
    (line,) = json_lines(tmp_path / "audit.log")
    assert line["attempts"] == sum(not isinstance(step, NotSent) for step in steps[:requests])
    lost = next((i for i, step in enumerate(steps) if isinstance(step, Interrupted)), requests)
    assert [request.fresh for request in transport.requests] == [i > lost for i in range(requests)]


async def test_the_log_says_which_request_has_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    transport = ScriptedTransport(NotSent("a certificate", transient=False), Interrupted("lost"), NotSent("no way"))
    async with gateway("http://127.0.0.1:1", transport=transport) as client:
        caplog.clear()
        for contact_id in ("7", "8"):
            await client.delete(contact_id)
    assert [record.getMessage() for record in caplog.records if record.name == "app.wethod.sender"] == [
        "no response to deleteContact: a certificate",
        "no response to deleteContact: lost",
        "no response to the repeat of deleteContact: no way",
    ]


async def test_a_bug_after_the_response_is_an_unknown_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    """The delete was sent, and the engine fails while it processes the response."""

    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(RateLimitMemory, "remember", fail)
    transport = ScriptedTransport(Response(429, Headers({b"retry-after": b"5"}), b"{}"))
    async with gateway("http://127.0.0.1:1", transport=transport) as client:
        assert await client.delete() == unknown()
    assert len(transport.requests) == 1


async def test_a_bug_before_the_first_byte_means_not_sent() -> None:
    transport = ScriptedTransport(EarlyBugError())
    async with gateway("http://127.0.0.1:1", transport=transport) as client:
        assert await client.delete() == unavailable(
            "The gateway failed before this delete was sent. Nothing was deleted; it is safe to repeat.",
        )


class SilentObserver:
    """An observer of operations and of their attempts, which does nothing."""

    def attempt_started(self, request: Request, *, repeat: bool) -> SilentObserver:
        return self

    def answered(self, status: int) -> None: ...

    def failed(self, problem: BaseException) -> None: ...

    def operation_ended(self, record: OperationRecord) -> None: ...

    def list_started(self, operation: str, size: int) -> None: ...


async def call(transport: ScriptedTransport, seconds: float, observer: SilentObserver) -> str:
    """Delete one contact with this many seconds until the deadline; return the outcome."""
    callers = CallerReader(load({}))
    caller = callers.read(parse_headers([(b"authorization", b"Bearer a"), (b"wethod-company", b"acme")]))
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
    context = RequestContext(caller, deadline, 16_384, executor=executor, callers=callers)
    return type(await context.call(DELETE_CONTACT, contact_id="7")).__name__


async def test_nothing_is_sent_with_less_than_a_tenth_of_a_second_left() -> None:
    """Its outcome would become unknown needlessly."""
    transport = ScriptedTransport(OK)
    assert await call(transport, 0.09, SilentObserver()) == "WethodUnavailableError"
    assert transport.requests == []


async def test_a_record_that_fails_changes_no_outcome() -> None:
    """A full disk, for example."""

    class FullDisk(SilentObserver):
        def operation_ended(self, record: OperationRecord) -> None:
            raise OSError(28, f"No space left on device for {record.operation.name}")

    assert await call(ScriptedTransport(OK), 5.0, FullDisk()) == "DeleteContactSuccess"


def test_a_caller_shows_no_token() -> None:
    caller = CallerReader(load({})).read(parse_headers([(b"authorization", b"Bearer hunter2")]))
    assert "hunter2" not in repr(caller)
    request = Request(
        b"DELETE", b"/api/contact/7", ((b"Authorization", b"Bearer hunter2"),), 1.0, 2.0, body_needed, b"Bearer hunter2"
    )
    assert "hunter2" not in repr(request)
