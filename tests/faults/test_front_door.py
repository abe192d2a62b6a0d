"""Every fault through the front door: HTTP in, the exact outcome out, and the exact number of DELETEs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.catalogue import FAULTS
from tests.faults.certificates import Certificate, authority
from tests.faults.expected import UNAVAILABLE, Ending, Position, endings
from tests.faults.fault import Fault, Over, Until
from tests.faults.places import PLACES, Place
from tests.faults.server import FaultServer
from tests.faults.steps import Close, Read, Steps
from tests.faults.transports import TRANSPORTS, carrier
from tests.gateway import HEADERS, GatewayClient, gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.http_client.transport import Origin, Request, Response, Transport

LOST: Steps = (Read(), Close())
HASTY_SECONDS = 2.0
PATIENT_SECONDS = 10.0
KNOWN_SECONDS = 8.0
"""A bound for what is known long before the deadline of the patient gateway."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one delete."""

    ending: Ending
    seconds: float
    connections: int


class Switchboard:
    """A transport that leaves each request to that of its company: one gateway, and many upstreams at once."""

    def __init__(self) -> None:
        self.lines: dict[bytes, Transport] = {}

    async def send(self, request: Request) -> Response:
        """Let the company's own transport send it."""
        return await self.lines[dict(request.headers)[b"Wethod-Company"]].send(request)

    async def aclose(self) -> None:
        """Close them all."""
        for transport in self.lines.values():
            await transport.aclose()


@dataclass(frozen=True, slots=True)
class House:
    """Two gateways, one with a short deadline and one with a long one, before any number of upstreams."""

    switchboard: Switchboard
    hasty: GatewayClient
    patient: GatewayClient
    name: str

    async def delete(self, company: str, origin: Origin, *, hasty: bool) -> tuple[dict[str, Any], float]:
        """Delete contact 7 of a company whose upstream is somewhere; the outcome, and the seconds it took."""
        transport = carrier(self.name, origin, connect_seconds=0.5)
        self.switchboard.lines[company.encode()] = transport
        client = self.hasty if hasty else self.patient
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


def is_hasty(fault: Fault) -> bool:
    """Return true if the deadline ends the fault."""
    return fault.until in {Until.DEADLINE, Until.BODY_TIME, Until.BY_DEADLINE}


Findings = dict[tuple[str, Position], Finding]


@pytest.fixture(scope="module", params=TRANSPORTS)
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """The gateways, over one kind of transport."""
    switchboard = Switchboard()
    async with (
        gateway("http://127.0.0.1", {"WETHOD_TIMEOUT_SECONDS": str(HASTY_SECONDS)}, transport=switchboard) as hasty,
        gateway("http://127.0.0.1", {"WETHOD_TIMEOUT_SECONDS": str(PATIENT_SECONDS)}, transport=switchboard) as patient,
    ):
        yield House(switchboard, hasty, patient, request.param)


@pytest.fixture(scope="module")
async def findings(house: House) -> Findings:
    """The result of a delete at every fault in every position, twenty at a time."""
    found: Findings = {}
    at_once = asyncio.Semaphore(20)

    async def find(name: str, position: Position) -> None:
        fault = FAULTS[name]
        tls = authority().server(Certificate.VALID) if fault.over is Over.TLS else None
        async with at_once, FaultServer(*scripts(fault, position), tls=tls) as server:
            company = f"{name}-{position.name.lower()}"
            outcome, seconds = await house.delete(company, server.origin, hasty=is_hasty(fault))
            await server.all_closed()
            found[name, position] = Finding(Ending(outcome, len(server.complete)), seconds, server.accepted)

    quiet = [name for name, fault in FAULTS.items() if not fault.floods]
    await asyncio.gather(*(find(name, position) for name in quiet for position in Position))
    for name in FAULTS.keys() - set(quiet):
        for position in Position:
            await find(name, position)
    return found


@pytest.mark.parametrize("position", Position, ids=lambda position: position.name.lower())
@pytest.mark.parametrize("name", FAULTS)
async def test_a_client_is_told_what_is_known(findings: Findings, house: House, name: str, position: Position) -> None:
    """The outcome is exact, so is the number of DELETEs, and both are there in time."""
    fault = FAULTS[name]
    found = findings[name, position]
    assert found.ending in endings(fault, position, house.name)
    assert found.connections <= 3
    assert found.seconds < KNOWN_SECONDS


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
async def test_a_client_is_told_that_wethod_is_not_there(house: House, place: Place) -> None:
    """Nothing was sent, which is known long before the deadline."""
    with place.at() as origin:
        outcome, seconds = await house.delete("nowhere", origin, hasty=False)
        assert outcome == UNAVAILABLE
        assert seconds < KNOWN_SECONDS
