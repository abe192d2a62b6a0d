"""The transport over httpx: its exceptions, its proxies, its refusals."""

from __future__ import annotations

import asyncio
import contextlib
from base64 import b64encode
from typing import TYPE_CHECKING

import httpx
import pytest
from msgspec.structs import replace

from app.http_client.httpx_exchange import NOTHING_WRITTEN, Exchange
from app.http_client.httpx_transport import HttpxTransport
from app.http_client.probe import UnreachableError, probe
from app.http_client.proxies import parse_proxy
from app.http_client.transport import ConnectionOptions, Interrupted, NotSent, Origin, Request
from app.http_client.transport_factory import check_transport, make_transport
from app.settings import load
from tests.faults.certificates import Certificate, authority
from tests.faults.cuts import EMPTY, PAGE
from tests.faults.fault import Answered, Cut, Unsent, Verdict, verdict
from tests.faults.nothing_left import nothing_left
from tests.faults.server import FaultServer
from tests.faults.steps import SOUND, Arrive, Close, CloseProperly, Hang, Read, Reset, Send, Steps, WithoutTls, tunnel
from tests.faults.transports import CONNECT_SECONDS, delete, transport_to

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def _tree(top: type[Exception]) -> list[type[Exception]]:
    return [top, *(kind for below in top.__subclasses__() for kind in _tree(below))]


@pytest.mark.parametrize("kind", _tree(httpx.HTTPError))
async def test_an_exception_means_not_sent_only_if_it_comes_before_the_first_byte(kind: type[Exception]) -> None:
    """An exception class that httpx adds later means interrupted."""

    class Failing(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            del request
            raise kind.__new__(kind)

    exchange = Exchange(delete(), Origin("http", "127.0.0.1", 1), "127.0.0.1")
    await exchange.run(Failing())
    with pytest.raises(NotSent if kind in NOTHING_WRITTEN else Interrupted):
        exchange.outcome()


@pytest.mark.parametrize(
    "response",
    [b"HTTP/1.1 200 OK\r\nSet-Cookie : id=secret\r\n\r\n", b'{"password": "secret"}\r\n\r\n'],
    ids=["header", "no-head"],
)
async def test_the_text_of_a_malformed_response_is_not_quoted(response: bytes) -> None:
    """The reason goes to the log."""
    async with (
        FaultServer((Read(), Send(response), Close())) as server,
        transport_to("httpx", server.origin) as transport,
    ):
        with pytest.raises(Interrupted) as problem:
            await transport.send(delete())
        assert str(problem.value) == "the response is not well-formed HTTP"


UNSENDABLE: dict[str, dict[str, object]] = {
    "dot-segments": {"target": b"/api/contact/../contacts"},
    "header-with-line-break": {"headers": ((b"Wethod-Company", b"acme\r\nX: y"),)},
}


@pytest.mark.parametrize("changes", UNSENDABLE.values(), ids=UNSENDABLE.keys())
async def test_a_request_that_httpx_would_change_is_not_sent(changes: dict[str, object]) -> None:
    async with FaultServer() as server, transport_to("httpx", server.origin) as transport:
        request: Request = replace(delete(), **changes)
        with pytest.raises(ValueError, match=r"another target|CR, LF or NUL"):
            await transport.send(request)
        assert (server.accepted, request.written) == (0, False)


@pytest.mark.parametrize("held", [False, True], ids=["too-late", "caller-gone"])
async def test_nothing_is_written_after_the_last_moment_to_send(*, held: bool) -> None:
    """Nor after the caller has gone."""
    async with nothing_left(), FaultServer() as server:
        request = delete(send_seconds=2.0 if held else -0.001)
        exchange = Exchange(request, server.origin, "127.0.0.1")
        exchange.hold_back = held
        await exchange.run(httpx.AsyncHTTPTransport())
        with pytest.raises(NotSent, match="ended while connecting"):
            exchange.outcome()
        await server.all_closed()
        assert (server.accepted, server.requests, request.written) == (1, [], False)


@contextlib.asynccontextmanager
async def through(
    proxy: FaultServer, origin: Origin, *, user: str = "", connect_seconds: float = 2.0
) -> AsyncIterator[HttpxTransport]:
    """A transport through a proxy, which must leave no socket and no task behind."""
    options = ConnectionOptions(
        origin,
        ssl_context=authority().client(),
        connect_timeout_seconds=connect_seconds,
        max_connections=10,
        idle_seconds=5.0,
    )
    async with nothing_left():
        transport = HttpxTransport(
            options,
            proxy=parse_proxy("WETHOD_PROXY", proxy.url.replace("://", f"://{user}")),
            proxy_ssl_context=authority().client() if proxy.origin.scheme == "https" else None,
        )
        try:
            yield transport
        finally:
            await transport.aclose()


@pytest.mark.parametrize("secure", [False, True], ids=["http-proxy", "https-proxy"])
async def test_a_proxy_tunnels_to_wethod(*, secure: bool) -> None:
    """It sees none of the request's headers, and Wethod sees none of its credentials."""
    tls = authority().server(Certificate.VALID)
    async with (
        FaultServer(tls=tls) as wethod,
        FaultServer(then=tunnel(wethod.port), tls=tls if secure else None) as proxy,
        through(proxy, wethod.origin, user="corp:s3cret@") as transport,
    ):
        assert await verdict(transport, delete()) == Answered(200)
        assert await verdict(transport, delete(8)) == Answered(200)
        target = b"127.0.0.1:%d" % wethod.port
        assert [request.line for request in proxy.requests] == [b"CONNECT %b HTTP/1.1" % target] * 2
        assert dict(proxy.requests[0].headers) == {
            b"Host": target,
            b"Accept": b"*/*",
            b"Proxy-Authorization": b"Basic " + b64encode(b"corp:s3cret"),
        }
        assert [request.target for request in wethod.requests] == [b"/api/contact/7", b"/api/contact/8"]
        assert [name for name, _ in wethod.requests[0].headers] == [b"Host", b"Accept", b"Accept-Encoding"]


@pytest.mark.parametrize("known", [True, False], ids=["trusted", "unknown"])
async def test_the_file_of_authorities_covers_the_proxys_own_certificate(tmp_path: Path, *, known: bool) -> None:
    """TLS with the proxy, and TLS with Wethod inside."""
    file = tmp_path / "ca.pem"
    (authority().trusted if known else authority().stranger).cert_pem.write_to_path(file)
    tls = authority().server(Certificate.VALID)
    async with (
        nothing_left(),
        FaultServer(tls=tls) as wethod,
        FaultServer(then=tunnel(wethod.port), tls=tls) as proxy,
    ):
        settings = load({"WETHOD_BASE_URL": wethod.url, "WETHOD_PROXY": proxy.url, "WETHOD_CA_FILE": str(file)})
        check_transport(settings)
        transport = make_transport(settings)
        found = await verdict(transport, delete())
        await transport.aclose()
        if known:
            assert found == Answered(200)
            assert "through the proxy" in await probe(settings)
        else:
            assert found == Unsent(transient=False)
            with pytest.raises(UnreachableError, match="its certificate is refused: "):
                await probe(settings)
            # Nothing is sent to a proxy without a valid certificate.
            assert proxy.requests == []
        await proxy.all_closed()


async def test_a_proxy_forwards_to_a_plain_origin() -> None:
    """The target is in absolute form (RFC 9112 §3.2.2)."""
    async with FaultServer() as proxy, through(proxy, Origin("http", "wethod.example", 80)) as transport:
        assert await verdict(transport, delete()) == Answered(200)
        [request] = proxy.requests
        assert request.line == b"DELETE http://wethod.example/api/contact/7 HTTP/1.1"
        assert request.headers[0] == (b"Host", b"wethod.example")


OPEN = Send(b"HTTP/1.1 200 OK\r\n\r\n")

# Proxies through which the origin is never reached.
TUNNELS: dict[str, Steps] = {
    "refuses": (Read(), Send(b"HTTP/1.1 502 Bad Gateway\r\n" + EMPTY), Hang()),
    "wants-credentials": (Read(), Send(b"HTTP/1.1 407 Proxy Authentication Required\r\n" + EMPTY), Hang()),
    "redirects": (Read(), Send(b"HTTP/1.1 302 Found\r\nLocation: /\r\n" + EMPTY), Hang()),
    "switches-protocols": (Read(), Send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), Hang()),
    "closes": (Read(), Close()),
    "resets": (Read(), Reset()),
    "resets-unread": (Arrive(), Reset()),
    "talks-garbage": (Read(), Send(bytes(range(256))), Hang()),
    "hangs": (Read(), Hang()),
    "cuts-its-answer": (Read(), Send(b"HTTP/1.1 200 OK\r\n"), Close()),
    "closes-tunnel": (Read(), OPEN, Arrive(), Close()),
    "resets-tunnel": (Read(), OPEN, Arrive(), Reset()),
    "hangs-in-tunnel": (Read(), OPEN, Hang()),
    "no-tls-in-tunnel": (Read(), OPEN, Arrive(), Send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Hang()),
}


@pytest.mark.parametrize("name", TUNNELS)
async def test_a_delete_without_a_tunnel_is_not_sent(name: str) -> None:
    """The bytes of the CONNECT are not part of the request."""
    waits = name.startswith("hangs")
    connect_seconds = CONNECT_SECONDS if waits else 60.0
    async with (
        FaultServer(*[TUNNELS[name]] * 3) as proxy,
        FaultServer() as wethod,
        through(proxy, Origin("https", "127.0.0.1", wethod.port), connect_seconds=connect_seconds) as transport,
    ):
        started = asyncio.get_running_loop().time()
        async with asyncio.timeout(15):
            for _ in range(3):
                assert await verdict(transport, delete(seconds=60)) == Unsent()
        took = asyncio.get_running_loop().time() - started
        # uvloop counts in milliseconds.
        assert not waits or took >= 3 * (CONNECT_SECONDS - 0.01)
        assert wethod.accepted == 0


BEHIND: dict[str, tuple[Steps, Certificate, Verdict]] = {
    "certificate": (SOUND, Certificate.EXPIRED, Unsent(transient=False)),
    "close": ((Read(), Close()), Certificate.VALID, Cut()),
    "reset": ((Read(), Reset()), Certificate.VALID, Cut()),
    "hang": ((Read(), Hang()), Certificate.VALID, Cut()),
    "handshake": ((WithoutTls(), Hang()), Certificate.VALID, Unsent()),
    "page-cut-below-tls": ((Read(), Send(PAGE + b"\r\n"), Close()), Certificate.VALID, Answered(200, None)),
    "page-ended": ((Read(), Send(PAGE + b"\r\n"), CloseProperly()), Certificate.VALID, Answered(200, b"")),
}


@pytest.mark.parametrize(("steps", "certificate", "expected"), BEHIND.values(), ids=BEHIND.keys())
async def test_a_fault_behind_a_tunnel_has_the_same_verdict(
    steps: Steps, certificate: Certificate, expected: Verdict
) -> None:
    async with (
        FaultServer(then=steps, tls=authority().server(certificate)) as wethod,
        FaultServer(then=tunnel(wethod.port)) as proxy,
        through(proxy, wethod.origin) as transport,
    ):
        assert await verdict(transport, delete(seconds=0.5 if steps[-1] == Hang() else 10.0)) == expected
        assert len(wethod.complete) == (0 if isinstance(expected, Unsent) else 1)
