"""The capacity model agrees with a simulation, the simulation with the gateway, and docs/scale.md with the model."""

from __future__ import annotations

import asyncio
import json
import math
import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmark.capacity import (
    TOKEN_DELETES_AN_HOUR,
    Worker,
    allowed_share,
    breaking_table,
    forecast,
    impatient_queue,
    inverse_erlang_b,
    refused_calls_an_hour,
    sizing_table,
)
from tests.benchmark.simulation import LATENCIES, Simulation, token_hours
from tests.gateway import HEADERS, MUTATION, gateway

DOCUMENT = (Path(__file__).parents[2] / "docs" / "scale.md").read_text(encoding="utf-8")

# id: (worker, seconds, seconds of warm-up); each has a load that another part cannot bear.
CASES = {
    "idle": (Worker(20, 0.05), 200, 5),
    "half-of-the-connections": (Worker(100, 0.2, connections=40), 100, 5),
    "nine-tenths": (Worker(180, 0.05, connections=10), 1_500, 10),
    "at-capacity": (Worker(200, 0.05, connections=10, patience_seconds=0.5), 600, 10),
    "past-it-by-a-half": (Worker(300, 0.05, connections=10), 60, 20),
    "default-and-slow": (Worker(300, 0.5), 60, 20),
    "default-and-quick": (Worker(3_000, 0.05), 24, 4),
    "full-before-patience-ends": (Worker(240, 0.05, connections=8, in_flight=40), 100, 10),
    "both-at-once": (Worker(1_000, 1.0), 40, 20),
    "no-queue": (Worker(110, 0.1, connections=10, in_flight=10), 300, 10),
    "past-the-deadline": (Worker(15, 5.0), 6_000, 60),
    "busy-core": (Worker(4_000, 0.01), 15, 2),
}


@pytest.mark.parametrize(
    ("worker", "seconds", "warm_up"), [pytest.param(*case, id=name) for name, case in CASES.items()]
)
def test_the_model_agrees_with_the_simulation(worker: Worker, seconds: float, warm_up: float) -> None:
    """Shares to within 0.02, times to within a tenth, for the distribution that the formulas are of."""
    tally = Simulation(worker, seconds, warm_up).run()
    expected = forecast(worker)
    measured = seconds - warm_up
    assert tally.offered == tally.sent + tally.unsent + tally.overloaded
    for name in ("sent", "unsent", "overloaded", "unknown"):
        assert getattr(tally, name) / tally.offered == pytest.approx(getattr(expected, name), abs=0.02), name
    assert (tally.waited + tally.overloaded) / tally.offered == pytest.approx(expected.waits, abs=0.04)
    assert tally.busy_seconds / measured == pytest.approx(expected.busy, rel=0.05, abs=0.002)
    assert tally.in_use_seconds / measured == pytest.approx(expected.in_use, rel=0.05)
    assert tally.wait_seconds / tally.sent == pytest.approx(expected.wait_seconds, rel=0.1, abs=0.004)
    assert tally.answer_seconds / tally.sent == pytest.approx(expected.answer_seconds, rel=0.1)


@pytest.mark.parametrize("latency", LATENCIES)
@pytest.mark.parametrize(
    "name", ["half-of-the-connections", "past-it-by-a-half", "default-and-slow", "default-and-quick"]
)
def test_it_holds_for_other_latencies(name: str, latency: str) -> None:
    """What is lost depends on Wethod's mean latency, hardly on its distribution."""
    worker, seconds, warm_up = CASES[name]
    tally = Simulation(worker, seconds, warm_up, latency).run()
    assert tally.sent / tally.offered == pytest.approx(forecast(worker).sent, abs=0.03)


@pytest.mark.parametrize(("lines", "load"), [(1, 0.5), (2, 1.0), (10, 8.0), (50, 40.0), (100, 95.0)])
def test_the_formulas_are_erlangs(lines: int, load: float) -> None:
    """B by its sum, and C where nobody is impatient: Erlang's own definitions."""
    terms = [load**line / math.factorial(line) for line in range(lines + 1)]
    blocked = terms[-1] / sum(terms)
    assert 1 / inverse_erlang_b(lines, load) == pytest.approx(blocked)
    last = terms[-1] / (1 - load / lines)
    found, lost, wait = impatient_queue(load, 1, lines, patience=1_000)
    assert found == pytest.approx(last / (sum(terms[:-1]) + last))
    assert lost == pytest.approx(0, abs=1e-9)
    assert wait == pytest.approx(found / (lines - load))
    # And nobody waits who has no patience: B once more.
    assert impatient_queue(load, 1, lines, patience=0)[1] == pytest.approx(blocked)


def test_the_formulas_have_no_gap() -> None:
    """At capacity itself, where a quotient would be 0/0, and far past it, where an exponential would overflow."""
    below, at, above = (impatient_queue(rate, 0.05, 10, 2)[1] for rate in (199.999, 200, 200.001))
    assert below < at < above
    assert above - below < 1e-4
    assert impatient_queue(1e6, 0.05, 10, 2)[1] == pytest.approx(1 - 200 / 1e6)


@pytest.mark.parametrize("processes", [1, 8])
@pytest.mark.parametrize("delay", [30, 600])
@pytest.mark.parametrize("rate", [1.0, 2.0, 10.0])
def test_a_token_has_its_5000_an_hour(rate: float, delay: int, processes: int) -> None:
    """However many processes: what they remember spares Wethod the rest."""
    allowed, refused = token_hours(rate, delay, processes, hours=10, limit=TOKEN_DELETES_AN_HOUR)
    # One whose memory reaches into the next hour asks later than it might.
    assert allowed_share(rate) - delay / 3600 - 0.02 <= allowed <= allowed_share(rate) + 0.02
    assert refused == pytest.approx(refused_calls_an_hour(rate, delay, processes), rel=0.2, abs=processes + 1)


class Slow(asyncio.Protocol):
    """A Wethod on loopback whose latency is constant, which leaves less to chance in a run of seconds."""

    def __init__(self, latency_seconds: float) -> None:
        self._latency_seconds = latency_seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer a request, which comes whole, in its time."""
        assert data.endswith(b"\r\n\r\n")
        asyncio.get_running_loop().call_later(self._latency_seconds, self._answer)

    def _answer(self) -> None:
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "worker",
    [
        pytest.param(Worker(60, 0.1, connections=10), id="enough"),
        pytest.param(Worker(150, 0.1, connections=10), id="too-few-connections"),
        pytest.param(Worker(150, 0.1, connections=10, in_flight=30), id="full"),
    ],
)
async def test_the_simulation_agrees_with_the_gateway(worker: Worker) -> None:
    """The real one, over sockets, at rates that are nothing for a core: each outcome's share to within 0.1."""
    seconds, warm_up = 9.0, 4.0
    environ = {
        "WETHOD_MAX_CONNECTIONS": str(worker.connections),
        "GATEWAY_MAX_IN_FLIGHT": str(worker.in_flight),
        "GATEWAY_LOG_LEVEL": "critical",
    }
    loop = asyncio.get_running_loop()
    wethod = await loop.create_server(lambda: Slow(worker.latency_seconds), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{wethod.sockets[0].getsockname()[1]}"
    chance = random.Random(1)
    answers: list[asyncio.Task[str]] = []
    async with wethod, gateway(url, environ) as client:
        started = at = loop.time()
        number = skipped = 0
        while at < started + seconds:
            number += 1
            answers.append(loop.create_task(ask(client.url, number)))
            if at < started + warm_up:
                skipped = number
                began = at
            at += chance.expovariate(worker.rate)
            await asyncio.sleep(max(0.0, at - loop.time()))
        # As they came, should this machine have been too busy for the rate.
        rate = (number - skipped) / (loop.time() - began)
        outcomes = (await asyncio.gather(*answers))[skipped:]
    tally = Simulation(replace(worker, rate=rate), 200, warm_up, "constant").run()
    for name, simulated in (("deleted", tally.sent), ("not_sent", tally.unsent), ("overloaded", tally.overloaded)):
        assert outcomes.count(name) / len(outcomes) == pytest.approx(simulated / tally.offered, abs=0.1), name
    assert set(outcomes) <= {"deleted", "not_sent", "overloaded"}


async def ask(url: str, number: int) -> str:
    """Delete one contact over a connection of its own: ``deleted``, or the key of what was in the way."""
    host, _, port = url.removeprefix("http://").partition(":")
    # By a variable: a document of its own for each would be compiled each time.
    body = json.dumps({"query": MUTATION, "variables": {"id": number}})
    head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items() if name != "Accept")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"POST /graphql HTTP/1.1\r\nHost: {host}\r\n{head}Content-Type: application/json\r\n"
        f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    answer = json.loads((await reader.read()).partition(b"\r\n\r\n")[2])
    writer.close()
    outcome: dict[str, str] = answer["data"]["deleteContact"]
    return outcome.get("key", "deleted")


@pytest.mark.parametrize("table", [sizing_table, breaking_table], ids=lambda table: table.__name__)
def test_the_document_has_the_tables(table: object) -> None:
    """As the model gives them; ``python -m tests.benchmark.capacity`` prints them."""
    text = table()  # type: ignore[operator]
    assert text in DOCUMENT, text
