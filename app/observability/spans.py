"""Spans of OpenTelemetry: the request, its operation and each try to send, where the environment asks for them.

The conventions are those of HTTP spans (stable) and of GraphQL server spans (in development). Nothing of
OpenTelemetry is imported unless an exporter is configured by the variables that its specification gives.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from app import __version__
from schema.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, SpanKind

    from app.http_client.transport import Request
    from app.settings import Settings

logger = logging.getLogger(__name__)

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
_CLIENT_ERROR = 400
_SERVER_ERROR = 500
_FLUSH_SECONDS = 3.0
_LONGEST = 256


def wanted_exporters(environ: Mapping[str, str]) -> list[str]:
    """Names of the span exporters that the environment asks for; none where it asks for none.

    ``OTEL_TRACES_EXPORTER`` names them; without it an OTLP endpoint means ``otlp``. Unlike the specification's
    default, silence means none: a gateway does not look for a collector that nobody mentioned.
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    named = environ.get("OTEL_TRACES_EXPORTER", "").strip()
    if not named:
        endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
        return ["otlp"] if any(environ.get(name) for name in endpoints) else []
    return [name for part in named.split(",") if (name := part.strip()) and name != "none"]


def open_tracing(settings: Settings) -> Tracing | None:
    """Tracing as the environment asks for it; None where it does not, or where that cannot be had."""
    wanted = wanted_exporters(os.environ)
    if not wanted:
        return None
    try:
        return Tracing(settings, [_exporter(name) for name in wanted])
    except ImportError as problem:
        logger.warning("spans are asked for and will not be sent: install wethod-graphql[otel] (%s)", problem)
    except Exception as problem:  # noqa: BLE001 - whatever the SDK makes of its variables; a delete needs no span
        logger.warning("spans are asked for and will not be sent: %s", problem)
    return None


def _exporter(name: str) -> SpanExporter:
    """An exporter by the name that the environment gives it.

    Raises:
        ImportError: nothing that is installed has the name.
    """
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415 - see above

        # Standard output is the audit's.
        return ConsoleSpanExporter(out=sys.stderr)
    if name == "otlp":
        protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
        name = f"otlp_proto_{(protocol or 'http/protobuf').partition('/')[0]}"
    for entry_point in importlib.metadata.entry_points(group="opentelemetry_traces_exporter", name=name):
        exporter: SpanExporter = entry_point.load()()
        return exporter
    raise ImportError(f"no exporter named {name}")


class Attempt:
    """One try to send, under its span.

    Attributes:
        request: the request to send, its trace context that of the span where a setting says so.
    """

    __slots__ = ("_error", "_span", "request")

    def __init__(self, span: Span, request: Request, error: Any) -> None:
        self._span = span
        self._error = error
        self.request = request

    def answered(self, status: int) -> None:
        """Wethod answered."""
        self._span.set_attribute("http.response.status_code", status)
        if status >= _CLIENT_ERROR:
            self._span.set_attribute("error.type", str(status))
            self._span.set_status(self._error)

    def failed(self, problem: BaseException) -> None:
        """No answer came."""
        self._span.set_attribute("error.type", type(problem).__name__)
        self._span.set_status(self._error, str(problem))


class RequestSpan:
    """The server span of one request; current until ``end``."""

    __slots__ = ("_span", "_token", "_tracing")

    def __init__(self, tracing: Tracing, span: Span, token: Any) -> None:
        self._tracing = tracing
        self._span = span
        self._token = token

    def end(self, status: int | None) -> None:
        """End it; None where no answer was given."""
        span = self._span
        if status is not None:
            span.set_attribute("http.response.status_code", status)
        if status is None or status >= _SERVER_ERROR:
            span.set_attribute("error.type", "disconnected" if status is None else str(status))
            span.set_status(self._tracing.error)
        span.end()
        self._tracing.detach(self._token)


class Tracing:
    """Makes spans and hands them to exporters, in batches and on a thread of their own.

    Args:
        settings: for Wethod's address and whether the trace goes on there.
        exporters: where spans go.
    """

    def __init__(self, settings: Settings, exporters: list[SpanExporter]) -> None:
        from opentelemetry import context, trace  # noqa: PLC0415 - optional, and several MB
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        ours = Resource.create({"service.name": "wethod-graphql", "service.version": __version__})
        # What the environment says of the service goes before what we say.
        resource = ours.merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        for exporter in exporters:
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("wethod-graphql", __version__)
        self._propagator = TraceContextTextMapPropagator()
        self._trace = trace
        self._attach = context.attach
        self.detach = context.detach
        self.error = trace.StatusCode.ERROR
        self._passes_on = settings.gateway_trace_upstream
        base = urlsplit(settings.wethod_base_url)
        self._origin = f"{base.scheme}://{base.netloc}"
        self._address = base.hostname or ""
        self._port = base.port or (443 if base.scheme == "https" else 80)

    def request(self, scope: Mapping[str, Any], client: str) -> RequestSpan | None:
        """Begin the span of a request, as the child of the one whose ``traceparent`` came with it.

        None where it is not sampled: nothing below it would be, and three spans that nobody sees cost 50 µs.
        """
        carrier: dict[str, str] = {}
        agent = ""
        for name, value in scope["headers"]:
            if name in (b"traceparent", b"tracestate"):
                key = name.decode()
                # Several lines of tracestate are one list (W3C Trace Context section 3.3.1); of traceparent, an error.
                carrier[key] = (
                    f"{carrier[key]},{value.decode('latin-1')}" if key in carrier else value.decode("latin-1")
                )
            elif name == b"user-agent":
                agent = value.decode("latin-1")
        parent = self._propagator.extract(carrier)
        method, path = scope["method"], scope["path"]
        known = method in _METHODS
        attributes = {
            "http.request.method": method if known else "_OTHER",
            "http.route": path,
            "url.path": path,
            "url.scheme": scope["scheme"],
            "network.protocol.version": scope["http_version"],
        }
        if client:
            attributes["client.address"] = client
        if agent:
            attributes["user_agent.original"] = clean(agent)[:_LONGEST]
        span = self._tracer.start_span(
            f"{method if known else 'HTTP'} {path}", parent, kind=self._trace.SpanKind.SERVER, attributes=attributes
        )
        if not span.is_recording():
            return None
        return RequestSpan(self, span, self._attach(self._trace.set_span_in_context(span, parent)))

    @contextlib.contextmanager
    def operation(self, kind: str, name: str | None) -> Iterator[None]:
        """The span of a GraphQL operation; never its document, which may hold anything."""
        attributes = {"graphql.operation.type": kind}
        if name:
            attributes["graphql.operation.name"] = clean(name)[:_LONGEST]
        # The name is the client's, so the span goes by the type.
        with self._current(kind, self._trace.SpanKind.SERVER, attributes):
            yield

    @property
    def is_recording(self) -> bool:
        """Whether what happens now is part of a span that somebody will see."""
        return self._trace.get_current_span().is_recording()

    @contextlib.contextmanager
    def attempt(self, request: Request) -> Iterator[Attempt]:
        """The span of one try to send to Wethod; its headers, token included, are no part of it."""
        attributes: dict[str, str | int] = {
            "http.request.method": request.method.decode("ascii"),
            "server.address": self._address,
            "server.port": self._port,
            "url.full": self._origin + request.target.decode("ascii"),
        }
        if request.fresh:
            attributes["http.request.resend_count"] = 1
        with self._current(request.method.decode("ascii"), self._trace.SpanKind.CLIENT, attributes) as span:
            yield Attempt(span, self._continued(request) if self._passes_on else request, self.error)

    def _current(self, name: str, kind: SpanKind, attributes: Mapping[str, str | int]) -> AbstractContextManager[Span]:
        # Tracebacks are the log's.
        return self._tracer.start_as_current_span(
            name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
        )

    def _continued(self, request: Request) -> Request:
        """The request with the current span in place of the caller's trace context."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        own = tuple((name.encode("ascii"), value.encode("ascii")) for name, value in carrier.items())
        others = tuple(field for field in request.headers if field[0].lower() not in (b"traceparent", b"tracestate"))
        return msgspec.structs.replace(request, headers=others + own)

    async def aclose(self) -> None:
        """Send what is left, at most for a few seconds."""
        loop = asyncio.get_running_loop()
        sent = asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            with contextlib.suppress(RuntimeError):  # the loop did not wait
                loop.call_soon_threadsafe(sent.set)

        # Not the loop's executor, for whose threads the end of the process would wait.
        threading.Thread(target=shut_down, name="spans", daemon=True).start()
        try:
            async with asyncio.timeout(_FLUSH_SECONDS):
                await sent.wait()
        except TimeoutError:
            logger.warning("spans were left when the gateway stopped: their collector did not take them in time")
