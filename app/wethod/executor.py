"""Deletes contacts: one deadline, the repeat rule, one upstream call for equal deletes, one record for each.

Whatever Wethod, the network or a bug here does, ``delete`` returns a member of the union that tells what is known.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

import msgspec

from app.http_client.transport import Interrupted, NotSent, Request
from app.wethod.admission import refuse
from app.wethod.outcomes import NoReply, from_no_reply, from_repeat, from_reply
from app.wethod.rate_limits import Throttle
from schema.errors import WethodRateLimitedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.http_client.transport import RawHeaders, Reply, Transport
    from app.settings import Settings
    from app.wethod.caller import Caller
    from schema.contact import DeleteContactOutcome

SENDING_SECONDS = 2.0
"""How long tries to send may take, waits and connects included."""

RESERVE_SECONDS = 0.1
"""Nothing is sent with less than this left: it could not be answered in time, and would only become unknown."""

_BACKOFF_SECONDS = ((0.05, 0.15), (0.15, 0.45))
"""Bounds of the jittered wait before each further try."""

logger = logging.getLogger(__name__)


class Deletion(msgspec.Struct, frozen=True, gc=False):
    """One attempted delete and how it ended: what an audit and the metrics need.

    Attributes:
        caller: who asked.
        contact_id: the id as it was given; only a valid one was sent.
        outcome: the member of the union.
        attempts: requests of which at least one byte was, or may have been, written to Wethod for this outcome.
        shared: whether the outcome is that of another request's upstream call, under way when this one came.
        seconds: time from the resolver's call to the outcome.
    """

    caller: Caller
    contact_id: str
    outcome: DeleteContactOutcome
    attempts: int
    shared: bool
    seconds: float


_Result: TypeAlias = "tuple[DeleteContactOutcome, int]"
_FlightKey: TypeAlias = "tuple[bytes, str]"
"""What is forwarded of a caller, and the contact's id: deletes that are equal in both are one."""


class WethodClient:
    """Deletes contacts over a transport.

    Args:
        transport: what carries the requests; closed by whoever made it.
        settings: for the base URL's path and the bound on deletes in progress.
        record: called once for each delete with its record, also when the caller is gone.
    """

    def __init__(
        self,
        transport: Transport,
        settings: Settings,
        *,
        record: Callable[[Deletion], None],
        throttle: Throttle | None = None,
    ) -> None:
        self._transport = transport
        self._record = record
        self._throttle = throttle or Throttle()
        self._target = f"{urlsplit(settings.wethod_base_url).path}/api/contact/"
        self._most_in_flight = settings.gateway_max_in_flight
        # The deletes under way; a future is made only for those who join one.
        self._flights: dict[_FlightKey, asyncio.Future[_Result] | None] = {}
        self.in_flight = 0

    async def delete(self, caller: Caller, contact_id: str, deadline: float) -> DeleteContactOutcome:
        """Delete one contact, at most one request and one repeat of it.

        Args:
            caller: who asks.
            contact_id: the contact's id, not yet checked.
            deadline: event loop time in seconds by which the outcome is known.
        """
        started = time.perf_counter()
        attempts, shared = 0, False
        outcome: DeleteContactOutcome | None = refuse(caller, contact_id, self._throttle)
        if outcome is None:
            if self.in_flight >= self._most_in_flight:
                outcome = from_no_reply(NoReply.OVERLOADED)
            else:
                key = caller.forwarded.lines, contact_id
                shared = key in self._flights
                self.in_flight += 1
                try:
                    if shared:
                        outcome, attempts = await self._join(key, deadline)
                    else:
                        self._flights[key] = None
                        outcome, attempts = await self._exchange(caller, contact_id, deadline)
                finally:
                    self.in_flight -= 1
                    landed = None if shared else self._flights.pop(key)
                    if landed is not None:
                        # An exception is told to those who joined, too.
                        nobody_knows = from_no_reply(NoReply.INTERRUPTED), 1
                        landed.set_result(nobody_knows if outcome is None else (outcome, attempts))
        try:
            self._record(Deletion(caller, contact_id, outcome, attempts, shared, time.perf_counter() - started))
        except Exception:
            # A full disk must not turn a known outcome into an unknown one.
            logger.exception("a delete could not be recorded")
        return outcome

    async def _join(self, key: _FlightKey, deadline: float) -> _Result:
        loop = asyncio.get_running_loop()
        landed = self._flights[key]
        if landed is None:
            landed = self._flights[key] = loop.create_future()
        try:
            # Never cancels the future: others wait for it too.
            await asyncio.wait((landed,), timeout=max(0.0, deadline - loop.time()))
        except asyncio.CancelledError:
            self._absorb_cancellation()
        if landed.done():
            return landed.result()
        return from_no_reply(NoReply.JOINED), 0

    async def _exchange(self, caller: Caller, contact_id: str, deadline: float) -> _Result:
        """Send, and repeat once what was interrupted (RFC 9110 section 9.2.2: DELETE is idempotent)."""
        now = asyncio.get_running_loop().time
        own: RawHeaders = ((b"X-Request-ID", caller.request_id.encode("ascii")), *caller.trace)
        target = (self._target + contact_id).encode("ascii")
        last_send = deadline - RESERVE_SECONDS
        begin = now()
        send_by = min(begin + SENDING_SECONDS, last_send)
        request = Request(b"DELETE", target, own, send_by, deadline, shared=caller.forwarded)
        attempts = 0
        try:
            try:
                if begin >= last_send:
                    raise NotSent("there is no time left")  # noqa: TRY301 - sorted below, as a transport's own
                try:
                    reply = await self._transport.send(request)
                except NotSent as problem:
                    reply = await self._send_again(request, problem)
                outcome = from_reply(reply, contact_id)
                attempts = 1
            except NotSent as problem:
                logger.warning("a delete was not sent: %s", problem, extra={"request_id": caller.request_id})
                outcome = from_no_reply(NoReply.NOT_SENT if now() < last_send else NoReply.NO_TIME)
            except Interrupted as problem:
                attempts = 1
                logger.warning("a delete went unanswered: %s", problem, extra={"request_id": caller.request_id})
                if now() >= last_send:
                    return from_no_reply(NoReply.INTERRUPTED), attempts
                repeat = msgspec.structs.replace(request, send_by=last_send, fresh=True)
                outcome, attempts = await self._repeat(repeat, contact_id, caller.request_id)
        except asyncio.CancelledError:
            self._absorb_cancellation()
            return from_no_reply(NoReply.INTERRUPTED), max(attempts, 1)
        except Exception:
            # Wethod may have acted: a bug here proves nothing.
            logger.exception("a delete failed in the gateway", extra={"request_id": caller.request_id})
            return from_no_reply(NoReply.INTERRUPTED), max(attempts, 1)
        if (
            isinstance(outcome, WethodRateLimitedError)
            and outcome.retry_after_seconds
            and caller.authorization is not None
        ):
            self._throttle.remember(caller.authorization, outcome.retry_after_seconds)
        return outcome, attempts

    async def _send_again(self, request: Request, problem: NotSent) -> Reply:
        """Try again while nothing was written and there is time.

        Raises:
            NotSent: of the last try.
            Interrupted: of the one that wrote something.
        """
        now = asyncio.get_running_loop().time
        for bounds in _BACKOFF_SECONDS:
            pause = random.uniform(*bounds)
            if not problem.transient or now() + pause >= request.send_by:
                break
            await asyncio.sleep(pause)
            if now() >= request.send_by:
                break
            try:
                return await self._transport.send(request)
            except NotSent as latest:
                problem = latest
        raise problem

    async def _repeat(self, request: Request, contact_id: str, request_id: str) -> _Result:
        try:
            return from_repeat(await self._transport.send(request), contact_id), 2
        except NotSent as problem:
            logger.warning("its repeat was not sent: %s", problem, extra={"request_id": request_id})
            return from_no_reply(NoReply.INTERRUPTED), 1
        except Interrupted as problem:
            logger.warning("its repeat went unanswered: %s", problem, extra={"request_id": request_id})
            return from_no_reply(NoReply.INTERRUPTED), 2

    @staticmethod
    def _absorb_cancellation() -> None:
        """Turn the cancellation of this task into an outcome: whoever waits is told that nobody knows."""
        logger.error("a delete was cancelled after it may have been sent")
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
