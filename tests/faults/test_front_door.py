"""Every fault through the front door: HTTP in, the exact outcome out, and the exact number of DELETEs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.catalogue import FAULTS
from tests.faults.certificates import Certificate, authority
from tests.faults.expected import UNAVAILABLE, Ending, Position, endings
from tests.faults.fault import Fault, Until
from tests.faults.server import FaultServer
from tests.faults.steps import Close, Read, Steps
from tests.faults.transports import CONNECT_SECONDS, TRANSPORTS, carrier
from tests.faults.unreachable import PLACES, Place
from tests.gateway import HEADERS, GatewayClient, gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.http_client.transport import Origin, Request, Response, Transport

LOST: Steps = (Read(), Close())
SHORT_SECONDS = 2.0
LONG_SECONDS = 30.0
KNOWN_SECONDS = 25.0
"""A bound for every outcome, clearly before the long deadline."""


@dataclass(frozen=True, slots=True)
class Finding:
    ending: Ending
    seconds: float
    connections: int


class TransportByCompany:
    """A transport that chooses another one by company, so that one gateway has many upstreams."""

    def __init__(self) -> None:
        self.transports: dict[bytes, Transport] = {}

    async def send(self, request: Request) -> Response:
        return await self.transports[dict(request.headers)[b"Wethod-Company"]].send(request)

    async def aclose(self) -> None:
        for transport in self.transports.values():
            await transport.aclose()


@dataclass(frozen=True, slots=True)
class Gateways:
    """Two gateways, with a short and a long deadline, before any number of upstreams."""

    transport: TransportByCompany
    short: GatewayClient
    long: GatewayClient
    name: str

    async def delete(
        self, company: str, origin: Origin, *, short: bool, connect_seconds: float
    ) -> tuple[dict[str, Any], float]:
        """Delete contact 7 of a company with an upstream; return the outcome, and the seconds until it."""
        transport = carrier(self.name, origin, connect_seconds=connect_seconds)
        self.transport.transports[company.encode()] = transport
        client = self.short if short else self.long
        loop = asyncio.get_running_loop()
        started = loop.time()
        outcome = await client.delete("7", HEADERS | {"Wethod-Company": company})
        seconds = loop.time() - started
        await transport.aclose()
        return outcome, seconds


def scripts(fault: Fault, position: Position) -> tuple[Steps, ...]:
    """The scripts of the connections that are not sound."""
    return {
        Position.FIRST: (fault.steps,),
        Position.REPEAT: (LOST, fault.steps),
        Position.ALWAYS: (fault.steps,) * 9,
    }[position]


def needs_deadline(fault: Fault) -> bool:
    return fault.until in {Until.DEADLINE, Until.BODY_TIME, Until.BY_DEADLINE}


Findings = dict[tuple[str, Position], Finding]


@pytest.fixture(scope="module", params=TRANSPORTS)
async def gateways(request: pytest.FixtureRequest) -> AsyncIterator[Gateways]:
    transport = TransportByCompany()
    async with (
        gateway("http://127.0.0.1", {"WETHOD_TIMEOUT_SECONDS": str(SHORT_SECONDS)}, transport=transport) as short,
        gateway(
            "http://127.0.0.1",
            {"WETHOD_TIMEOUT_SECONDS": str(LONG_SECONDS), "GATEWAY_DRAIN_SECONDS": str(LONG_SECONDS + 1)},
            transport=transport,
        ) as long,
    ):
        yield Gateways(transport, short, long, request.param)


@pytest.fixture(scope="module")
async def findings(gateways: Gateways) -> Findings:
    """Delete at every fault in every position, several at a time, and return the results.

    Faults that wait for a time run twenty at once. Others run five at once, so that none makes another late.
    """
    found: Findings = {}
    waits, works = asyncio.Semaphore(20), asyncio.Semaphore(5)

    async def find(name: str, position: Position) -> None:
        fault = FAULTS[name]
        at_once = works if fault.until is Until.AT_ONCE else waits
        connect_seconds = 1.0 if fault.until is Until.CONNECT_TIMEOUT else 2.0  # its sound connections need some, too
        tls = authority().server(Certificate.VALID) if fault.needs_tls else None
        async with at_once, FaultServer(*scripts(fault, position), tls=tls) as server:
            company = f"{name}-{position.name.lower()}"
            outcome, seconds = await gateways.delete(
                company, server.origin, short=needs_deadline(fault), connect_seconds=connect_seconds
            )
            await server.all_closed()
            # Another process may still connect to a port that this server has just got.
            own = [request for request in server.complete if company.encode() in dict(request.headers).values()]
            found[name, position] = Finding(Ending(outcome, len(own)), seconds, server.accepted)

    quiet = [name for name, fault in FAULTS.items() if not fault.floods]
    await asyncio.gather(*(find(name, position) for name in quiet for position in Position))
    for name in FAULTS.keys() - set(quiet):
        for position in Position:
            await find(name, position)
    return found


@pytest.mark.parametrize("position", Position, ids=lambda position: position.name.lower())
@pytest.mark.parametrize("name", FAULTS)
async def test_a_delete_has_the_outcome_of_the_table(
    findings: Findings, gateways: Gateways, name: str, position: Position
) -> None:
    """With the exact number of DELETEs, and in time."""
    fault = FAULTS[name]
    found = findings[name, position]
    assert found.ending in endings(fault, position, gateways.name)
    assert found.connections <= 3
    assert found.seconds < KNOWN_SECONDS


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
async def test_a_delete_without_an_upstream_is_unavailable(gateways: Gateways, place: Place) -> None:
    with place.at() as origin:
        outcome, seconds = await gateways.delete("nowhere", origin, short=False, connect_seconds=CONNECT_SECONDS)
        assert outcome == UNAVAILABLE
        assert seconds < KNOWN_SECONDS
