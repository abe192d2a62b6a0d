"""One GraphQL request from its head to its answer, as logs, metrics and spans see it."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

from app.observability.logs import REQUEST_LOGGER, RequestLine
from schema.text import clean

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from contextlib import AbstractContextManager

    from graphql import OperationType

    from app.graphql_http.client_address import AddressReader
    from app.observability.logs import LogHandler
    from app.observability.metrics import Metrics
    from app.observability.spans import RequestSpan, Tracing
    from app.wethod.caller import Caller

_LONGEST = 200

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Watch:
    """What looks at every request of a worker.

    Attributes:
        metrics: counts it.
        addresses: tells where it came from.
        log: takes its line; None where the level is above it.
        tracing: makes its spans; None where nobody wants them.
    """

    metrics: Metrics
    addresses: AddressReader
    log: LogHandler | None
    tracing: Tracing | None


class Exchange:
    """A context manager around one request; whatever ends it, it is counted and has its line.

    Attributes:
        client: the client's address as the trusted proxies give it; empty where it is not known.
        status: of the answer; None until there is one, and for ever where the client left before.
    """

    __slots__ = ("_caller", "_kind", "_name", "_scope", "_span", "_started", "_watch", "client", "status")

    def __init__(self, scope: Mapping[str, Any], watch: Watch) -> None:
        self._scope = scope
        self._watch = watch
        self._span: RequestSpan | None = None
        self._caller: Caller | None = None
        self._kind: OperationType | None = None
        self._name: str | None = None
        self.client = watch.addresses.read(scope)
        self.status: int | None = None

    def __enter__(self) -> Self:
        watch = self._watch
        watch.metrics.http_in_progress += 1
        self._started = time.perf_counter()
        if watch.tracing is not None:
            self._span = watch.tracing.request(self._scope, self.client)
        return self

    def identify(self, caller: Caller) -> None:
        """Say who asks, once that is known."""
        self._caller = caller

    def operation(
        self, kind: OperationType, name: str | None, execution: Coroutine[Any, Any, T]
    ) -> Coroutine[Any, Any, T]:
        """Say what is asked for.

        Args:
            kind: a query or a mutation.
            name: the operation's name, the client's own word.
            execution: its execution.

        Returns:
            The execution, in a span where somebody traces.
        """
        self._kind = kind
        self._name = name
        tracing = self._watch.tracing
        if tracing is None or self._span is None:
            return execution
        return _traced(execution, tracing.operation(kind.value, name))

    def __exit__(self, *_: object) -> None:
        seconds = time.perf_counter() - self._started
        watch = self._watch
        watch.metrics.http_in_progress -= 1
        watch.metrics.answer(self.status, seconds)
        if self._span is not None:
            self._span.end(self.status)
        if watch.log is not None:
            watch.log.write_request(self._line(seconds))

    def _line(self, seconds: float) -> RequestLine:
        scope, caller, name = self._scope, self._caller, self._name
        return RequestLine(
            dt.datetime.now(dt.UTC),
            "info",
            REQUEST_LOGGER,
            "request",
            scope["method"],
            clean(scope["path"])[:_LONGEST],
            self.status,
            round(seconds * 1000, 3),
            None if caller is None else caller.request_id,
            self.client or None,
            None if caller is None else caller.company,
            None if self._kind is None else self._kind.value,
            name and clean(name)[:_LONGEST],
        )


async def _traced(execution: Coroutine[Any, Any, T], span: AbstractContextManager[None]) -> T:
    with span:
        return await execution
