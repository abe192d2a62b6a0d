"""An endpoint with a plan that a test writes, for failures that the schema cannot produce."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from app.graphql_http.client_address import AddressReader
from app.graphql_http.endpoint import GraphQLEndpoint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from graphql import ExecutionResult
    from starlette.types import Scope

    from app.headers import Headers


@dataclass(slots=True)
class Plan:
    """A plan that takes any variables and whose result the test makes."""

    run: Callable[[], Awaitable[ExecutionResult]]
    kind: str = "query"

    def coerce(self, variables: object) -> Any:
        return SimpleNamespace(variables=variables, max_text_bytes=1_000)

    async def execute(self, variables: object, context: object) -> ExecutionResult:
        del variables, context
        return await self.run()


@dataclass(slots=True)
class Recorder:
    reports: list[object] = field(default_factory=list)

    def request_started(self, scope: Scope, request_id: str, company: str | None, client: str) -> Recorder:
        self.reports += [scope["path"], (request_id, company, client)]
        return self

    def operation(self, kind: str, name: str | None, document_id: str | None) -> AbstractContextManager[None]:
        self.reports.append((kind, name, document_id))
        return nullcontext()

    def limit_exceeded(self, limit: str) -> None:
        self.reports.append(limit)

    def ended(self, status: int | None) -> None:
        self.reports.append(status)


def make_endpoint(
    run: Callable[[], Awaitable[ExecutionResult]],
    *,
    make_context: Callable[[Any, float, int], object] = lambda *_: None,
    observer: Recorder | None = None,
    document_id: str | None = None,
    max_requests: int = 100,
) -> GraphQLEndpoint:
    """Make an endpoint that runs one plan for every document."""
    found: Any = SimpleNamespace(plan=Plan(run), document_id=document_id)

    def read_caller(_headers: Headers, client: str) -> Any:
        return SimpleNamespace(request_id="request-1", company="acme", client=client, authorization=b"Bearer a")

    return GraphQLEndpoint(
        read_caller=read_caller,
        make_context=make_context,
        find_operation=lambda _: found,
        addresses=AddressReader(()),
        observer=observer or Recorder(),
        cors=None,
        page=None,
        max_body_bytes=10_000,
        max_requests=max_requests,
        timeout_seconds=5.0,
    )
