"""The GraphQL endpoint: one linear way from a request to an answer (GraphQL over HTTP, draft of 2026-08)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from graphql import GraphQLError, OperationType

from app.execution.request_error import ErrorCode, RequestError
from app.graphql_http.negotiation import GRAPHQL_RESPONSE, HTML, negotiate
from app.graphql_http.request import (
    ClientGone,
    HttpRefusal,
    check_content_type,
    from_body,
    from_query_string,
    read_body,
    too_large,
)
from app.graphql_http.response import answer_whole, encode, encode_refusal, format_error, refusal_status, send_answer
from app.headers import gather
from app.wethod.caller import RequestContext
from app.whole import whole_messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import ExecutionResult
    from starlette.types import Receive, Scope, Send

    from app.documents.graphql_request import GraphQLRequest
    from app.documents.persisted import PersistedOperations
    from app.documents.trusted import TrustedOperations
    from app.execution.plan import Coerced, Plan
    from app.headers import Fields
    from app.observability.telemetry import Telemetry
    from app.settings import Settings
    from app.wethod.caller import CallerReader
    from app.wethod.executor import WethodClient

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
        operations: PersistedOperations | TrustedOperations,
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
        fields = gather(scope["headers"])
        whole = whole_messages(send)
        self.in_progress += 1
        try:
            media_type = self._negotiate(scope["method"], fields)
            if media_type == HTML and self._page is not None:
                await self._page(scope, receive, send)
                return
            with self._telemetry.request(scope) as exchange:
                try:
                    caller = self._callers.read(fields, exchange.client)
                    exchange.identify(caller)
                    if scope["method"] in _SAFE:
                        request = from_query_string(scope["query_string"])
                    else:
                        self._check_head(scope["method"], fields)
                        given = None if whole is None else whole.take_body()
                        if given is None:
                            given = await read_body(receive, self._most_body_bytes)
                        request = from_body(given, self._most_body_bytes)
                    deadline = asyncio.get_running_loop().time() + self._timeout_seconds
                    plan, variables = self._plan(scope["method"], request)
                    context = RequestContext(self._client, self._callers, caller, deadline)
                    execution = plan.execute(variables, context)
                    result = await exchange.operation(plan.operation, request.operation_name, execution)
                    status, body = self._encode_result(result, media_type)
                except RequestError as refusal:
                    status, body, headers = self._encode_refusal(refusal, media_type)
                except ClientGone:
                    return
                except Exception:
                    logger.exception("a request failed in the gateway")
                    status, body = 500, _INTERNAL_BODY
                exchange.status = status
        except RequestError as refusal:
            with self._telemetry.request(scope) as exchange:
                status, body, headers = self._encode_refusal(refusal, media_type)
                exchange.status = status
        finally:
            self.in_progress -= 1
        if not 200 <= status < 300:  # noqa: PLR2004 - the class of statuses
            media_type = GRAPHQL_RESPONSE
        if whole is None or headers is not None or not answer_whole(whole, status, media_type, body):
            await send_answer(send, status, media_type, body, headers)

    def _negotiate(self, method: str, fields: Fields) -> str:
        media_type = fields.media_type
        if media_type is None:
            accept = fields.get(b"accept", b"")
            if isinstance(accept, list):
                accept = b",".join(accept)
            media_type = fields.media_type = negotiate(accept, html=self._page is not None and method in _SAFE)
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

    def _check_head(self, method: str, fields: Fields) -> None:
        """Whether the body is worth reading.

        Raises:
            HttpRefusal: 405, 413 or 415.
        """
        if fields.is_readable:
            return
        if method != "POST":
            raise HttpRefusal(
                405, ErrorCode.BAD_REQUEST, "GraphQL is asked by POST, or a query by GET.", headers={"Allow": ALLOWED}
            )
        check_content_type(fields)
        length = fields.get(b"content-length")
        if isinstance(length, bytes) and length.isdigit() and int(length) > self._most_body_bytes:
            raise too_large(self._most_body_bytes)
        fields.is_readable = True

    def _plan(self, method: str, request: GraphQLRequest) -> tuple[Plan, Coerced]:
        """What a request runs, and on what.

        Raises:
            RequestError: nothing, or not by this method.
        """
        plan = self._operations.find(request).plan
        if method in _SAFE and plan.operation is not OperationType.QUERY:
            raise HttpRefusal(
                405, ErrorCode.BAD_REQUEST, f"A {plan.operation.value} must be sent by POST.", headers={"Allow": "POST"}
            )
        return plan, plan.coerce(request.variables)

    def _encode_refusal(self, refusal: RequestError, media_type: str) -> tuple[int, bytes, Mapping[str, str] | None]:
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
            # Neither the document nor a literal in it is logged: only the message, the path and the frames.
            cause = error.original_error
            trace = cause if cause is not None and not isinstance(cause, GraphQLError) else None
            logger.error("a field failed: %s: %s", error.path, error.message, exc_info=trace)
            formatted.append(format_error(error, ErrorCode.INTERNAL_SERVER_ERROR) | {"message": _INTERNAL})
        body = encode({"data": result.data, "errors": formatted})
        return (_PARTIAL_SUCCESS if media_type == GRAPHQL_RESPONSE else 200), body
