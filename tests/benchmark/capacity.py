"""The capacity model of ``docs/scale.md``, in closed form; ``python -m tests.benchmark.capacity`` prints its tables.

A worker is one event loop (M/D/1: Poisson arrivals, a constant cost) before ``n`` connections, first come first served.
Who has waited two seconds leaves unsent, so the connections are an M/M/n+D queue: exponential holding times, constant
patience. Its formulas are those of M/M/n+G (Zeltyn and Mandelbaum, "Call centers with impatient customers", 2005); with
endless patience they are Erlang's C, with none Erlang's B.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.settings import Settings
from app.wethod.executor import SENDING_SECONDS

COST_SECONDS = 0.00015
"""CPU of a delete, rounded up from tests/benchmark/README.md."""

CORE_SHARE = 0.6
"""How much of a core is planned for: leaves room for a replica that goes."""

TOKEN_DELETES_AN_HOUR = 5_000
"""Wethod's own limit."""

RARE = 0.01
"""The share of deletes that may have to wait for a connection."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker and what it is asked to do.

    Attributes:
        rate: deletes a second that arrive.
        latency_seconds: mean of Wethod's answer.
        connections: ``WETHOD_MAX_CONNECTIONS``.
        in_flight: ``GATEWAY_MAX_IN_FLIGHT``.
        cost_seconds: CPU of a delete.
        patience_seconds: how long one waits for a connection.
        deadline_seconds: ``WETHOD_TIMEOUT_SECONDS``.
    """

    rate: float
    latency_seconds: float
    connections: int = Settings().wethod_max_connections
    in_flight: int = Settings().gateway_max_in_flight
    cost_seconds: float = COST_SECONDS
    patience_seconds: float = SENDING_SECONDS
    deadline_seconds: float = Settings().wethod_timeout_seconds


@dataclass(frozen=True, slots=True)
class Forecast:
    """What becomes of its deletes.

    Attributes:
        busy: share of a core; from 1 on there is no steady state and the rest says nothing.
        waits: share of the deletes that find every connection in use, whether or not they then wait.
        wait_seconds: mean wait of those that are sent.
        in_use: connections in use, on average.
        sent: share that is sent.
        unsent: share that is ``WethodUnavailableError`` with ``not_sent``.
        overloaded: share that is ``WethodUnavailableError`` with ``overloaded``.
        unknown: share that is ``WethodOutcomeUnknownError``, Wethod being later than the deadline.
        answer_seconds: mean time of a delete that is sent.
    """

    busy: float
    waits: float
    wait_seconds: float
    in_use: float
    sent: float
    unsent: float
    overloaded: float
    unknown: float
    answer_seconds: float


def forecast(worker: Worker) -> Forecast:
    """The steady state of a worker."""
    lines = min(worker.connections, worker.in_flight)
    places = max(0, worker.in_flight - lines)
    wait = 0.0
    for _ in range(3):  # the wait shortens what is left, and that the wait
        # Whoever is later than the deadline gives the connection back then.
        late = math.exp(-(worker.deadline_seconds - wait) / worker.latency_seconds)
        hold = worker.latency_seconds * (1 - late)
        # A bounded queue turns those away who would have waited as long as it takes to serve all of it.
        longest = places * hold / lines
        waits, lost, wait = impatient_queue(worker.rate, hold, lines, min(worker.patience_seconds, longest))
    overloaded = lost
    if longest > worker.patience_seconds:
        # Full only where more arrive during one's patience than there are places: Little's law on the queue.
        overloaded = min(lost, max(0.0, 1 - places / worker.patience_seconds / worker.rate))
    busy = worker.rate * worker.cost_seconds
    loop = worker.cost_seconds * (1 + busy / (2 * (1 - busy))) if busy < 1 else math.inf
    sent = 1 - lost
    return Forecast(
        busy=busy,
        waits=waits,
        wait_seconds=wait,
        in_use=worker.rate * sent * hold,
        sent=sent,
        unsent=lost - overloaded,
        overloaded=overloaded,
        unknown=sent * late,
        answer_seconds=loop + wait + hold,
    )


def impatient_queue(rate: float, hold: float, lines: int, patience: float) -> tuple[float, float, float]:
    """M/M/n+D: probability of a wait, probability of leaving unserved, mean wait of the served.

    Args:
        rate: arrivals a second.
        hold: mean seconds of service.
        lines: how many servers.
        patience: seconds after which one leaves.
    """
    full = lines / hold
    excess = rate - full
    # All terms times exp(-shift), which would overflow far above capacity.
    shift = max(0.0, excess * patience)
    start, end = math.exp(-shift), math.exp(excess * patience - shift)
    empty = inverse_erlang_b(lines - 1, rate * hold) * start
    if abs(excess) * patience < 1e-6:  # where the quotients below lose their digits
        area, moment = patience, patience**2 / 2
    else:
        area = (end - start) / excess
        moment = (end * (excess * patience - 1) + start) / excess**2
    tail = end / full
    weight = empty + rate * (area + tail)
    lost = rate * tail / weight
    return rate * (area + tail) / weight, lost, rate * moment / weight / (1 - lost)


def inverse_erlang_b(lines: int, load: float) -> float:
    """One over Erlang's B: of ``lines`` without a queue, at a load in erlangs."""
    inverse = 1.0
    for line in range(1, lines + 1):
        inverse = 1 + inverse * line / load
    return inverse


def workers_for(rate: float, cost_seconds: float = COST_SECONDS) -> int:
    """How many workers keep their cores below ``CORE_SHARE``."""
    return max(1, math.ceil(rate * cost_seconds / CORE_SHARE))


def connections_for(rate: float, latency_seconds: float) -> int:
    """The fewest connections of a worker at which only a ``RARE`` delete waits for one."""
    lines = max(1, math.ceil(rate * latency_seconds))
    while impatient_queue(rate, latency_seconds, lines, SENDING_SECONDS)[0] > RARE:
        lines += 1
    return lines


def tokens_for(rate: float) -> int:
    """How many tokens Wethod's limit takes to allow a rate."""
    return math.ceil(rate * 3600 / TOKEN_DELETES_AN_HOUR)


def allowed_share(rate: float) -> float:
    """Of one token's deletes, the share that Wethod allows."""
    return min(1.0, TOKEN_DELETES_AN_HOUR / 3600 / rate)


def refused_calls_an_hour(rate: float, delay_seconds: float, processes: int) -> float:
    """Calls that Wethod refuses to one token in an hour, each process asking again once after each delay."""
    over = 3600 - TOKEN_DELETES_AN_HOUR / rate
    return 0.0 if over <= 0 else processes * over / (delay_seconds + processes / rate)


def highest_rate(latency_seconds: float, lost: float = 0.001) -> float:
    """Deletes a second of a worker of default settings that loses no more than that share, its core aside."""
    low, high = 0.0, 2 * Worker(0, 0).connections / latency_seconds
    while high - low > high / 1000:
        middle = (low + high) / 2
        expected = forecast(Worker(middle, latency_seconds, cost_seconds=0))
        low, high = (middle, high) if 1 - expected.sent <= lost else (low, middle)
    return low


def sizing_table() -> str:
    """Workers, connections and tokens by the rate."""
    latencies = (0.05, 0.2, 1.0)
    head = " | ".join(f"connections of each at {1000 * latency:g} ms" for latency in latencies)
    lines = [f"| deletes a second | tokens | workers | {head} |", "| --- | --- | --- |" + " --- |" * len(latencies)]
    for rate in (10, 100, 1_000, 5_000, 20_000):
        workers = workers_for(rate)
        each = " | ".join(f"{connections_for(rate / workers, latency):,}" for latency in latencies)
        lines.append(f"| {rate:,} | {tokens_for(rate):,} | {workers} | {each} |")
    return "\n".join(lines)


def breaking_table() -> str:
    """What a worker of default settings can do, and what ends it, by Wethod's latency."""
    core = CORE_SHARE / COST_SECONDS
    lines = [
        "| Wethod's latency | connections suffice to | the core to | at half as much again | longest wait |",
        "| --- | --- | --- | --- | --- |",
    ]
    for latency in (0.01, 0.02, 0.05, 0.2, 0.5, 1.0, 3.0):
        rate = highest_rate(latency)
        over = forecast(Worker(1.5 * lines_rate(latency), latency, cost_seconds=0))
        if core < rate:
            then = "latency grows: the core"
        else:
            parts = {"`overloaded`": over.overloaded, "`not_sent`": over.unsent, "unknown": over.unknown}
            then = ", ".join(f"{share:.0%} {name}" for name, share in parts.items() if share >= 0.005)
        worker = Worker(0, latency)
        longest = min(worker.patience_seconds, (worker.in_flight - worker.connections) * latency / worker.connections)
        lines.append(f"| {1000 * latency:g} ms | {rate:,.0f}/s | {core:,.0f}/s | {then} | {longest:.2g} s |")
    return "\n".join(lines)


def lines_rate(latency_seconds: float) -> float:
    """What the connections can carry at most."""
    return Worker(0, latency_seconds).connections / latency_seconds


if __name__ == "__main__":
    print(sizing_table(), breaking_table(), sep="\n\n")
