"""Spans reach a collector as the conventions have them, continue the caller's trace, and cost nothing when off."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.http_client.transport import Reply, Request
from app.observability.spans import open_tracing, wanted_exporters
from app.observability.upstream import TracedTransport
from app.settings import load
from tests.gateway import HEADERS, gateway
from tests.telemetry.collector import collector
from tests.upstream import LOST, Answer, answer, upstream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.telemetry.collector import Collected, Collector
    from tests.upstream import Asked

ROOT = Path(__file__).parents[2]
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"
TRACED = HEADERS | {"Traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01", "User-Agent": "a-router/1"}
DELETE = "mutation Delete($id: ID!) { deleteContact(id: $id) { __typename } }"
VARIABLES = (
    "OTEL_SDK_DISABLED",
    "OTEL_TRACES_EXPORTER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_SERVICE_NAME",
    "OTEL_RESOURCE_ATTRIBUTES",
)


@pytest.fixture
def collecting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector that the environment names."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with collector() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
        yield running


async def delete(
    script: Sequence[Answer], headers: dict[str, str] = TRACED, query: str = DELETE, **environ: str
) -> tuple[str, list[Asked]]:
    """One delete through a gateway that then stops; Wethod's address, and what it was asked."""
    async with upstream(script) as wethod:
        async with gateway(wethod.url, {"WETHOD_TRANSPORT": "httpx", **environ}) as client:
            await client.graphql(query, {"id": "7"}, headers)
        return wethod.url, wethod.asked


def family(spans: list[Collected]) -> dict[str, str]:
    """Each span's parent by name."""
    names = {span.span_id: span.name for span in spans}
    return {span.name: names.get(span.parent_id, span.parent_id) for span in spans}


async def test_a_delete_is_three_spans(collecting: Collector) -> None:
    """The request, its operation, the try to send: one trace, the caller's, each with its conventions' attributes."""
    url, _ = await delete([answer(200)])
    assert {span.trace_id for span in collecting.spans} == {TRACE_ID}
    assert family(collecting.spans) == {
        "POST /graphql": PARENT_ID,
        "mutation": "POST /graphql",
        "DELETE": "mutation",
    }
    request, operation, attempt = map(collecting.one, ("POST /graphql", "mutation", "DELETE"))
    assert (request.kind, operation.kind, attempt.kind) == ("SERVER", "SERVER", "CLIENT")
    assert not any(span.error for span in collecting.spans)
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/graphql",
        "http.response.status_code": 200,
        "url.path": "/graphql",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "client.address": "127.0.0.1",
        "user_agent.original": "a-router/1",
    }
    assert operation.attributes == {"graphql.operation.type": "mutation"}
    assert attempt.attributes == {
        "http.request.method": "DELETE",
        "http.response.status_code": 200,
        "server.address": "127.0.0.1",
        "server.port": int(url.rpartition(":")[2]),
        "url.full": f"{url}/api/contact/7",
    }
    assert collecting.resource["service.name"] == "wethod-graphql"
    assert collecting.resource["service.version"]
    assert collecting.headers["content-type"] == "application/x-protobuf"


async def test_no_span_holds_a_secret_or_the_document(collecting: Collector) -> None:
    """Tokens, cookies, bodies and documents stay out, and so does a query string, which may hold them all."""
    headers = TRACED | {"Cookie": "hidden-cookie"}
    rejection = answer(404, b'{"message": "hidden-words"}')
    async with upstream([rejection]) as wethod, gateway(wethod.url, {"WETHOD_TRANSPORT": "httpx"}) as client:
        await client.graphql(DELETE.replace("Delete", "HiddenName"), {"id": "7"}, headers)
        await client.http.get(f"{client.url}/graphql", params={"query": "{ __typename hidden }"}, headers=headers)
    assert len(collecting.spans) >= 4
    raw = b"".join(span.raw for span in collecting.spans)
    for secret in (b"test-token", b"Bearer", b"hidden", b"__typename", b"deleteContact"):
        assert secret not in raw


async def test_the_operations_name_is_an_attribute(collecting: Collector) -> None:
    """Where the request gives one; never the span's name, as it is the client's word."""
    async with upstream([answer(200)]) as wethod, gateway(wethod.url, {"WETHOD_TRANSPORT": "httpx"}) as client:
        await client.graphql(DELETE, {"id": "7"}, TRACED, operationName="Delete")
    assert collecting.one("mutation").attributes["graphql.operation.name"] == "Delete"


async def test_a_repeat_is_a_span_of_its_own(collecting: Collector) -> None:
    """The lost try is an error that says why, and the repeat is one resend; the delete succeeds."""
    await delete([LOST, answer(200)])
    first, repeat = [span for span in collecting.spans if span.name == "DELETE"]
    assert first.error
    assert first.status_message
    assert first.attributes["error.type"] == "Interrupted"
    assert first.events == []
    assert "http.response.status_code" not in first.attributes
    assert "http.request.resend_count" not in first.attributes
    assert not repeat.error
    assert repeat.attributes["http.request.resend_count"] == 1
    assert first.parent_id == repeat.parent_id
    assert not collecting.one("POST /graphql").error


async def test_a_cut_try_is_an_error(collecting: Collector) -> None:
    """The deadline, a stop: whatever ended it is named."""
    tracing = open_tracing(load({}))
    assert tracing is not None

    class Hanging:
        async def send(self, request: Request) -> Reply:
            del request
            return await asyncio.Future()

        async def aclose(self) -> None:
            """Nothing to close."""

    traced = TracedTransport(Hanging(), tracing)
    with tracing.operation("mutation", None), pytest.raises(TimeoutError):
        await asyncio.wait_for(traced.send(Request(b"DELETE", b"/api/contact/7", (), 0.0, 0.0)), 0.01)
    await traced.aclose()
    await tracing.aclose()
    attempt = collecting.one("DELETE")
    assert (attempt.error, attempt.attributes["error.type"]) == (True, "CancelledError")


async def test_a_rejection_is_an_error_of_the_try_alone(collecting: Collector) -> None:
    """A 4xx is a client span's error; the gateway answered as it should."""
    await delete([answer(403, b"{}")])
    attempt = collecting.one("DELETE")
    assert attempt.error
    assert (attempt.attributes["error.type"], attempt.attributes["http.response.status_code"]) == ("403", 403)
    assert not collecting.one("POST /graphql").error


async def test_a_refused_request_is_one_span(collecting: Collector) -> None:
    """No operation, nothing sent; the caller's mistake is no error of the server's."""
    await delete([answer(200)], query="{ nonsense")
    (span,) = collecting.spans
    assert span.attributes["http.response.status_code"] == 400
    assert not span.error


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(HEADERS, id="none"),
        pytest.param(HEADERS | {"Traceparent": "00-" + "0" * 32 + "-" + PARENT_ID + "-01"}, id="zeros"),
        pytest.param(HEADERS | {"Traceparent": "garbage"}, id="garbage"),
    ],
)
async def test_without_a_trace_one_begins(headers: dict[str, str], collecting: Collector) -> None:
    """A root span of a trace of our own."""
    await delete([answer(200)], headers)
    request = collecting.one("POST /graphql")
    assert request.parent_id == ""
    assert request.trace_id not in {TRACE_ID, "0" * 32}


async def test_a_trace_that_is_not_sampled_is_not_sent(collecting: Collector) -> None:
    """The caller decides: the flag is honoured, and passed on where a setting says so."""
    headers = TRACED | {"Traceparent": f"00-{TRACE_ID}-{PARENT_ID}-00"}
    _, (asked,) = await delete([answer(200)], headers, GATEWAY_TRACE_UPSTREAM="true")
    assert collecting.spans == []
    assert asked.header("traceparent") == headers["Traceparent"].encode()


async def test_wethod_sees_no_trace_unless_a_setting_says_so(collecting: Collector) -> None:
    """It is another company's business."""
    _, (asked,) = await delete([answer(200)])
    assert asked.header("traceparent") is None
    assert collecting.one("DELETE").trace_id == TRACE_ID


async def test_wethod_continues_the_trace_where_a_setting_says_so(collecting: Collector) -> None:
    """Below the try's own span, with the caller's tracestate."""
    headers = TRACED | {"Tracestate": "vendor=1"}
    _, asked = await delete([LOST, answer(200)], headers, GATEWAY_TRACE_UPSTREAM="true")
    spans = [span for span in collecting.spans if span.name == "DELETE"]
    assert [one.header("traceparent") for one in asked] == [
        f"00-{TRACE_ID}-{span.span_id}-01".encode() for span in spans
    ]
    assert [one.header("tracestate") for one in asked] == [b"vendor=1"] * 2


async def test_without_spans_the_callers_trace_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting does not need OpenTelemetry."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    _, (asked,) = await delete([answer(200)], GATEWAY_TRACE_UPSTREAM="true")
    assert asked.header("traceparent") == TRACED["Traceparent"].encode()


async def test_the_environment_names_the_service(collecting: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an operator says of the service goes before what we say."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "contacts")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    await delete([answer(200)])
    assert collecting.resource["service.name"] == "contacts"
    assert collecting.resource["deployment.environment.name"] == "test"


@pytest.mark.parametrize("status", [503, None])
async def test_a_collector_that_is_down_changes_nothing(
    status: int | None, collecting: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deletes go on, and the gateway stops in its time."""
    if status is None:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    else:
        collecting.status = status
    async with upstream([answer(200)]) as wethod:
        async with gateway(wethod.url, {"WETHOD_TRANSPORT": "httpx"}) as client:
            outcome = await client.delete()
            assert outcome["__typename"] == "DeleteContactSuccess"
            stopping = time.monotonic()
        assert time.monotonic() - stopping < 5
    assert collecting.spans == []


# What the environment says, and the exporters that it asks for.
ENVIRONMENTS: dict[str, tuple[dict[str, str], list[str]]] = {
    "silence": ({}, []),
    "endpoint": ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, ["otlp"]),
    "traces-endpoint": ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, ["otlp"]),
    "named": ({"OTEL_TRACES_EXPORTER": "otlp"}, ["otlp"]),
    "several": ({"OTEL_TRACES_EXPORTER": "otlp, console"}, ["otlp", "console"]),
    "none": ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, []),
    "disabled": ({"OTEL_SDK_DISABLED": "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, []),
    "not-disabled": ({"OTEL_SDK_DISABLED": "false", "OTEL_TRACES_EXPORTER": "console"}, ["console"]),
}


@pytest.mark.parametrize(("environ", "wanted"), [pytest.param(*case, id=name) for name, case in ENVIRONMENTS.items()])
def test_the_environment_asks_for_exporters(environ: dict[str, str], wanted: list[str]) -> None:
    """By the variables of OpenTelemetry's specification; silence asks for none."""
    assert wanted_exporters(environ) == wanted


@pytest.mark.parametrize(
    ("variables", "warned"),
    [
        pytest.param(
            {"OTEL_TRACES_EXPORTER": "carrier-pigeon"},
            "spans are asked for and will not be sent: install wethod-graphql[otel] (no exporter named carrier-pigeon)",
            id="unknown",
        ),
        pytest.param(
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "spans are asked for and will not be sent: install wethod-graphql[otel] (no exporter named otlp_proto_g",
            id="grpc",
        ),
        pytest.param(
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_BSP_SCHEDULE_DELAY": "soon", "OTEL_BSP_MAX_QUEUE_SIZE": "-1"},
            "spans are asked for and will not be sent: ",
            id="nonsense",
        ),
    ],
)
def test_exporters_that_cannot_be_had_are_warned_of(
    variables: dict[str, str], warned: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A delete needs no span: the gateway starts without."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert open_tracing(load({})) is None
    assert caplog.records[-1].message.startswith(warned)


def test_console_spans_leave_standard_output_to_the_audit() -> None:
    """They go to standard error."""
    code = (
        "import asyncio\n"
        "from app.settings import load\n"
        "from app.observability.spans import open_tracing\n"
        "async def main():\n"
        "    tracing = open_tracing(load({}))\n"
        "    with tracing.operation('query', None): pass\n"
        "    await tracing.aclose()\n"
        "asyncio.run(main())\n"
    )
    environ = {"OTEL_TRACES_EXPORTER": "console", "PATH": "/usr/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", cwd=ROOT, env=environ, check=True
    )
    assert done.stdout == ""
    assert '"name": "query"' in done.stderr


def test_nothing_of_opentelemetry_is_imported_when_it_is_off() -> None:
    """It takes 6 MB and 50 ms."""
    code = (
        "import sys\n"
        "from app.main import create_app\n"
        "from app.server.context import WorkerContext\n"
        "from app.settings import load\n"
        "settings = load({'WETHOD_TRANSPORT': 'httpx', 'WETHOD_BASE_URL': 'http://127.0.0.1:9'})\n"
        "create_app(WorkerContext(settings, audit_key=b'k'))\n"
        "print(sorted(name for name in sys.modules if name.startswith(('opentelemetry', 'google', 'requests'))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", cwd=ROOT, env={}, check=True
    )
    assert done.stdout == "[]\n"


async def test_an_unknown_method_is_no_label(collecting: Collector) -> None:
    """Whatever a client invents, the names of spans are few."""
    async with upstream([answer(200)]) as wethod, gateway(wethod.url, {"WETHOD_TRANSPORT": "httpx"}) as client:
        await client.http.request("PROPFIND", f"{client.url}/graphql", headers=TRACED)
    (span,) = collecting.spans
    assert (span.name, span.attributes["http.request.method"]) == ("HTTP /graphql", "_OTHER")
