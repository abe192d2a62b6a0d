"""A worker and a token as discrete events, to check the closed forms of ``capacity``, of which nothing is in here."""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.wethod.rate_limits import Throttle

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmark.capacity import Worker

LATENCIES: dict[str, Callable[[random.Random, float], float]] = {
    "exponential": lambda chance, mean: chance.expovariate(1 / mean),
    "constant": lambda _, mean: mean,
    # Half the answers within 0.6 of the mean, one in a hundred past 5 times it: what services look like.
    "heavy-tailed": lambda chance, mean: chance.lognormvariate(math.log(mean) - 0.5, 1),
}
"""Wethod's latency, by its distribution."""


@dataclass(slots=True)
class Delete:
    """One on its way."""

    arrived: float
    waited_from: float = 0.0
    sent: bool = False
    gone: bool = False


@dataclass(slots=True)
class Tally:
    """What happened to the deletes that arrived after the warm-up."""

    offered: int = 0
    sent: int = 0
    unsent: int = 0
    overloaded: int = 0
    unknown: int = 0
    waited: int = 0
    wait_seconds: float = 0.0
    answer_seconds: float = 0.0
    busy_seconds: float = 0.0
    in_use_seconds: float = 0.0


@dataclass(slots=True)
class Simulation:
    """One worker: a core that does one thing at a time, then connections, a queue before them, then the core again."""

    worker: Worker
    seconds: float
    warm_up: float
    latency: str = "exponential"
    seed: int = 1
    tally: Tally = field(default_factory=Tally)
    now: float = 0.0
    in_use: int = 0
    in_flight: int = 0
    core_free: float = 0.0
    queue: deque[Delete] = field(default_factory=deque)
    events: list[tuple[float, int, Callable[[Delete], None], Delete]] = field(default_factory=list)
    chance: random.Random = field(default_factory=random.Random)

    def run(self) -> Tally:
        """Play it to the end."""
        self.chance.seed(self.seed)
        self.after(self.chance.expovariate(self.worker.rate), self.arrive, Delete(0.0))
        while self.events:
            then, _, what, delete = heapq.heappop(self.events)
            measured = max(0.0, min(then, self.seconds) - max(self.now, self.warm_up))
            self.tally.in_use_seconds += measured * self.in_use
            self.now = then
            what(delete)
        return self.tally

    def after(self, seconds: float, what: Callable[[Delete], None], delete: Delete) -> None:
        """Let something happen."""
        # The number keeps what happens at one moment in its order.
        self.seed += 1
        heapq.heappush(self.events, (self.now + seconds, self.seed, what, delete))

    def on_core(self, what: Callable[[Delete], None], delete: Delete) -> None:
        """Half of a delete's cost, first come first served; then something."""
        cost = self.worker.cost_seconds / 2
        start = max(self.now, self.core_free)
        self.core_free = start + cost
        if self.warm_up <= start < self.seconds:
            self.tally.busy_seconds += cost
        self.after(self.core_free - self.now, what, delete)

    def counts(self, delete: Delete) -> bool:
        """Whether it is one to measure."""
        return delete.arrived >= self.warm_up

    def arrive(self, delete: Delete) -> None:
        """A delete arrives, and the next one will."""
        delete.arrived = self.now
        self.tally.offered += self.counts(delete)
        self.on_core(self.admit, delete)
        pause = self.chance.expovariate(self.worker.rate)
        if self.now + pause < self.seconds:
            self.after(pause, self.arrive, Delete(0.0))

    def admit(self, delete: Delete) -> None:
        """Refused, sent, or made to wait."""
        if self.in_flight >= self.worker.in_flight:
            self.tally.overloaded += self.counts(delete)
            self.on_core(self.refuse, delete)
            return
        self.in_flight += 1
        delete.waited_from = self.now
        if self.in_use < self.worker.connections:
            self.send(delete)
            return
        self.tally.waited += self.counts(delete)
        self.queue.append(delete)
        self.after(self.worker.patience_seconds, self.give_up, delete)

    def send(self, delete: Delete) -> None:
        """It has a connection, until Wethod answers or the deadline passes."""
        delete.sent = True
        self.in_use += 1
        latency = LATENCIES[self.latency](self.chance, self.worker.latency_seconds)
        left = delete.arrived + self.worker.deadline_seconds - self.now
        if self.counts(delete):
            self.tally.sent += 1
            self.tally.unknown += latency > left
            self.tally.wait_seconds += self.now - delete.waited_from
        self.after(min(latency, left), self.hear, delete)

    def hear(self, delete: Delete) -> None:
        """The answer, or the deadline: the connection is the next one's."""
        self.in_use -= 1
        while self.queue:
            following = self.queue.popleft()
            if not following.gone:
                self.send(following)
                break
        self.on_core(self.end, delete)

    def give_up(self, delete: Delete) -> None:
        """Patience is over."""
        if not delete.sent:
            delete.gone = True
            self.in_flight -= 1
            self.tally.unsent += self.counts(delete)
            self.on_core(self.refuse, delete)

    def refuse(self, delete: Delete) -> None:
        """Its answer is written too, and counts as no answer of Wethod's."""

    def end(self, delete: Delete) -> None:
        """Its answer is written."""
        self.in_flight -= 1
        if self.counts(delete):
            self.tally.answer_seconds += self.now - delete.arrived


def token_hours(rate: float, delay_seconds: int, processes: int, *, hours: int, limit: int) -> tuple[float, float]:
    """One token at a Wethod that counts by the hour, through processes that remember its 429s.

    Args:
        rate: deletes a second.
        delay_seconds: what a 429 says.
        processes: how many, asked at random.
        hours: how many to play.
        limit: requests an hour.

    Returns:
        share of the deletes that Wethod allowed, calls an hour that it refused.
    """
    chance = random.Random(1)
    now = 0.0
    throttles = [Throttle(clock=lambda: now) for _ in range(processes)]
    used = [0] * hours
    offered = allowed = refused = 0
    while (now := now + chance.expovariate(rate)) < 3600 * hours:
        offered += 1
        throttle = chance.choice(throttles)
        if throttle.remaining_seconds(b"token") is not None:
            continue
        hour = int(now // 3600)
        used[hour] += 1
        if used[hour] <= limit:
            allowed += 1
        else:
            refused += 1
            throttle.remember(b"token", delay_seconds)
    return allowed / offered, refused / hours
