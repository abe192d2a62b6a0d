"""The executor of REST operations: checks, sharing, audit check and record around the sender.

Whatever Wethod, the network or a bug in the engine does, ``execute`` returns a member of the operation's union that
says what is known.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Literal

from app.wethod.call_list import call_list
from app.wethod.in_progress import Places
from app.wethod.record import OperationRecord
from app.wethod.rest_request import check_path
from app.wethod.sender import Sender, log_fields
from schema import rest
from schema.errors import (
    WethodError,
    WethodOutcomeUnknownError,
    WethodRateLimitedError,
    WethodUnexpectedResponseError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from app.http_client.transport import Transport
    from app.wethod.audit import Audit
    from app.wethod.call import CallContext, CallInProgress, CallKey
    from app.wethod.observer import OperationObserver
    from app.wethod.rate_limits import RateLimitMemory
    from schema.rest import NoResponse, RestOperation

_UNCLEAR = (WethodOutcomeUnknownError, WethodUnexpectedResponseError)
"""Outcomes that do not show whether Wethod acted."""

_LIMITS: Mapping[type, Literal["in_flight", "rate"]] = {rest.Overloaded: "in_flight", rest.RateLimited: "rate"}
"""The limits that refuse a call, by the reason for its refusal."""

logger = logging.getLogger(__name__)


class Executor:
    """An executor of operations over a transport.

    Args:
        transport: carries the requests; the caller closes it.
        base_path: the path of Wethod's base URL, without a slash at its end.
        max_in_progress: the maximum number of calls in progress.
        list_concurrency: the maximum number of calls of one list at a time.
        rate_limits: remembers 429s.
        audit: records audited operations; None if the audit is off.
        observer: counts, times and traces.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        base_path: str,
        max_in_progress: int,
        list_concurrency: int,
        rate_limits: RateLimitMemory,
        audit: Audit | None,
        observer: OperationObserver,
    ) -> None:
        self._sender = Sender(transport, base_path, observer)
        self._places = Places(max_in_progress)
        self._list_concurrency = list_concurrency
        self._rate_limits = rate_limits
        self._audit = audit
        self._observer = observer
        self._shared_calls: dict[CallKey, CallInProgress] = {}

    @property
    def in_progress(self) -> Mapping[str, int]:
        """Calls past the checks and without an outcome, by the operation's name."""
        return self._places.by_operation

    async def call_many(
        self, context: CallContext, operation: RestOperation[Any, Any], arguments: Sequence[Any]
    ) -> list[Any]:
        """Call an operation of one parameter for each distinct argument, several at a time: see ``call_list``."""
        try:
            self._observer.list_started(operation.name, len(set(arguments)))
        except Exception:
            logger.exception("a list of %s could not be counted", operation.name)
        return await call_list(self.execute, context, operation, arguments, self._list_concurrency)

    async def execute(self, call: CallInProgress) -> Any:
        """Run a call: at most one request, and one repeat of it. Return a member of the operation's union."""
        started = time.perf_counter()
        context, operation, arguments = call.context, call.operation, call.arguments
        try:
            call.refused = _refuse(call) or self._admit(call)
            if call.refused is not None:
                outcome = call.without_response(call.refused)
            else:
                outcome = None
                try:
                    outcome = await self._run(call)
                finally:
                    self._leave(call, outcome)
        except Exception:
            logger.exception("%s failed in the gateway", operation.name, extra=log_fields(context))
            outcome = call.without_response(rest.Interrupted() if call.attempts else rest.Failed())
        if operation.shared and isinstance(outcome, WethodError):
            outcome = _after_equal_calls(call, outcome)
        seconds = time.perf_counter() - started
        limit = _LIMITS.get(type(call.refused))
        recorded = self._record(
            OperationRecord(operation, context.caller, arguments, outcome, call.attempts, call.shared, seconds, limit)
        )
        if recorded is not None and self._audit is not None:
            try:
                await recorded
            except asyncio.CancelledError:
                call.absorb_cancellation()
                self._audit.write()
        return outcome

    def _admit(self, call: CallInProgress) -> NoResponse | None:
        """Acquire a place for a valid call. Return the reason if it may not be sent now, otherwise None."""
        reason = self._not_now(call) or self._places.acquire(call.operation.name, call.context.caller.authorization)
        if reason is None and (reason := self._audit_blocked(call.operation)):
            self._places.release(call.operation.name, call.context.caller.authorization)
        return reason

    def _leave(self, call: CallInProgress, outcome: Any) -> None:
        """End an admitted call: release its place, publish its outcome, and remember a 429 of Wethod."""
        self._places.release(call.operation.name, call.context.caller.authorization)
        if call.key is not None:
            del self._shared_calls[call.key]
            call.end(outcome)
        if isinstance(outcome, WethodRateLimitedError) and call.attempts and outcome.retry_after_seconds:
            self._rate_limits.remember(call.context.caller.authorization, outcome.retry_after_seconds)

    def _not_now(self, call: CallInProgress) -> NoResponse | None:
        held_back = call.skipped or call.context.held_back
        if held_back is not None:
            return held_back
        seconds = self._rate_limits.remaining_seconds(call.context.caller.authorization)
        return None if seconds is None else rest.RateLimited(seconds)

    def _audit_blocked(self, operation: RestOperation[Any, Any]) -> NoResponse | None:
        blocked = operation.audited and self._audit is not None and self._audit.blocked
        return rest.AuditBlocked() if blocked else None

    def _run(self, call: CallInProgress) -> Awaitable[Any]:
        """Send a call, or share an equal one. Await the outcome."""
        if call.operation.shared:
            caller = call.context.caller
            key = (call.operation.name, caller.authorization, caller.company, caller.version, *call.arguments)
            other = self._shared_calls.get(key)
            if other is not None:
                return self._await_existing(call, other)
            call.key = key
            self._shared_calls[key] = call
        return self._sender.send(call)

    async def _await_existing(self, call: CallInProgress, other: CallInProgress) -> Any:
        """Take the success of an equal call in progress. After any other outcome of that call, send this one.

        Only a success is shared: any other outcome may be out of date when it arrives (docs/adr/0021).
        """
        try:
            await other.wait(call.context.deadline)
        except asyncio.CancelledError:
            call.absorb_cancellation()  # `_not_now` returns the reason
        if other.outcome is not None and not isinstance(other.outcome, WethodError):
            call.requests, call.shared = other.requests, True
            return other.outcome
        call.refused = self._not_now(call) or self._audit_blocked(call.operation)
        if call.refused is None:
            outcome = await self._sender.send(call)
        else:
            outcome = call.without_response(call.refused)
        if not call.attempts and other.attempts and (other.outcome is None or isinstance(other.outcome, _UNCLEAR)):
            # The equal request may have reached Wethod: "nothing happened" could be wrong.
            call.shared = True
            return call.without_response(rest.WaitEnded())
        return outcome

    def _record(self, record: OperationRecord) -> asyncio.Future[None] | None:
        """Count a call. Return a future that ends when the audit line is written or kept; None if there is no line."""
        recorded: asyncio.Future[None] | None = None
        try:
            if self._audit is not None and record.operation.audited:
                recorded = self._audit.record(record)
            self._observer.operation_ended(record)
        except Exception:
            # The outcome is known, and the client gets it even if, for example, the disk is full.
            logger.exception("a call of %s could not be recorded", record.operation.name)
        return recorded


def _after_equal_calls(call: CallInProgress, outcome: Any) -> Any:
    """Correct the outcome of a call that follows an equal one with an unclear outcome in the same GraphQL request."""
    key = (call.operation.name, *call.arguments)
    if isinstance(outcome, _UNCLEAR):
        call.context.unclear.add(key)
    elif not call.attempts and key in call.context.unclear:
        # For whatever reason nothing was sent for this call, the equal one may have reached Wethod: "nothing happened"
        # could be wrong.
        call.shared = True
        return call.without_response(rest.WaitEnded())
    return outcome


def _refuse(call: CallInProgress) -> NoResponse | None:
    """The reason not to send a call that the caller can correct (no usable token, invalid input); otherwise None."""
    caller = call.context.caller
    if not caller.authorization:
        return rest.Unauthorized(caller.authorization_problem)
    failures = call.operation.check(*call.arguments) or check_path(call.operation, call.arguments)
    if failures or caller.failures:
        return rest.Invalid((*failures, *caller.failures))
    return None
