"""A list of calls of one operation: several at a time, duplicates merged."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, TypeVar

from app.wethod.call import CallInProgress
from schema.errors import WethodRateLimitedError, WethodUnauthorizedError
from schema.rest import Skipped

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from app.wethod.call import CallContext
    from schema.rest import RestOperation

A = TypeVar("A")

logger = logging.getLogger(__name__)


async def call_list(
    execute: Callable[[CallInProgress], Awaitable[Any]],
    context: CallContext,
    operation: RestOperation[Any, Any],
    arguments: Sequence[A],
    concurrency: int,
) -> list[Any]:
    """Call an operation of one parameter for each distinct argument, at most ``concurrency`` at a time.

    After the first 401 or 429 of Wethod, no further call is sent: it would end in the same way.

    Args:
        execute: runs a call and returns its outcome.
        context: the GraphQL request.
        operation: the operation.
        arguments: one argument for each call; duplicates are called once.
        concurrency: the maximum number of calls at a time.

    Returns:
        The outcomes in the order of ``arguments``. A call that fails by a bug has its exception instead, or None.
    """
    distinct = list(dict.fromkeys(arguments))
    outcomes: dict[A, Any] = {}
    not_started = iter(distinct)
    in_flight: set[CallInProgress] = set()
    skipped: Skipped[object] | None = None

    async def run_calls() -> None:
        nonlocal skipped
        for argument in not_started:
            call = CallInProgress(context, operation, (argument,), skipped, asyncio.current_task())
            in_flight.add(call)
            try:
                outcome = outcomes[argument] = await execute(call)
            except Exception as error:
                logger.exception("one call of a list failed")
                outcomes[argument] = error
                continue
            finally:
                in_flight.remove(call)
            if skipped is None and _refuses_token(outcome):
                skipped = Skipped(outcome)
                for other in in_flight:
                    other.withdraw(skipped)

    tasks = [asyncio.create_task(run_calls()) for _ in distinct[:concurrency]]
    try:
        await asyncio.wait(tasks) if tasks else None
    except asyncio.CancelledError:
        context.absorb_stop()
        for task in tasks:
            # Each call in flight ends with what is known.
            task.cancel()
        await asyncio.wait(tasks)
        # A task that is cancelled before its first step starts no call. Calls that are not started end here, unsent.
        await run_calls()
    return [outcomes.get(argument) for argument in arguments]


def _refuses_token(outcome: object) -> bool:
    """Return whether Wethod itself answered 401 or 429. An outcome without a status is the gateway's own."""
    return isinstance(outcome, WethodUnauthorizedError | WethodRateLimitedError) and outcome.status_code is not None
