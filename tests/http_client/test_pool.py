"""The pool gives out connections in order, and ends waits and connects in time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from app.http_client.transport import Interrupted, NotSent, Origin, Response
from tests.faults.certificates import Certificate, authority
from tests.faults.server import Connection, FaultServer
from tests.faults.steps import Answer, Close, Hang, Read, Send, Step, Wait
from tests.faults.transports import delete, transport_to
from tests.faults.unreachable import CONNECTING
from tests.http_client.exchanges import LOOPS, Gate, gated, http1, outcome
from tests.support import until
from tests.system_parts import require_ipv6

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

    from tests.faults.unreachable import Where

pytestmark = pytest.mark.parametrize("anyio_backend", LOOPS)


@dataclass(frozen=True, slots=True)
class Do:
    function: Callable[[], object]

    async def play(self, connection: Connection) -> None:
        self.function()


# Limits and order.


async def test_a_connection_that_is_free_too_late_stays_unused() -> None:
    """The event loop is busy after the waiting request has got its permit, and before it continues."""
    async with FaultServer() as server, http1(server, max_connections=1) as transport:

        async def send_and_be_busy() -> None:
            await transport.send(delete(b"/first"))
            time.sleep(0.2)  # noqa: ASYNC251 - while the other request has its permit

        busy = asyncio.create_task(send_and_be_busy())
        waiting = asyncio.create_task(outcome(transport, delete(b"/second", send_seconds=0.15)))
        await busy
        assert await waiting is NotSent
        await transport.send(delete(b"/third"))
        assert server.accepted == 1
        assert [request.target for request in server.requests] == [b"/first", b"/third"]


async def test_the_most_recently_used_connection_is_used_next() -> None:
    """So the others can expire."""
    gate = Gate()
    async with FaultServer(then=gated(gate)) as server, http1(server, max_connections=3) as transport:
        requests = [asyncio.create_task(transport.send(delete())) for _ in range(3)]
        await until(lambda: gate.waiting == 3)
        gate.opened.set()
        await asyncio.gather(*requests)
        for _ in range(5):
            await transport.send(delete())
        assert len({request.connection for request in server.requests[3:]}) == 1
        assert server.accepted == 3


# Idle connections.


async def test_a_connection_that_expired_while_the_loop_was_busy_is_not_used() -> None:
    async with FaultServer() as server, http1(server, idle_seconds=0.05) as transport:
        await transport.send(delete())
        time.sleep(0.1)  # noqa: ASYNC251 - as a request of another kind would
        assert (await transport.send(delete())).status == 200
        assert server.accepted == 2


@pytest.mark.parametrize("then", [Close(), Send(b"HTTP/1.1 200 OK\r\n\r\n")], ids=["fin", "bytes"])
async def test_unread_bytes_keep_a_connection_from_being_used(tls: ssl.SSLContext | None, then: Step) -> None:
    """The event loop has not reported them yet."""
    sent: list[asyncio.Task[Response]] = []
    # The task's first step comes before the loop looks at its sockets again.
    send = Do(lambda: sent.append(asyncio.create_task(transport.send(delete()))))
    async with (
        FaultServer((Read(), Answer(), Wait(0.02), then, send, Hang()), tls=tls) as server,
        http1(server) as transport,
    ):
        await transport.send(delete())
        await until(lambda: len(sent) == 1)
        assert (await sent[0]).status == 200
        assert (server.accepted, len(server.requests)) == (2, 2)


async def test_a_fresh_connection_is_a_new_one() -> None:
    """At the limit of connections, the one that is idle longest is closed."""
    gate = Gate()
    async with FaultServer(then=gated(gate)) as server, http1(server, max_connections=2) as transport:
        requests = [asyncio.create_task(transport.send(delete())) for _ in range(2)]
        await until(lambda: gate.waiting == 2)
        gate.opened.set()
        await asyncio.gather(*requests)
        await transport.send(delete())
        used_last = server.requests[-1].connection
        await transport.send(delete(fresh=True))
        assert [server.accepted, server.requests[-1].connection] == [3, 2]
        await until(lambda: server.open == 2)
        assert (transport.open_connections, transport.idle_connections) == (2, 2)
        await asyncio.gather(transport.send(delete()), transport.send(delete()))
        assert {request.connection for request in server.requests[-2:]} == {used_last, 2}


async def test_a_fresh_connection_waits_and_replaces_the_one_that_is_free() -> None:
    gate = Gate()
    async with FaultServer(then=gated(gate)) as server, http1(server, max_connections=1) as transport:
        holder = asyncio.create_task(transport.send(delete()))
        await until(lambda: gate.waiting == 1)
        fresh = asyncio.create_task(transport.send(delete(fresh=True)))
        await until(lambda: transport.waiting == 1)
        gate.opened.set()
        await asyncio.gather(holder, fresh)
        assert [request.connection for request in server.requests] == [0, 1]
        assert transport.open_connections == 1


# Connections that cannot be opened.


@pytest.mark.parametrize("place", CONNECTING.values(), ids=CONNECTING)
async def test_connecting_ends_at_the_last_moment_to_send(place: Where) -> None:
    """tests/faults has the ends at the connect timeout."""
    with place() as origin:
        async with transport_to("http1", origin, connect_seconds=60.0) as transport:
            with pytest.raises(NotSent) as caught:
                await asyncio.wait_for(transport.send(delete(send_seconds=0.15, seconds=90)), 5)
            assert caught.value.transient


async def test_bytes_before_the_request_are_not_a_response() -> None:
    said = asyncio.Event()
    script = (Send(b"SSH-2.0-OpenSSH_9.6\r\n"), Do(said.set), Hang())
    async with FaultServer(script) as server, http1(server) as transport:
        first = await outcome(transport, delete())
        assert first in {NotSent, Interrupted}
        assert said.is_set()
        assert (await transport.send(delete())).status == 200
        assert len(server.requests) == 1


async def test_names_and_ipv6_addresses_are_reached() -> None:
    async with FaultServer() as server, transport_to("http1", Origin("http", "localhost", server.port)) as transport:
        assert (await transport.send(delete())).status == 200
        assert server.requests[0].headers[0] == (b"Host", b"localhost:%d" % server.port)
    async with six() as (origin, heads), transport_to("http1", origin) as transport:
        assert (await transport.send(delete())).status == 204
        assert b"\r\nHost: [::1]:%d\r\n" % origin.port in heads[0]


@contextlib.asynccontextmanager
async def six() -> AsyncIterator[tuple[Origin, list[bytes]]]:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    require_ipv6()
    async with await asyncio.start_server(serve, "::1", 0) as server:
        yield Origin("http", "::1", server.sockets[0].getsockname()[1]), heads


# The end.


async def test_a_waiting_request_opens_no_connection_after_the_close() -> None:
    async with FaultServer() as server, http1(server, max_connections=1) as transport:

        async def send_and_close() -> None:
            await transport.send(delete())
            await transport.aclose()

        closing = asyncio.create_task(send_and_close())
        waiting = asyncio.create_task(transport.send(delete()))
        with pytest.raises(NotSent) as caught:
            await waiting
        assert not caught.value.transient
        await closing
        assert (server.accepted, len(server.requests)) == (1, 1)


async def test_an_idle_tls_connection_is_closed_with_close_notify() -> None:
    """RFC 8446 §6.1."""
    answer = b"HTTP/1.1 204 No Content\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> bytes:
            plain, _ = listener.accept()
            context = authority().server(Certificate.VALID)
            with context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False) as connection:
                connection.recv(65_536)
                connection.sendall(answer)
                # Raises where it meets a FIN alone.
                return connection.recv(1)

        async with transport_to("http1", Origin("https", "127.0.0.1", listener.getsockname()[1])) as transport:
            serving = asyncio.create_task(asyncio.to_thread(serve))
            assert (await transport.send(delete())).status == 204
        assert await serving == b""
