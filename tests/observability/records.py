"""Requests as the observers see them, the observers of a worker, and the samples of ``/metrics``."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families

from app.http_client.transport import Request
from app.observability.observability import Observability
from app.server.lifecycle import Lifecycle
from app.settings import load
from schema.root import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping


SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "POST",
    "path": "/graphql",
    "scheme": "http",
    "http_version": "1.1",
    "client": ("203.0.113.7", 4711),
    "headers": [],
}

CALLER = ("request-1", "acme", "203.0.113.7")
"""Request id, company and address."""


def request(*, written: bool = True, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Request:
    return Request(
        b"PUT", b"/api/thing?owner=hidden", headers, 0.0, 0.0, lambda _status, _headers: "none", written=written
    )


def observability(
    environ: Mapping[str, str] | None = None, lifecycle: Lifecycle | None = None, **more: Any
) -> Observability:
    """Return the observers of a worker, without an audit."""
    return Observability(load(environ or {}), OPERATIONS, lifecycle=lifecycle or Lifecycle(), **more)


@contextlib.asynccontextmanager
async def running(environ: Mapping[str, str] | None = None, **more: Any) -> AsyncIterator[Observability]:
    observers = observability(environ, **more)
    await observers.start()
    try:
        yield observers
    finally:
        await observers.aclose()


def labels(values: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{value}"' for name, value in sorted(values.items()))
    return f"{{{pairs}}}" if pairs else ""


def samples(text: bytes) -> dict[str, float]:
    """Return the samples of ``/metrics`` as ``name{label="value"}``, without those that differ from run to run."""
    return {
        f"{sample.name}{labels(sample.labels)}": sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if not family.name.startswith(("gateway_process", "gateway_build", "gateway_event_loop"))
    }


def counts(text: bytes) -> dict[str, float]:
    """Return the samples of ``/metrics`` that are not 0, without sums and buckets."""
    return {
        name: value for name, value in samples(text).items() if value and "_sum" not in name and "_bucket" not in name
    }


def numbers(observers: Observability) -> dict[str, float]:
    return counts(observers.render_metrics()[0])
