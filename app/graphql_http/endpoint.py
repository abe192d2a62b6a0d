"""The GraphQL endpoint: one linear function from a request to its answer (GraphQL over HTTP, September 2026)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from graphql import OperationType

from app.execution.request_error import RequestError
from app.graphql_http.http_error import (
    ClientGone,
    method_not_allowed,
    needs_post,
    not_acceptable,
    too_many_requests,
)
from app.graphql_http.negotiation import HTML, negotiate
from app.graphql_http.request import check_body_headers, parse_body, parse_query_string, read_body
from app.graphql_http.response import (
    answer_bug,
    answer_error,
    answer_result,
    common_headers,
    send_answer,
    with_headers,
)
from app.headers import Headers

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from starlette.types import ASGIApp, Receive, Scope, Send

    from app.documents.graphql_request import GraphQLRequest
    from app.graphql_http.client_address import AddressReader
    from app.graphql_http.cors import Cors
    from app.graphql_http.observer import RequestObservation, RequestObserver
    from app.graphql_http.response import Answer
    from app.transition import FoundOperation  # TRANSITION: app.documents.operations has it after the merge
    from app.wethod.caller import Caller

    class Operations(Protocol):
        """Finds the operation that a request names."""

        def find(self, request: GraphQLRequest) -> FoundOperation:
            """Find the plan of the operation.

            Raises:
                RequestError: there is none.
            """
            ...


logger = logging.getLogger(__name__)

_SAFE_METHODS = frozenset({"GET", "HEAD"})


class GraphQLEndpoint:
    """An ASGI application that answers GraphQL requests, at any path.

    Args:
        read_caller: reads the caller from the headers and the client's address.
        make_context: makes the context of the resolvers from the caller, the deadline (event loop time in seconds) and
            the bytes of Wethod's text that each outcome may show.
        operations: finds the plan of a request.
        addresses: reads the client's address.
        observer: is notified of each GraphQL request.
        cors: the origins that may call; None if there are none.
        page: an ASGI application that answers browsers with a page; None if there is none.
        max_body_bytes: the longest body that is read.
        max_requests: the number of requests in progress from which further ones are not read.
        timeout_seconds: the time for a request, from the end of its body.
    """

    def __init__(
        self,
        *,
        read_caller: Callable[[Headers, str], Caller],
        make_context: Callable[[Caller, float, int], object],
        operations: Operations,
        addresses: AddressReader,
        observer: RequestObserver,
        cors: Cors | None,
        page: ASGIApp | None,
        max_body_bytes: int,
        max_requests: int,
        timeout_seconds: float,
    ) -> None:
        self._read_caller = read_caller
        self._make_context = make_context
        self._operations = operations
        self._addresses = addresses
        self._observer = observer
        self._cors = cors
        self._page = page
        self._max_body_bytes = max_body_bytes
        self._max_requests = max_requests
        self._timeout_seconds = timeout_seconds
        self._in_progress = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method = scope["method"]
        headers = Headers(scope["headers"])
        client = self._addresses.read(scope["client"], headers)
        caller = self._read_caller(headers, client)
        fields = common_headers(caller.request_id)
        if self._cors is not None:
            fields += self._cors.headers(headers)
            preflight = self._cors.answer_preflight(method, headers)
            if preflight is not None:
                await send_answer(send, preflight, fields)
                return
        accept = b",".join(headers.repeated.get(b"accept") or (headers.get(b"accept", b""),))
        media_type = negotiate(accept, html=self._page is not None and method in _SAFE_METHODS)
        if media_type == HTML and self._page is not None:
            await self._page(scope, receive, with_headers(send, fields))
            return
        observation = self._observer.request_started(scope)
        observation.identified(request_id=caller.request_id, company=caller.company, client=client)
        answer: Answer | None = None
        self._in_progress += 1
        try:
            answer = await self._answer(
                scope, receive, headers, caller=caller, media_type=media_type, observation=observation
            )
        except ClientGone:
            return
        finally:
            self._in_progress -= 1
            observation.ended(None if answer is None else answer.status)
        await send_answer(send, answer, fields)

    async def _answer(
        self,
        scope: Scope,
        receive: Receive,
        headers: Headers,
        *,
        caller: Caller,
        media_type: str | None,
        observation: RequestObservation,
    ) -> Answer:
        """Read a request, run its operation, and make the answer.

        Raises:
            ClientGone: the client disconnected before its request was complete.
        """
        try:
            if media_type is None:
                raise not_acceptable()  # noqa: TRY301 - one handler turns every error into its answer
            if self._in_progress > self._max_requests:
                raise too_many_requests()  # noqa: TRY301
            by_get = scope["method"] in _SAFE_METHODS
            body = b"" if by_get else await self._read_body(scope["method"], receive, headers)
            deadline = asyncio.get_running_loop().time() + self._timeout_seconds
            request = parse_query_string(scope["query_string"]) if by_get else parse_body(body)
            found = self._operations.find(request)
            plan = found.plan
            if by_get and plan.operation is not OperationType.QUERY:
                raise needs_post(plan.operation.value)  # noqa: TRY301
            variables = plan.coerce(request.variables)
            context = self._make_context(caller, deadline, variables.max_words)
            with observation.operation(plan.operation.value, request.operation_name, found.document_id):
                result = await plan.execute(variables, context)
            return answer_result(result, media_type)
        except RequestError as error:
            if error.limit:
                observation.limit_exceeded(error.limit)
            return answer_error(error, media_type)
        except ClientGone:
            raise
        except Exception:
            logger.exception("A request failed in the gateway.")
            return answer_bug()

    async def _read_body(self, method: str, receive: Receive, headers: Headers) -> bytes:
        """Read the body of a POST.

        Raises:
            HttpError: it is no POST (405), or its body is not worth reading (413, 415).
            ClientGone: the client disconnected.
        """
        if method != "POST":
            raise method_not_allowed()
        check_body_headers(headers, self._max_body_bytes)
        return await read_body(receive, self._max_body_bytes)
