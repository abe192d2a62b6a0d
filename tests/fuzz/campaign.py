"""A campaign against one target, and its result."""

from __future__ import annotations

import asyncio
import inspect
import random
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.fuzz import conversations, exchanges, replies, requests

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Check = Callable[[random.Random], Awaitable[None] | None]

_YIELD_EVERY = 100
"""Executions between two turns of the event loop, which has cancelled timers to forget."""


TARGETS: dict[str, Check] = {
    "requests": requests.check,
    "conversations": conversations.check,
    "replies": replies.check,
    "exchanges": exchanges.check,
}
"""The server's reader, and its connections; the reader of Wethod's replies, and the connections to it."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """The result of a campaign.

    Attributes:
        target: the name of the parser that was fuzzed.
        seed: the seed of all random choices.
        executions: the number of inputs that were examined.
        seconds: the time that it took.
        finding: the fault that ended it; None if there is none.
    """

    target: str
    seed: int
    executions: int
    seconds: float
    finding: str | None

    def __str__(self) -> str:
        summary = f"{self.target}: {self.executions:,} executions in {self.seconds:.0f} s, seed {self.seed}"
        return f"{summary}, no finding" if self.finding is None else f"{summary}, and a finding:\n{self.finding}"


async def run(name: str, seconds: float, seed: int) -> Campaign:
    """Fuzz a target until it fails or the time is over.

    Every input has its own `rng`, made from the seed and the number of the input. These two reproduce a finding.
    """
    executions = 0
    started = time.monotonic()
    finding = None
    while time.monotonic() - started < seconds and finding is None:
        try:
            outcome = TARGETS[name](random.Random(f"{seed}/{executions}"))
            if inspect.isawaitable(outcome):
                await outcome
        except Exception:  # noqa: BLE001 - any exception is a finding
            finding = f"input {executions} of seed {seed}\n{traceback.format_exc()}"
        executions += 1
        if executions % _YIELD_EVERY == 0:
            await asyncio.sleep(0)
    return Campaign(name, seed, executions, time.monotonic() - started, finding)
