"""The sender of a call: it tries again while nothing was written, and repeats a request once after a lost response."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Any

import msgspec

from app.http_client.transport import Interrupted, NotSent
from app.settings import RESERVE_SECONDS, SENDING_SECONDS
from app.wethod import rest_request
from schema import rest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.headers import Headers
    from app.http_client.transport import Request, Response, Transport
    from app.wethod.call import CallContext, CallInProgress
    from app.wethod.observer import OperationObserver
    from schema.rest import NoResponse

_BACKOFF_SECONDS = ((0.05, 0.15), (0.15, 0.45), None)
"""Bounds of the random pause after each try; None after the last one."""

_REQUEST_TIMEOUT = 408

_NOT_SENT: Mapping[str, type[rest.NotSent | rest.NoConnection | rest.Stopped]] = {
    "unreachable": rest.NotSent,
    "connection": rest.NoConnection,
    "stopped": rest.Stopped,
}
"""The ``NoResponse`` for each ``NotSent.reason``."""

logger = logging.getLogger(__name__)


class ReadableResponse(msgspec.Struct, frozen=True, gc=False):
    """A response as the outcome tables read it: ``schema.rest.Response``."""

    status: int
    headers: Headers
    body: bytes | None
    max_text_bytes: int


class Sender:
    """A sender of the requests of operations.

    Args:
        transport: carries them.
        base_path: the path of Wethod's base URL, without a slash at its end.
        observer: counts, times and traces each attempt.
    """

    def __init__(self, transport: Transport, base_path: str, observer: OperationObserver) -> None:
        self._transport = transport
        self._base_path = base_path
        self._observer = observer

    async def send(self, call: CallInProgress) -> Any:
        """Send a call that has passed all checks, and return its outcome.

        Each request is added to ``call.requests`` before it is sent, so that it is always known if a byte was written.
        """
        context, operation, arguments = call.context, call.operation, call.arguments
        last_send = context.deadline - RESERVE_SECONDS
        loop = asyncio.get_running_loop()
        begin = loop.time()
        if begin >= last_send:
            return call.without_response(rest.NoTime())
        send_by = min(begin + SENDING_SECONDS, last_send)
        request = rest_request.build(operation, context, arguments, base_path=self._base_path, send_by=send_by)
        call.requests.append(request)
        reason: NoResponse = rest.Interrupted()
        try:
            try:
                response = await self._send_request(request, call)
                # A server may send a 408 to end an idle connection (RFC 9110 §15.5.9): the request may be lost.
                if response.status != _REQUEST_TIMEOUT or not response.reused:
                    return operation.from_response(_readable(response, context), *arguments)
            except Interrupted as problem:
                logger.warning("no response to %s: %s", operation.name, problem, extra=log_fields(context))
            # After a stop during the body of that 408, there is no repeat.
            if operation.idempotent and request.cut_response is None and loop.time() < last_send:
                assert operation.from_repeat is not None  # noqa: S101 - RestOperation checks it
                # ``SENDING_SECONDS`` limits only the first request; the repeat may use all the time that is left.
                repeat = msgspec.structs.replace(request, send_by=last_send, fresh=True, written=False)
                call.requests.append(repeat)
                response = await self._send_request(repeat, call, is_repeat=True)
                return operation.from_repeat(_readable(response, context), *arguments)
        except (NotSent, Interrupted) as problem:
            what = "the repeat of " if len(call.requests) > 1 else ""
            logger.warning("no response to %s%s: %s", what, operation.name, problem, extra=log_fields(context))
            reason = _reason(problem, last_send)
        except asyncio.CancelledError:
            reason = call.absorb_cancellation()
        except Exception:
            logger.exception("%s failed in the gateway", operation.name, extra=log_fields(context))
            reason = rest.Failed()
        if call.attempts:
            # A byte was written: whatever happened since, Wethod may have acted.
            reason = rest.Interrupted()
        return call.without_response(reason)

    async def _send_request(self, request: Request, call: CallInProgress, *, is_repeat: bool = False) -> Response:
        """Send a request. Try the first one again while no byte was written, the problem is transient and time is left.

        A stop while the body is awaited is absorbed, because the head is complete: its status decides the outcome.

        Raises:
            NotSent: nothing was written, and there is no further try.
            Interrupted: the response was lost.
        """
        for bounds in (None,) if is_repeat else _BACKOFF_SECONDS:
            attempt = self._observer.attempt_started(request, repeat=is_repeat)
            try:
                response = await self._transport.send(request)
            except BaseException as problem:
                if request.cut_response is not None:
                    call.absorb_cancellation()
                    attempt.answered(request.cut_response.status)
                    return request.cut_response
                attempt.failed(problem)
                if bounds is None or not isinstance(problem, NotSent) or not problem.transient:
                    raise
                pause = random.uniform(*bounds)
                if asyncio.get_running_loop().time() + pause >= request.send_by:
                    raise
            else:
                attempt.answered(response.status)
                return response
            await asyncio.sleep(pause)
        raise AssertionError  # pragma: no cover - the last round returns or raises


def _reason(problem: NotSent | Interrupted, last_send: float) -> NoResponse:
    if isinstance(problem, Interrupted):
        return rest.Interrupted()
    if problem.reason == "unreachable" and asyncio.get_running_loop().time() >= last_send:
        return rest.NoTime()
    return _NOT_SENT[problem.reason]()


def _readable(response: Response, context: CallContext) -> ReadableResponse:
    return ReadableResponse(response.status, response.headers, response.body, context.max_text_bytes)


def log_fields(context: CallContext) -> dict[str, str]:
    """Return the fields that link a log line to its request.

    Args:
        context: the GraphQL request.
    """
    return {"request_id": context.caller.request_id}
