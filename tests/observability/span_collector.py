"""A collector of OpenTelemetry spans on a loopback port."""

from __future__ import annotations

import contextlib
import http.server
import threading
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

KINDS = {1: "INTERNAL", 2: "SERVER", 3: "CLIENT"}


@dataclass
class Collected:
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    error: bool
    status_message: str
    events: list[str]
    raw: bytes


@dataclass
class Collector:
    """A running collector.

    Attributes:
        url: its endpoint, for ``OTEL_EXPORTER_OTLP_ENDPOINT``.
        spans: the spans that it received.
        resource: attributes of the sender.
        headers: those of the last request.
        status: the status of its answers.
    """

    url: str = ""
    spans: list[Collected] = field(default_factory=list)
    resource: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        for resource_spans in request.resource_spans:
            self.resource = {one.key: value(one.value) for one in resource_spans.resource.attributes}
            for scope_spans in resource_spans.scope_spans:
                self.spans.extend(collected(span) for span in scope_spans.spans)

    def one(self, name: str) -> Collected:
        (found,) = [span for span in self.spans if span.name == name]
        return found


def value(given: AnyValue) -> Any:
    return getattr(given, given.WhichOneof("value") or "string_value")


def collected(span: Span) -> Collected:
    return Collected(
        name=span.name,
        kind=KINDS[span.kind],
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        attributes={one.key: value(one.value) for one in span.attributes},
        error=span.status.code == 2,
        status_message=span.status.message,
        events=[event.name for event in span.events],
        raw=span.SerializeToString(),
    )


@contextlib.contextmanager
def collector() -> Iterator[Collector]:
    running = Collector()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            running.headers = {name.lower(): text for name, text in self.headers.items()}
            if self.path == "/v1/traces" and running.status == 200:
                running.take(zlib.decompress(body, 31) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(running.status if self.path == "/v1/traces" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Do nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
            thread.join()
