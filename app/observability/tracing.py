"""OpenTelemetry spans: the request, its operation and each attempt to send a request to Wethod.

They follow the conventions of HTTP spans (stable) and of GraphQL server spans (in development).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app import __version__
from app.server.config import SHUTDOWN_SECONDS
from app.urls import DEFAULT_PORTS
from schema.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span
    from starlette.types import Scope

    from app.http_client.transport import Request
    from app.settings import Settings

logger = logging.getLogger(__name__)

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
_TRACE_CONTEXT = (b"traceparent", b"tracestate")
_CLIENT_ERROR = 400
_SERVER_ERROR = 500
FLUSH_SECONDS = SHUTDOWN_SECONDS - 0.5
"""Time at a stop to export spans. The remaining steps of the stop need a part of the server's time, too."""
_MAX_CHARACTERS = 256


class Tracing:
    """A maker of spans, which exports them in batches on its own thread.

    Args:
        settings: for Wethod's address, and whether Wethod gets the trace context.
        exporters: receive the spans.
    """

    def __init__(self, settings: Settings, exporters: Sequence[SpanExporter]) -> None:
        own = Resource.create({"service.name": "wethod-graphql", "service.version": __version__})
        # The environment's description of the service takes precedence over ours.
        resource = own.merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        for exporter in exporters:
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("wethod-graphql", __version__)
        self._propagator = TraceContextTextMapPropagator()
        self._traces_upstream = settings.gateway_trace_upstream
        base = urlsplit(settings.wethod_base_url)
        self._origin = f"{base.scheme}://{base.netloc}"
        self._address = base.hostname or ""
        self._port = base.port or DEFAULT_PORTS[base.scheme]

    def start_request(self, scope: Scope, client: str) -> RequestSpan | None:
        """Start the span of a request, as a child of the span in its ``traceparent``.

        Args:
            scope: the ASGI scope of the request.
            client: the client's address; empty if it is not known.

        Returns:
            None if the trace is not sampled: three spans that are never exported cost 50 µs.
        """
        carrier: dict[str, str] = {}
        agent = ""
        for name, value in scope["headers"]:
            if name in _TRACE_CONTEXT:
                key, text = name.decode(), value.decode("latin-1")
                # Several tracestate fields are one list (W3C Trace Context §3.3.1); several traceparents are an error.
                carrier[key] = f"{carrier[key]},{text}" if key in carrier else text
            elif name == b"user-agent":
                agent = value.decode("latin-1")
        parent = self._propagator.extract(carrier)
        method = scope["method"] if scope["method"] in _METHODS else None
        attributes = {
            "http.request.method": method or "_OTHER",
            "http.route": scope["path"],
            "url.path": scope["path"],
            "url.scheme": scope["scheme"],
            "network.protocol.version": scope["http_version"],
        }
        if client:
            attributes["client.address"] = client
        if agent:
            attributes["user_agent.original"] = clean(agent)[:_MAX_CHARACTERS]
        name = f"{method or 'HTTP'} {scope['path']}"
        span = self._tracer.start_span(name, parent, kind=trace.SpanKind.SERVER, attributes=attributes)
        if not span.is_recording():
            return None
        return RequestSpan(self._tracer, span, trace.set_span_in_context(span, parent))

    def start_attempt(self, request: Request, *, repeat: bool) -> AttemptSpan | None:
        """Start the span of an attempt to send a request; its header fields are not part of it.

        Replaces the trace context in ``request.headers`` if a setting says so. Returns None outside of a recorded span.
        """
        if not trace.get_current_span().is_recording():
            return None
        method = request.method.decode("ascii")
        attributes: dict[str, str | int] = {
            "http.request.method": method,
            "server.address": self._address,
            "server.port": self._port,
            # A query string may hold data of a person.
            "url.full": self._origin + request.target.partition(b"?")[0].decode("ascii"),
        }
        if repeat:
            attributes["http.request.resend_count"] = 1
        span = self._tracer.start_span(method, kind=trace.SpanKind.CLIENT, attributes=attributes)
        if self._traces_upstream:
            carrier: dict[str, str] = {}
            self._propagator.inject(carrier, trace.set_span_in_context(span))
            others = tuple(field for field in request.headers if field[0].lower() not in _TRACE_CONTEXT)
            own = tuple((name.encode("ascii"), value.encode("ascii")) for name, value in carrier.items())
            request.headers = others + own
        return AttemptSpan(span)

    async def aclose(self) -> None:
        """Export the spans that are left, within a few seconds."""
        loop = asyncio.get_running_loop()
        exported = asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            with contextlib.suppress(RuntimeError):  # the loop did not wait
                loop.call_soon_threadsafe(exported.set)

        # Not the loop's executor: the end of the process would wait for its threads.
        threading.Thread(target=shut_down, name="spans", daemon=True).start()
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await exported.wait()
        except TimeoutError:
            logger.warning("spans were lost at the stop: the collector did not accept them in time")


class RequestSpan:
    """The server span of one request."""

    __slots__ = ("_context", "_span", "_tracer")

    def __init__(self, tracer: trace.Tracer, span: Span, context: Context) -> None:
        self._tracer = tracer
        self._span = span
        self._context = context

    def operation(self, kind: str, name: str | None, document_id: str | None) -> AbstractContextManager[object]:
        """Return the span of a GraphQL operation; never its document, which may hold anything."""
        attributes = {"graphql.operation.type": kind}
        if name:
            attributes["graphql.operation.name"] = clean(name)[:_MAX_CHARACTERS]
        if document_id:
            attributes["graphql.document.id"] = clean(document_id)[:_MAX_CHARACTERS]
        # The client chooses the operation's name, so the span is named after the type. Tracebacks belong to the log.
        return self._tracer.start_as_current_span(
            kind,
            self._context,
            kind=trace.SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        )

    def end(self, status: int | None) -> None:
        """End the span with the status of the response; None if the connection was lost before it."""
        error = "disconnected" if status is None else str(status) if status >= _SERVER_ERROR else ""
        _end(self._span, status, error)


class AttemptSpan:
    """The client span of one attempt to send a request."""

    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    def end(self, result: int | BaseException) -> None:
        """End the span with the status of the response, or with the problem that prevented one."""
        if isinstance(result, int):
            _end(self._span, result, str(result) if result >= _CLIENT_ERROR else "")
        else:
            _end(self._span, None, type(result).__name__, str(result))


def _end(span: Span, status: int | None, error: str, message: str | None = None) -> None:
    if status is not None:
        span.set_attribute("http.response.status_code", status)
    if error:
        span.set_attribute("error.type", error)
        span.set_status(trace.StatusCode.ERROR, message)
    span.end()
