"""Two example operations, records of their calls, and the observers of a worker that calls them."""

from __future__ import annotations

import contextlib
import enum
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

from prometheus_client.parser import text_string_to_metric_families

from app.http_client.transport import Request
from app.observability.observability import Observability
from app.server.lifecycle import Lifecycle
from app.settings import load
from app.wethod.record import OperationRecord
from schema.errors import WethodNotFoundError, WethodRateLimitedError, WethodUnavailableError
from schema.rest import RestOperation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping


class Evidence(enum.Enum):
    RESPONSE = 1
    ABSENCE = 2


@dataclass
class Removed:
    confirmed_by: Evidence = Evidence.RESPONSE
    status_code: int | None = 200


@dataclass
class Thing:
    name: str = "thing"


ERRORS = (WethodNotFoundError, WethodRateLimitedError, WethodUnavailableError)


def check_nothing() -> tuple[()]:
    """Accept the call of an operation without arguments."""
    return ()


def operation(name: str, success: type, *, audited: bool) -> RestOperation[Any, Any]:
    return RestOperation(
        name=name,
        method="PUT",
        path="/api/thing",
        check=check_nothing,
        outcomes=(success, *ERRORS),
        body_needed=lambda _status, _headers: "none",
        from_response=lambda *_: success(),
        from_no_response=lambda *_: success(),
        audited=audited,
    )


REMOVE = operation("removeThing", Removed, audited=True)
READ = operation("readThing", Thing, audited=False)
OPERATIONS = (REMOVE, READ)

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


def record(
    outcome: object = None,
    called: RestOperation[Any, Any] = REMOVE,
    *,
    shared: bool = False,
    limit: Literal["in_flight", "rate"] | None = None,
) -> OperationRecord:
    """Return the record of a call; a success unless another outcome is given."""
    caller: Any = SimpleNamespace(request_id="request-1")
    return OperationRecord(called, caller, (), outcome or Removed(), 1, shared, 0.0125, limit)


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
