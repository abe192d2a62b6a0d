"""Spans as OpenTelemetry's environment variables configure them. Without them, nothing of OpenTelemetry is imported."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.trace.export import SpanExporter

    from app.observability.tracing import Tracing
    from app.settings import Settings

logger = logging.getLogger(__name__)


def open_tracing(settings: Settings) -> Tracing | None:
    """Return the tracing that the environment configures; None if it configures none, or one that cannot be used."""
    names = exporter_names(os.environ)
    if not names:
        return None
    try:
        from app.observability.tracing import Tracing  # noqa: PLC0415 - optional, and several MB

        return Tracing(settings, [_exporter(name) for name in names])
    except ImportError as problem:
        logger.warning("no spans are sent: install wethod-graphql[otel] (%s)", problem)
    except Exception as problem:  # noqa: BLE001 - the SDK raises anything for its variables, and no call needs a span
        logger.warning("no spans are sent: %s", problem)
    return None


def exporter_names(environ: Mapping[str, str]) -> list[str]:
    """Return the names of the configured span exporters.

    ``OTEL_TRACES_EXPORTER`` names them; without it, an OTLP endpoint means ``otlp``. The specification's default is
    ``otlp`` even without an endpoint, but then a gateway without a collector would try to reach one.
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    default = ""
    if environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        default = "otlp"
    names = environ.get("OTEL_TRACES_EXPORTER", "").strip() or default
    return [name for part in names.split(",") if (name := part.strip()) and name != "none"]


def _exporter(name: str) -> SpanExporter:
    """Make an exporter by the name of its entry point, as the SDK does.

    Raises:
        ImportError: no installed package has the name.
    """
    if name == "otlp":
        protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
        name = f"otlp_proto_{(protocol or 'http/protobuf').partition('/')[0]}"
    arguments: dict[str, object] = {}
    if name == "console":
        # Standard output belongs to the audit. The lines of a span must not mix with those of the log.
        arguments = {"out": sys.stderr, "formatter": lambda span: span.to_json(indent=None) + "\n"}
    for entry_point in importlib.metadata.entry_points(group="opentelemetry_traces_exporter", name=name):
        exporter: SpanExporter = entry_point.load()(**arguments)
        return exporter
    raise ImportError(f"no exporter named {name}")
