"""The GraphQL endpoint: one linear way from a request to an answer (GraphQL over HTTP, draft of 2026-08)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from graphql import OperationType

from app.context import RequestContext
from app.execution.refusal import ErrorCode, Refusal
from app.http.encode import encode, encode_refusal, format_error, refusal_status, send_answer
from app.http.negotiate import GRAPHQL_RESPONSE, HTML, negotiate
from app.http.read import (
    ClientGone,
    HttpRefusal,
    check_content_type,
    from_body,
    from_query_string,
    read_body,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import ExecutionResult
    from starlette.types import Receive, Scope, Send

    from app.context import CallerReader
    from app.execution.operations import Operations
    from app.execution.request import GraphQLRequest
    from app.execution.trusted_operations import TrustedOperations
    from app.settings import Settings
    from app.telemetry.exchange import Exchange
    from app.telemetry.telemetry import Telemetry
    from app.wethod.client import WethodClient

logger = logging.getLogger(__name__)

ALLOWED = "GET, HEAD, POST"
_PARTIAL_SUCCESS = 294
_SAFE = frozenset({"GET", "HEAD"})
_INTERNAL = "Internal server error."
_INTERNAL_BODY = encode({"errors": [{"message": _INTERNAL, "extensions": {"code": ErrorCode.INTERNAL_SERVER_ERROR}}]})


class Page(Protocol):
    """What answers a browser."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a page."""
        ...


class GraphQLEndpoint:
    """An ASGI application that answers GraphQL requests at whatever path it is asked.

    Args:
        client: what deletes.
        callers: what reads the caller from the headers.
        operations: what finds the plan of a request.
        settings: for the limits and the deadline.
        page: what answers a browser; None where browsers get no page.
        telemetry: what is told of each request.
    """

    def __init__(
        self,
        *,
        client: WethodClient,
        callers: CallerReader,
        operations: Operations | TrustedOperations,
        settings: Settings,
        page: Page | None,
        telemetry: Telemetry,
    ) -> None:
        self._client = client
        self._callers = callers
        self._operations = operations
        self._page = page
        self._telemetry = telemetry
        self._most_body_bytes = settings.gateway_max_body_bytes
        self._timeout_seconds = settings.wethod_timeout_seconds
        # Deletes past the limit are answered in GraphQL; past twice as many, requests are not even read.
        self._most_requests = 2 * settings.gateway_max_in_flight
        self.in_progress = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        media_type = GRAPHQL_RESPONSE
        headers: Mapping[str, str] | None = None
        self.in_progress += 1
        try:
            media_type = self._negotiate(scope)
            if media_type == HTML and self._page is not None:
                await self._page(scope, receive, send)
                return
            with self._telemetry.request(scope) as exchange:
                try:
                    result = await self._run(scope, receive, exchange)
                    status, body = self._encode_result(result, media_type)
                except Refusal as refusal:
                    status, body, headers = self._encode_refusal(refusal, media_type)
                except ClientGone:
                    return
                except Exception:
                    logger.exception("a request failed in the gateway")
                    status, body = 500, _INTERNAL_BODY
                exchange.status = status
        except Refusal as refusal:
            with self._telemetry.request(scope) as exchange:
                status, body, headers = self._encode_refusal(refusal, media_type)
                exchange.status = status
        finally:
            self.in_progress -= 1
        if not 200 <= status < 300:  # noqa: PLR2004 - the class of statuses
            media_type = GRAPHQL_RESPONSE
        await send_answer(send, status, media_type, body, headers)

    def _negotiate(self, scope: Scope) -> str:
        accept = b",".join([value for name, value in scope["headers"] if name == b"accept"])
        media_type = negotiate(accept, html=self._page is not None and scope["method"] in _SAFE)
        if media_type is None:
            raise HttpRefusal(
                406,
                ErrorCode.BAD_REQUEST,
                "Nothing in the Accept header is on offer: application/graphql-response+json, application/json.",
            )
        if self.in_progress > self._most_requests:
            raise HttpRefusal(
                503,
                ErrorCode.LIMIT_EXCEEDED,
                "Too many requests are in progress here. Nothing was sent; repeat later.",
                limit="in_flight",
            )
        return media_type

    async def _run(self, scope: Scope, receive: Receive, exchange: Exchange) -> ExecutionResult:
        caller = self._callers.read(scope["headers"], exchange.client)
        exchange.identify(caller)
        safe = scope["method"] in _SAFE
        request = from_query_string(scope["query_string"]) if safe else await self._read(scope, receive)
        deadline = asyncio.get_running_loop().time() + self._timeout_seconds
        plan = self._operations.plan(request)
        if safe and plan.operation is not OperationType.QUERY:
            raise HttpRefusal(
                405, ErrorCode.BAD_REQUEST, f"A {plan.operation.value} must be sent by POST.", headers={"Allow": "POST"}
            )
        variables = plan.coerce(request.variables)
        if isinstance(variables, list):
            raise Refusal(ErrorCode.BAD_USER_INPUT, variables)
        context = RequestContext(self._client, self._callers, caller, deadline)
        with exchange.operation(plan.operation.value, request.operation_name):
            return await plan.execute(variables, context)

    async def _read(self, scope: Scope, receive: Receive) -> GraphQLRequest:
        if scope["method"] != "POST":
            raise HttpRefusal(
                405, ErrorCode.BAD_REQUEST, "GraphQL is asked by POST, or a query by GET.", headers={"Allow": ALLOWED}
            )
        content_types = []
        length = None
        for name, value in scope["headers"]:
            if name == b"content-type":
                content_types.append(value)
            elif name == b"content-length":
                length = value
            elif name == b"content-encoding" and value.lower() != b"identity":
                raise HttpRefusal(
                    415,
                    ErrorCode.BAD_REQUEST,
                    "The request's body must not be encoded.",
                    headers={"Accept-Encoding": "identity"},
                )
        check_content_type(content_types)
        return from_body(await read_body(receive, length, self._most_body_bytes))

    def _encode_refusal(self, refusal: Refusal, media_type: str) -> tuple[int, bytes, Mapping[str, str] | None]:
        if refusal.limit:
            self._telemetry.refused(refusal.limit)
        headers = refusal.headers if isinstance(refusal, HttpRefusal) else None
        return refusal_status(refusal, media_type), encode_refusal(refusal), headers

    def _encode_result(self, result: ExecutionResult, media_type: str) -> tuple[int, bytes]:
        if not result.errors:
            return 200, encode({"data": result.data})
        formatted = []
        for error in result.errors:
            # Whatever Wethod does is a member of the union: an error of execution is a bug of ours.
            logger.error("a field failed: %s", error, exc_info=error.original_error)
            formatted.append(format_error(error, ErrorCode.INTERNAL_SERVER_ERROR) | {"message": _INTERNAL})
        body = encode({"data": result.data, "errors": formatted})
        return (_PARTIAL_SUCCESS if media_type == GRAPHQL_RESPONSE else 200), body
