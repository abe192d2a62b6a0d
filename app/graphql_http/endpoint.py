"""The GraphQL endpoint: reads a request, runs its operation, sends the answer (GraphQL over HTTP, September 2026)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect

from app.execution.request_error import ErrorCode, RequestError
from app.graphql_http.http_error import HttpError
from app.graphql_http.negotiation import HTML, negotiate
from app.graphql_http.request import check_body_headers, parse_body, parse_query_string, read_body
from app.graphql_http.response import answer_bug, answer_error, answer_result, common_headers, send_answer
from app.headers import FIELDS, Headers, parse_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from app.documents.graphql_request import FoundOperation, GraphQLRequest
    from app.graphql_http.client_address import AddressReader
    from app.graphql_http.cors import Cors
    from app.graphql_http.observer import RequestObserver
    from app.graphql_http.response import Answer
    from app.headers import RawHeaders
    from app.wethod.caller import Caller

logger = logging.getLogger(__name__)

_SAFE_METHODS = frozenset({"GET", "HEAD"})
_NOT_ACCEPTABLE = (
    "The Accept header names none of the available types: application/graphql-response+json, application/json."
)
_TOO_MANY = "Too many requests are in progress in this gateway. Nothing was sent; try again later."


class GraphQLEndpoint:
    """An ASGI application that answers GraphQL requests, at any path.

    Args:
        read_caller: reads the caller from the headers and the client's address.
        make_context: makes the context of the resolvers from the caller, the deadline (event loop time in seconds) and
            the bytes of Wethod's text that each outcome may show.
        find_operation: finds the plan of a request, or raises a ``RequestError``.
        addresses: reads the client's address.
        observer: is notified of each GraphQL request.
        cors: the origins that may call; None if there are none.
        page: makes the page for a browser from the path of its request; None if there is no page.
        max_body_bytes: the longest body that is read.
        max_requests: the maximum number of requests in progress; further ones are refused unread.
        timeout_seconds: the time for a request, from the end of its body.
    """

    def __init__(
        self,
        *,
        read_caller: Callable[[Headers, str], Caller],
        make_context: Callable[[Caller, float, int], object],
        find_operation: Callable[[GraphQLRequest], FoundOperation],
        addresses: AddressReader,
        observer: RequestObserver,
        cors: Cors | None,
        page: Callable[[str], Response] | None,
        max_body_bytes: int,
        max_requests: int,
        timeout_seconds: float,
    ) -> None:
        self._read_caller = read_caller
        self._make_context = make_context
        self._find_operation = find_operation
        self._addresses = addresses
        self._observer = observer
        self._cors = cors
        self._page = page
        self._max_body_bytes = max_body_bytes
        self._max_requests = max_requests
        self._timeout_seconds = timeout_seconds
        self._in_progress = 0

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Answer one request."""
        method = scope["method"]
        headers: Headers = scope.get(FIELDS) or parse_headers(scope["headers"])
        client = self._addresses.read(scope.get("client"), headers)
        caller = self._read_caller(headers, client)
        fields = common_headers(caller.request_id)
        if self._cors is not None:
            fields += self._cors.headers(headers)
            preflight = self._cors.answer_preflight(method, headers)
            if preflight is not None:
                return send_answer(send, preflight, fields)
        media_type = negotiate(headers.joined(b"accept"), self._page is not None and method in _SAFE_METHODS)
        if media_type == HTML and self._page is not None:
            page = self._page(scope["path"])
            page.headers.update({name.decode("ascii"): value.decode("ascii") for name, value in fields})
            return page(scope, receive, send)
        return self._answer(scope, receive, send, headers, caller, media_type, fields)

    async def _answer(  # noqa: PLR0917 - keywords cost more
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: Headers,
        caller: Caller,
        media_type: str | None,
        fields: RawHeaders,
    ) -> None:
        """Read a GraphQL request, run its operation, and send the answer; ``fields`` are those of every answer."""
        observation = self._observer.request_started(scope, caller.request_id, caller.company, caller.client)
        self._in_progress += 1
        answer: Answer | None = None
        try:
            if media_type is None:
                raise HttpError(406, ErrorCode.BAD_REQUEST, _NOT_ACCEPTABLE)  # noqa: TRY301 - one handler answers all
            self._check_head(scope["method"], headers)
            body = await read_body(receive, self._max_body_bytes) if scope["method"] == "POST" else None
            deadline = asyncio.get_running_loop().time() + self._timeout_seconds
            request = parse_query_string(scope["query_string"]) if body is None else parse_body(body)
            found = self._find_operation(request)
            plan = found.plan
            if body is None and plan.kind != "query":
                message = f"A {plan.kind} must be sent by POST."
                raise HttpError(405, ErrorCode.BAD_REQUEST, message, (b"allow", b"POST"))  # noqa: TRY301 - as above
            variables = plan.coerce(request.variables or {})
            context = self._make_context(caller, deadline, variables.max_text_bytes)
            with observation.operation(plan.kind, request.operation_name, found.document_id):
                result = await plan.execute(variables, context)
            answer = answer_result(result, media_type, caller.request_id)
        except RequestError as error:
            if error.limit:
                observation.limit_exceeded(error.limit)
            answer = answer_error(error, media_type)
        except ClientDisconnect:
            return
        except Exception:
            logger.exception("A request failed in the gateway.", extra={"request_id": caller.request_id})
            answer = answer_bug()
        finally:
            self._in_progress -= 1
            observation.ended(None if answer is None else answer.status)
        await send_answer(send, answer, fields)

    def _check_head(self, method: str, headers: Headers) -> None:
        """Check the head of a request, before its body is read.

        Raises:
            HttpError: 405, 413, 415 or 503.
        """
        if self._in_progress > self._max_requests:
            raise HttpError(503, ErrorCode.LIMIT_EXCEEDED, _TOO_MANY, limit="in_flight")
        if method == "POST":
            check_body_headers(headers, self._max_body_bytes)
        elif method not in _SAFE_METHODS:
            message = "GraphQL requests are sent by POST, or by GET for a query."
            raise HttpError(405, ErrorCode.BAD_REQUEST, message, (b"allow", b"GET, HEAD, POST"))
