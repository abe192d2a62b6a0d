"""Connections stay usable and bounded, for any behaviour of upstream and caller."""

from __future__ import annotations

import asyncio
import gc
import random
import ssl
import tracemalloc
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from app.http_client.transport import Interrupted, NotSent, Origin
from tests.faults.catalogue import FAULTS
from tests.faults.certificates import Certificate, authority
from tests.faults.cuts import HEAD_404
from tests.faults.fault import Answered, Cut, Fault, Unsent, Verdict, verdict
from tests.faults.nothing_left import sockets
from tests.faults.server import FaultServer
from tests.faults.steps import (
    SOUND,
    Answer,
    Close,
    CloseProperly,
    Hang,
    Read,
    Reset,
    Send,
    Step,
    Steps,
    Wait,
    WithoutTls,
)
from tests.faults.transports import KEEPS_CONNECTIONS, TRANSPORTS, delete, transport_to
from tests.faults.unreachable import CONNECTING
from tests.support import until

if TYPE_CHECKING:
    from app.http_client.transport import Request, Transport
    from tests.faults.unreachable import Where

pytestmark = pytest.mark.parametrize("name", TRANSPORTS)


async def answers_its_own(transport: Transport, contact: int, *, fresh: bool = False) -> bool:
    """Return whether a request gets the answer to itself."""
    reply = await transport.send(delete(contact, fresh=fresh))
    return (reply.status, reply.headers[b"content-location"]) == (200, b"/api/contact/%d" % contact)


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example"], ids=["label-too-long", "empty-label"])
async def test_nothing_is_sent_to_an_impossible_host_name(name: str, host: str) -> None:
    async with transport_to(name, Origin("http", host, 80)) as transport:
        assert isinstance(await verdict(transport, delete()), Unsent)


@pytest.mark.parametrize("body", [b'{"name": "Ada"}', b""], ids=["body", "empty-body"])
async def test_a_body_is_sent_after_its_length(name: str, tls: ssl.SSLContext | None, body: bytes) -> None:
    async with FaultServer(tls=tls) as server, transport_to(name, server.origin) as transport:
        assert (await transport.send(replace(delete(1), body=body))).status == 200
        assert await answers_its_own(transport, 2)
        first = server.requests[0]
        assert first.headers[-1] == (b"Content-Length", b"%d" % len(body))
        assert first.data.partition(b"\r\n\r\n")[2] == body
        assert [request.target for request in server.complete] == [b"/api/contact/1", b"/api/contact/2"]


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"PATCH"], ids=bytes.decode)
async def test_a_method_that_expects_a_body_has_a_length_without_one(name: str, method: bytes) -> None:
    """A server may answer 411 to a request without it (RFC 9110 §15.5.12)."""
    async with FaultServer() as server, transport_to(name, server.origin) as transport:
        await transport.send(replace(delete(), method=method))
        [request] = server.requests
        assert request.headers[-1] == (b"Content-Length", b"0")


async def test_deadlines_leave_a_full_pool_usable(name: str, tls: ssl.SSLContext | None) -> None:
    async with (
        FaultServer(then=(Read(), Hang()), tls=tls) as server,
        transport_to(name, server.origin, max_connections=10) as transport,
    ):
        before = sockets()
        counts: Counter[Verdict] = Counter()
        while counts[Cut()] < 100:
            wave = [delete(n, seconds=0.1 + n / 500, send_seconds=0.08 + n / 500) for n in range(30)]
            counts.update(await asyncio.gather(*(verdict(transport, request) for request in wave)))
            assert counts.keys() <= {Cut(), Unsent()}
            assert sockets() - before <= 2 * 10 + 2 * 10, "ten connections, both ends of each, and ten being closed"
        server.then = SOUND
        # One that was opened too late to send may have been kept, and its script would hang.
        assert await answers_its_own(transport, 77, fresh=True)
    assert len(server.complete) == counts[Cut()] + 1


async def test_not_sent_means_that_the_upstream_saw_no_byte(name: str, tls: ssl.SSLContext | None) -> None:
    chance = random.Random(7)
    async with (
        FaultServer(tls=tls) as server,
        transport_to(name, server.origin, max_connections=5) as transport,
    ):
        said: dict[bytes, Verdict] = {}

        async def one(request: Request) -> None:
            said[request.target] = await verdict(transport, request)

        longest = 0.04
        for wave in range(20):
            numbers = range(wave * 10, wave * 10 + 10)
            times = [chance.uniform(-0.002, longest) for _ in numbers]
            await asyncio.gather(*(one(delete(n, send_seconds=left)) for n, left in zip(numbers, times, strict=True)))
            if Answered(200) not in said.values():
                longest *= 2  # a machine that needs longer to connect
    assert {request.target for request in server.requests} == {t for t, v in said.items() if v == Answered(200)}
    assert {type(v) for v in said.values()} == {Answered, Unsent}


SLOW: dict[str, tuple[Steps, bool]] = {
    "head": ((Read(), Wait(0.01), Send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"), Wait(0.01), Send(b"\r\n")), False),
    "head-tls": ((Read(), Wait(0.01), Send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Hang()), True),
    "handshake": ((WithoutTls(), Hang()), True),
    "body": ((Read(), Send(HEAD_404 + b"Content-Length: 9\r\n\r\n"), Wait(0.01), Send(b"{}"), Hang()), True),
}


@pytest.mark.parametrize(("steps", "secure"), SLOW.values(), ids=SLOW.keys())
async def test_a_cancelled_request_leaves_no_connection_and_no_task(name: str, steps: Steps, *, secure: bool) -> None:
    chance = random.Random(11)
    context = authority().server(Certificate.VALID) if secure else None
    async with (
        FaultServer(*[steps] * 100, tls=context) as server,
        transport_to(name, server.origin, max_connections=3) as transport,
    ):
        cancelled = 0
        while server.accepted < 100:
            tasks = [asyncio.create_task(transport.send(delete(n, fresh=n % 2 == 0))) for n in range(6)]
            await asyncio.sleep(chance.uniform(0.0, 0.03))
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert not any(isinstance(result, Exception) for result in results)
            cancelled += sum(isinstance(result, asyncio.CancelledError) for result in results)
        assert cancelled > 20
        # Only a connection whose script is complete may be kept.
        assert await answers_its_own(transport, 77, fresh=True)


async def test_connections_are_bounded_and_each_request_gets_its_own_answer(name: str) -> None:
    most = 0
    async with FaultServer() as server, transport_to(name, server.origin, max_connections=10) as transport:

        async def one(contact: int) -> bool:
            nonlocal most
            own = await answers_its_own(transport, contact)
            most = max(most, server.open)
            return own

        assert all(await asyncio.gather(*(one(contact) for contact in range(100))))
        assert most <= 10
    assert len(server.complete) == 100


async def test_closing_ends_every_request(name: str, tls: ssl.SSLContext | None) -> None:
    answering: Steps = (Read(), Send(HEAD_404 + b"Content-Length: 9\r\n\r\n"), Hang())
    async with (
        FaultServer((Read(), Hang()), answering, tls=tls) as server,
        transport_to(name, server.origin, max_connections=2) as transport,
    ):
        sent = asyncio.create_task(verdict(transport, delete(1, seconds=60)))
        await until(lambda: len(server.complete) == 1)
        answered = asyncio.create_task(verdict(transport, delete(2, seconds=60)))
        await until(lambda: len(server.complete) == 2)
        waiting = asyncio.create_task(verdict(transport, delete(3, seconds=60)))
        await until(lambda: transport.waiting == 1)
        await asyncio.sleep(0.05)  # for the head of the answer
        async with asyncio.timeout(15):
            await transport.aclose()
            assert (await sent, await answered) == (Cut(), Answered(404, None))
            assert await waiting == Unsent(transient=False)
        assert await verdict(transport, delete(4)) == Unsent(transient=False)
    assert len(server.requests) == 2


@pytest.mark.parametrize("place", CONNECTING.values(), ids=CONNECTING)
async def test_closing_ends_a_connect(name: str, place: Where) -> None:
    with place() as origin:
        async with transport_to(name, origin) as transport:
            request = delete()
            sending = asyncio.create_task(transport.send(request))
            await asyncio.sleep(0.05)
            await transport.aclose()
            with pytest.raises(NotSent) as caught:
                await sending
            assert (caught.value.reason, caught.value.transient, request.written) == ("stopped", False, False)


async def test_a_connection_is_reused_if_the_transport_keeps_any(name: str, tls: ssl.SSLContext | None) -> None:
    async with FaultServer(tls=tls) as server, transport_to(name, server.origin) as transport:
        for contact in range(5):
            assert await answers_its_own(transport, contact)
        assert server.accepted == (1 if name in KEEPS_CONNECTIONS else 5)
        assert await answers_its_own(transport, 6, fresh=True)
        assert server.accepted == (2 if name in KEEPS_CONNECTIONS else 6)
        assert server.requests[-1].connection == server.accepted - 1


async def test_an_idle_connection_is_closed_when_its_time_is_up(name: str) -> None:
    async with FaultServer() as server, transport_to(name, server.origin, idle_seconds=0.1) as transport:
        assert await answers_its_own(transport, 1)
        await asyncio.sleep(0.25)
        assert await answers_its_own(transport, 2)
        assert server.accepted == 2


OWN = b"HTTP/1.1 200 OK\r\nContent-Location: /api/contact/0\r\nContent-Length: 0\r\n\r\n"

# Connections that must not carry another request, although their first answer is complete.
SPENT: dict[str, Steps] = {
    "closed-behind-answer": (Answer(), Close()),
    "closed-properly-behind-answer": (Answer(), CloseProperly()),
    "reset-behind-answer": (Answer(), Reset()),
    "says-close": (Answer(headers=b"Connection: close\r\n"), Hang()),
    "says-close-in-an-interim-response": (
        Send(b"HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n"),
        Answer(),
        Hang(),
    ),
    "sends-an-interim-response-in-http-1-0": (Send(b"HTTP/1.0 100 Continue\r\n\r\n"), Answer(), Hang()),
    "speaks-http-1-0": (
        Send(b"HTTP/1.0 200 OK\r\nContent-Location: /api/contact/0\r\nContent-Length: 0\r\n\r\n"),
        Hang(),
    ),
    "speaks-http-1-0-with-keep-alive-and-close": (
        Send(
            b"HTTP/1.0 200 OK\r\nContent-Location: /api/contact/0\r\nConnection: keep-alive, close\r\n"
            b"Content-Length: 0\r\n\r\n"
        ),
        Hang(),
    ),
    "sends-an-interim-response-in-http-1-0-with-keep-alive-and-close": (
        Send(b"HTTP/1.0 100 Continue\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n"),
        Answer(),
        Hang(),
    ),
    "speaks-unasked": (
        Answer(),
        Wait(0.005),
        Send(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
        Hang(),
    ),
    "answers-twice": (Send(OWN + OWN), *SOUND),
    "says-more-than-its-length": (
        Send(
            b"HTTP/1.1 200 OK\r\nContent-Location: /api/contact/0\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n"
        ),
        *SOUND,
    ),
    "adds-half-an-answer": (
        Send(OWN + b"HTTP/1.1 200 "),
        Read(),
        Send(b"OK\r\nContent-Location: /api/contact/1\r\nContent-Length: 0\r\n\r\n"),
        Hang(),
    ),
}


@pytest.mark.parametrize("steps", SPENT.values(), ids=SPENT.keys())
async def test_a_connection_with_unexpected_bytes_carries_no_other_request(
    name: str, tls: ssl.SSLContext | None, steps: Steps
) -> None:
    spent: Steps = (Read(), *steps)
    async with FaultServer(*[spent] * 5, tls=tls) as server, transport_to(name, server.origin) as transport:
        for contact in range(5):
            reply = await transport.send(delete(contact))
            assert reply.status == 200
            await asyncio.sleep(0.02)
        assert await answers_its_own(transport, 77)
        assert server.accepted == 6
        assert [request.connection for request in server.complete] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("end", [Close(), CloseProperly(), Reset()], ids=["close", "close-properly", "reset"])
async def test_a_kept_connection_that_ends_interrupts_the_next_request(
    name: str, tls: ssl.SSLContext | None, end: Step
) -> None:
    """The transport does not repeat the request."""
    steps: Steps = (Read(), Answer(), Read(), end)
    async with FaultServer(steps, tls=tls) as server, transport_to(name, server.origin) as transport:
        assert await answers_its_own(transport, 1)
        kept = name in KEEPS_CONNECTIONS
        assert await verdict(transport, delete(2)) == (Cut() if kept else Answered(200))
        assert await answers_its_own(transport, 3)
        assert [request.target[-1:] for request in server.complete] == [b"1", b"2", b"3"]
        assert server.accepted == (2 if kept else 3)


@pytest.mark.parametrize("fault", [pytest.param(f, id=n) for n, f in FAULTS.items() if f.floods])
async def test_memory_is_bounded_for_an_endless_response(name: str, fault: Fault) -> None:
    async with FaultServer(then=fault.steps) as server, transport_to(name, server.origin) as transport:
        gc.collect()
        tracemalloc.start()
        try:
            said = await asyncio.gather(*(verdict(transport, delete(n, seconds=3.0)) for n in range(4)))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert all(one in fault.verdicts_of(name) for one in said)
        assert peak < 16 * 1024 * 1024


MISSED = {"1.2": (ssl.TLSVersion.TLSv1_2, {NotSent}), "1.3": (ssl.TLSVersion.TLSv1_3, {NotSent, Interrupted})}


@pytest.mark.parametrize(("version", "errors"), MISSED.values(), ids=MISSED.keys())
async def test_a_missing_client_certificate_is_never_an_answer(
    name: str, version: ssl.TLSVersion, errors: set[type[Exception]]
) -> None:
    """TLS 1.2 refuses in the handshake. With TLS 1.3, the client may write before the refusal arrives."""
    async with (
        FaultServer(tls=authority().mutual_server(version)) as server,
        transport_to(name, server.origin) as transport,
    ):
        with pytest.raises(tuple(errors)):
            await transport.send(delete())
        assert server.requests == []
