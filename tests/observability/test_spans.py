"""Spans reach the collector that the environment names, in the caller's trace, and never hold a secret."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.http_client.transport import Interrupted
from app.observability.configure_tracing import exporter_names, open_tracing
from app.observability.logs import JsonFormatter
from app.observability.tracing import FLUSH_SECONDS
from app.server.config import SHUTDOWN_SECONDS
from app.settings import load
from tests.gateway import gateway
from tests.observability.records import CALLER, SCOPE, request, running
from tests.observability.span_collector import collector
from tests.support import settle
from tests.upstream import Answer, upstream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.http_client.transport import Request
    from tests.observability.span_collector import Collected, Collector

ROOT = Path(__file__).parents[2]
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"
TRACEPARENT = (b"traceparent", f"00-{TRACE_ID}-{PARENT_ID}-01".encode())


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def collecting(silence: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collector() as running_collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running_collector.url)
        yield running_collector


async def answer(
    results: Sequence[int | BaseException] = (200,),
    *,
    headers: Sequence[tuple[bytes, bytes]] = (TRACEPARENT,),
    method: str = "POST",
    status: int | None = 200,
    name: str | None = None,
    document_id: str | None = None,
    **environ: str,
) -> list[Request]:
    """Report one request to the observers of a worker that then stops.

    Args:
        results: the result of each attempt to send; no operation runs if there is none.
        headers: header fields of the request.
        method: its method.
        status: the status of the response.
        name: the operation's name.
        document_id: the id of its document.
        environ: settings.

    Returns:
        The requests to Wethod, as the observers left them.
    """
    sent = []
    async with running(environ) as observers:
        scope = SCOPE | {"method": method, "headers": list(headers)}
        observation = observers.requests.request_started(scope, *CALLER)
        if results:
            with observation.operation("mutation", name, document_id):
                for number, result in enumerate(results):
                    sent.append(request(headers=((b"Authorization", b"Bearer secret"), *headers)))
                    attempt = observers.operations.attempt_started(sent[-1], repeat=number > 0)
                    await asyncio.sleep(0)
                    if isinstance(result, int):
                        attempt.answered(result)
                    else:
                        attempt.failed(result)
        observation.ended(status)
    return sent


def parents(spans: list[Collected]) -> dict[str, str]:
    """Return each span's parent by name, or by id if it is not among the spans."""
    names = {span.span_id: span.name for span in spans}
    return {span.name: names.get(span.parent_id, span.parent_id) for span in spans}


async def test_a_call_is_three_spans(collecting: Collector) -> None:
    await answer(headers=[TRACEPARENT, (b"user-agent", b"a-router/1")], WETHOD_BASE_URL="http://127.0.0.1:9/base")
    assert {span.trace_id for span in collecting.spans} == {TRACE_ID}
    assert parents(collecting.spans) == {
        "POST /graphql": PARENT_ID,
        "mutation": "POST /graphql",
        "PUT": "mutation",
    }
    received, operation, attempt = map(collecting.one, ("POST /graphql", "mutation", "PUT"))
    assert (received.kind, operation.kind, attempt.kind) == ("SERVER", "SERVER", "CLIENT")
    assert not any(span.error for span in collecting.spans)
    assert received.attributes == {
        "http.request.method": "POST",
        "http.route": "/graphql",
        "http.response.status_code": 200,
        "url.path": "/graphql",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "client.address": "203.0.113.7",
        "user_agent.original": "a-router/1",
    }
    assert operation.attributes == {"graphql.operation.type": "mutation"}
    assert attempt.attributes == {
        "http.request.method": "PUT",
        "http.response.status_code": 200,
        "server.address": "127.0.0.1",
        "server.port": 9,
        "url.full": "http://127.0.0.1:9/api/thing",
    }
    assert collecting.resource["service.name"] == "wethod-graphql"
    assert collecting.resource["service.version"]
    assert collecting.headers["content-type"] == "application/x-protobuf"


async def test_name_and_document_are_attributes(collecting: Collector) -> None:
    """They are not in the span's name, because the client chooses both."""
    await answer(name="Remove\nit", document_id="sha256:1f" + "0" * 400)
    assert collecting.one("mutation").attributes == {
        "graphql.operation.type": "mutation",
        "graphql.operation.name": "Removeit",
        "graphql.document.id": "sha256:1f" + "0" * 247,
    }


async def test_no_span_has_a_secret(collecting: Collector) -> None:
    await answer(headers=[TRACEPARENT, (b"authorization", b"Bearer secret"), (b"cookie", b"hidden")])
    assert len(collecting.spans) == 3
    raw = b"".join(span.raw for span in collecting.spans)
    for secret in (b"secret", b"Bearer", b"hidden"):
        assert secret not in raw


async def test_a_repeat_is_a_span_of_its_own(collecting: Collector) -> None:
    await answer([Interrupted("connection reset"), 200])
    first, repeat = [span for span in collecting.spans if span.name == "PUT"]
    assert (first.error, first.status_message) == (True, "connection reset")
    assert first.attributes["error.type"] == "Interrupted"
    assert first.events == []
    assert "http.response.status_code" not in first.attributes
    assert "http.request.resend_count" not in first.attributes
    assert not repeat.error
    assert repeat.attributes["http.request.resend_count"] == 1
    assert first.parent_id == repeat.parent_id
    assert not collecting.one("POST /graphql").error


@pytest.mark.parametrize(
    ("result", "kind"),
    [(asyncio.CancelledError(), "CancelledError"), (403, "403"), (ValueError("a bug"), "ValueError")],
)
async def test_a_failed_attempt_is_an_error_and_its_request_is_not(
    result: int | BaseException, kind: str, collecting: Collector
) -> None:
    await answer([result])
    attempt = collecting.one("PUT")
    assert (attempt.error, attempt.attributes["error.type"]) == (True, kind)
    assert not collecting.one("POST /graphql").error


async def test_an_attempt_whose_body_a_stop_cuts_has_its_status(collecting: Collector) -> None:
    cut = Answer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 50\r\n\r\n")
    async with upstream([cut]) as wethod, gateway(wethod.url) as client:
        deleting = asyncio.create_task(client.delete())
        await wethod.asked_for(1)
        await settle()
        await client.force_stop()
        await deleting
    assert collecting.one("DELETE").attributes["http.response.status_code"] == 403


@pytest.mark.parametrize(
    ("status", "error"), [(400, None), (422, None), (500, "500"), (503, "503"), (None, "disconnected")]
)
async def test_only_the_servers_faults_are_errors(status: int | None, error: str | None, collecting: Collector) -> None:
    await answer([], status=status)
    (span,) = collecting.spans
    assert span.attributes.get("http.response.status_code") == status
    assert (span.error, span.attributes.get("error.type")) == (error is not None, error)


@pytest.mark.parametrize(
    "traceparent",
    [
        pytest.param(None, id="none"),
        pytest.param("00-" + "0" * 32 + "-" + PARENT_ID + "-01", id="zeros"),
        pytest.param("garbage", id="garbage"),
    ],
)
async def test_without_a_trace_one_begins(traceparent: str | None, collecting: Collector) -> None:
    await answer(headers=[] if traceparent is None else [(b"traceparent", traceparent.encode())])
    received = collecting.one("POST /graphql")
    assert received.parent_id == ""
    assert received.trace_id not in {TRACE_ID, "0" * 32}


async def test_a_trace_that_is_not_sampled_is_not_sent(collecting: Collector) -> None:
    """Its context goes to Wethod unchanged."""
    unsampled = (b"traceparent", TRACEPARENT[1][:-1] + b"0")
    (sent,) = await answer(headers=[unsampled], GATEWAY_TRACE_UPSTREAM="true")
    assert collecting.spans == []
    assert unsampled in sent.headers


async def test_wethod_gets_no_trace_context_by_default(collecting: Collector) -> None:
    (sent,) = await answer(headers=[TRACEPARENT])
    assert sent.headers == ((b"Authorization", b"Bearer secret"), TRACEPARENT)
    assert collecting.one("PUT").trace_id == TRACE_ID


async def test_wethod_gets_the_span_of_the_attempt_by_setting(collecting: Collector) -> None:
    """Several tracestate fields are one list."""
    tracestate = [(b"tracestate", b"a=1"), (b"tracestate", b"b=2")]
    sent = await answer([Interrupted("reset"), 200], headers=[TRACEPARENT, *tracestate], GATEWAY_TRACE_UPSTREAM="true")
    spans = [span for span in collecting.spans if span.name == "PUT"]
    for one, span in zip(sent, spans, strict=True):
        fields: dict[bytes, Any] = dict(one.headers)
        assert fields[b"traceparent"] == f"00-{TRACE_ID}-{span.span_id}-01".encode()
        assert fields[b"tracestate"] == b"a=1,b=2"
        assert len(one.headers) == 3


async def test_the_environment_overrides_the_service_name(
    collecting: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "things")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    await answer()
    assert collecting.resource["service.name"] == "things"
    assert collecting.resource["deployment.environment.name"] == "test"


@pytest.mark.parametrize("status", [503, None])
async def test_a_collector_that_is_down_changes_nothing(
    status: int | None, collecting: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway stops in time."""
    if status is None:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    else:
        collecting.status = status
    async with asyncio.timeout(10):
        await answer()
    assert collecting.spans == []


def test_the_time_for_spans_at_a_stop_is_shorter_than_that_of_the_stop() -> None:
    """A collector that hangs must leave time for the rest."""
    assert FLUSH_SECONDS < SHUTDOWN_SECONDS


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param("api-key: s3cr3t", id="colon"),
        pytest.param("api-key=s3cr3t\ns3cr3t", id="line-end"),
        pytest.param("api-key=s3cr3t%0As3cr3t", id="encoded-line-end"),
    ],
)
async def test_a_malformed_header_for_the_collector_is_not_in_the_log(
    headers: str, collecting: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It may hold a key, and the libraries quote it."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", headers)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")  # seconds: its thread outlives the test
    await answer()
    assert "api-key" not in collecting.headers
    assert "s3cr3t" in caplog.text
    lines = "".join(map(JsonFormatter().format, caplog.records))
    assert "s3cr3t" not in lines
    assert ": ***" in lines


async def test_an_unknown_method_is_not_in_a_span_name(collecting: Collector) -> None:
    """The number of names is bounded."""
    await answer([], method="PROPFIND")
    (span,) = collecting.spans
    assert (span.name, span.attributes["http.request.method"]) == ("HTTP /graphql", "_OTHER")


# id: (the environment, the exporters that it configures)
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


@pytest.mark.parametrize(("environ", "names"), ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_the_environment_configures_exporters(environ: dict[str, str], names: list[str]) -> None:
    assert exporter_names(environ) == names


@pytest.mark.usefixtures("silence")
@pytest.mark.parametrize(
    ("variables", "warned"),
    [
        pytest.param(
            {"OTEL_TRACES_EXPORTER": "carrier-pigeon"},
            "no spans are sent: install wethod-graphql[otel] (no exporter named carrier-pigeon)",
            id="unknown",
        ),
        pytest.param(
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "no spans are sent: install wethod-graphql[otel] (no exporter named otlp_proto_grpc)",
            id="grpc",
        ),
        pytest.param(
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"},
            "no spans are sent: install wethod-graphql[otel] (no exporter named otlp_proto_grpc)",
            id="grpc-for-traces",
        ),
        pytest.param(
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_BSP_SCHEDULE_DELAY": "soon", "OTEL_BSP_MAX_QUEUE_SIZE": "-1"},
            "no spans are sent: ",
            id="nonsense",
        ),
    ],
)
def test_an_exporter_that_cannot_be_made_is_a_warning(
    variables: dict[str, str], warned: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert open_tracing(load({})) is None
    assert caplog.records[-1].message.startswith(warned)


def run(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", cwd=ROOT, env=environ, check=True
    )


OBSERVE = (
    "import asyncio, sys\n"
    "from tests.observability.records import CALLER, SCOPE, running\n"
    "async def main():\n"
    "    async with running() as observers:\n"
    "        observers.requests.request_started(SCOPE, *CALLER).ended(200)\n"
    "asyncio.run(main())\n"
)


def test_a_console_span_is_a_line_of_standard_error() -> None:
    """Standard output belongs to the audit."""
    done = run(OBSERVE, OTEL_TRACES_EXPORTER="console")
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert json.loads(line)["name"] == "POST /graphql"


def test_nothing_of_opentelemetry_is_imported_without_an_exporter() -> None:
    """It takes 6 MB and 50 ms."""
    done = run(OBSERVE + "print([name for name in sys.modules if name.startswith(('opentelemetry', 'google'))])\n")
    assert done.stdout == "[]\n"
