"""A list of calls of one operation: several at a time, duplicates merged."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, TypeVar

from app.wethod.sender import absorb_cancellation
from schema import rest
from schema.errors import WethodRateLimitedError, WethodUnauthorizedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from app.wethod.call_context import CallContext

A = TypeVar("A")

logger = logging.getLogger(__name__)


async def call_list(
    call: Callable[[A, rest.Skipped[object] | None], Awaitable[Any]],
    context: CallContext,
    arguments: Sequence[A],
    concurrency: int,
) -> list[Any]:
    """Call an operation of one parameter for each distinct argument, at most ``concurrency`` at a time.

    After the first 401 or 429 of Wethod, no further call is sent: each would end in the same way.

    Args:
        call: calls the operation with an argument; its second parameter is the reason not to send the call.
        context: the caller's request.
        arguments: the arguments, in any number.
        concurrency: the most calls at a time.

    Returns:
        The outcomes in the order of ``arguments``; None only after a bug outside the engine.
    """
    distinct = list(dict.fromkeys(arguments))
    outcomes: dict[A, Any] = dict.fromkeys(distinct)
    left = iter(distinct)
    skipped: rest.Skipped[object] | None = None

    async def call_in_turn() -> None:
        nonlocal skipped
        for argument in left:
            try:
                outcome = await call(argument, skipped)
            except Exception:
                logger.exception("one call of a list failed")
                continue
            outcomes[argument] = outcome
            refused = isinstance(outcome, WethodUnauthorizedError | WethodRateLimitedError)
            if refused and outcome.status_code is not None:
                skipped = skipped or rest.Skipped(outcome)

    tasks = [asyncio.create_task(call_in_turn()) for _ in distinct[:concurrency]]
    try:
        await asyncio.wait(tasks) if tasks else None
    except asyncio.CancelledError:
        absorb_cancellation(context)
        for task in tasks:
            # Each call in flight ends with what is known.
            task.cancel()
        await asyncio.wait(tasks)
    # A task that is cancelled before its first step leaves its share.
    await call_in_turn()
    return [outcomes[argument] for argument in arguments]
