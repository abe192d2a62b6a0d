"""Every fault, over every transport, plain and TLS."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.catalogue import FAULTS
from tests.faults.certificates import Certificate, authority
from tests.faults.fault import Fault, Until, verdict
from tests.faults.server import FaultServer
from tests.faults.transports import CONNECT_SECONDS, TRANSPORTS, delete, transport_to

PATIENCE_SECONDS = 15.0

# The time until the deadline, and the earliest time of the verdict. The deadline is far if the verdict is earlier.
TIMES: dict[Until, tuple[float, float]] = {
    Until.AT_ONCE: (4 * PATIENCE_SECONDS, 0.0),
    Until.CONNECT_TIMEOUT: (4 * PATIENCE_SECONDS, CONNECT_SECONDS),
    Until.BODY_TIME: (0.6, 0.6),
    Until.DEADLINE: (0.6, 0.6),
    Until.BY_DEADLINE: (0.6, 0.0),
}

CASES = [
    pytest.param(fault, transport, tls, id=f"{name}-{transport}-{'tls' if tls else 'plain'}")
    for name, fault in FAULTS.items()
    for transport in TRANSPORTS
    for tls in (False, True)
    if tls or not fault.needs_tls
]


@pytest.mark.parametrize(("fault", "name", "tls"), CASES)
async def test_a_fault_has_its_verdict_in_time(fault: Fault, name: str, *, tls: bool) -> None:
    """The next request is unaffected."""
    seconds, earliest = TIMES[fault.until]
    connect_seconds = CONNECT_SECONDS if fault.until is Until.CONNECT_TIMEOUT else 2.0
    loop = asyncio.get_running_loop()
    async with (
        FaultServer(fault.steps, tls=authority().server(Certificate.VALID) if tls else None) as server,
        transport_to(name, server.origin, connect_seconds=connect_seconds) as transport,
    ):
        started = loop.time()
        async with asyncio.timeout(PATIENCE_SECONDS):
            said = await verdict(transport, delete(7, seconds=seconds))
        took = loop.time() - started
        assert said in fault.verdicts_of(name)
        assert [request.target for request in server.complete] == [b"/api/contact/7"] * fault.requests
        assert took >= earliest - 0.01  # uvloop counts in milliseconds
        reply = await transport.send(delete(8))
        assert (reply.status, reply.headers[b"content-location"]) == (200, b"/api/contact/8")
        assert server.complete[-1].target == b"/api/contact/8"
        assert len(server.complete) == fault.requests + 1
