"""`check` does all that a delete does before its first byte, and reports the result without a secret."""

from __future__ import annotations

import ssl
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from app.http_client.probe import UnreachableError, probe
from app.http_client.transport import NotSent
from app.http_client.transport_factory import make_transport
from app.settings import Settings, load
from tests.faults.certificates import Certificate, authority
from tests.faults.nothing_left import nothing_left
from tests.faults.server import FaultServer
from tests.faults.steps import Arrive, Close, Hang, Read, Reset, Send, Wait, WithoutTls, tunnel
from tests.faults.transports import delete
from tests.faults.unreachable import full_backlog, refusing_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.steps import Steps

TLS_DONE = "TCP connection and TLS handshake (TLSv1.3)"


@pytest.fixture(name="ca")
def write_ca(tmp_path: Path) -> str:
    """Write the authority that an operator would name."""
    authority().trusted.cert_pem.write_to_path(tmp_path / "ca.pem")
    return str(tmp_path / "ca.pem")


def settings(url: str, ca: str = "", **environ: str) -> Settings:
    """Settings with a short connect timeout, so that a test need not wait for it."""
    return load({"WETHOD_BASE_URL": url, "WETHOD_CA_FILE": ca, "WETHOD_CONNECT_TIMEOUT_SECONDS": "0.6"} | environ)


@pytest.mark.parametrize("transport", ["http1", "httpx"])
async def test_it_connects_and_writes_nothing(transport: str, ca: str, tls: ssl.SSLContext | None) -> None:
    async with nothing_left(), FaultServer(tls=tls) as server:
        done = await probe(settings(server.url, ca if tls else "", WETHOD_TRANSPORT=transport))
        assert done == (TLS_DONE if tls else "TCP connection")
        await server.all_closed()
        assert (server.accepted, server.requests) == (1, [])


@pytest.mark.parametrize("secure", [False, True], ids=["http-proxy", "https-proxy"])
async def test_through_a_proxy_it_sends_the_same_bytes_as_a_delete(ca: str, *, secure: bool) -> None:
    """A wrong password of the proxy is found before the first delete."""
    context = authority().server(Certificate.VALID)
    async with nothing_left(), FaultServer(tls=context) as wethod:
        async with FaultServer(then=tunnel(wethod.port), tls=context if secure else None) as proxy:
            url = proxy.url.replace("://", "://corp:hunter2@")
            asked = settings(wethod.url, ca, WETHOD_PROXY=url)
            assert await probe(asked) == f"{TLS_DONE} through the proxy"
            assert wethod.requests == []
            transport = make_transport(asked)
            await transport.send(delete())
            await transport.aclose()
            await proxy.all_closed()
        by_check, by_delete = proxy.requests
        assert by_check.data == by_delete.data
        assert (b"Proxy-Authorization", b"Basic " + b64encode(b"corp:hunter2")) in by_check.headers


async def test_for_a_plain_url_it_only_connects_to_the_proxy() -> None:
    """The first bytes of a delete would be the delete itself."""
    async with nothing_left(), FaultServer() as proxy:
        environ = {"WETHOD_PROXY": proxy.url, "WETHOD_ALLOW_PLAINTEXT": "true"}
        assert await probe(settings("http://wethod.example", "", **environ)) == "TCP connection to the proxy"
        await proxy.all_closed()
        assert (proxy.accepted, proxy.requests) == (1, [])


REFUSALS: dict[str, tuple[Steps, str]] = {
    "wants-credentials": (
        (Read(), Send(b"HTTP/1.1 407 Who are you, corp:hunter2?\r\nContent-Length: 0\r\n\r\n"), Hang()),
        "the proxy answers 407",
    ),
    "forbids": ((Read(), Send(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"), Hang()), "the proxy answers 403"),
    "hangs-up": ((Read(), Close()), "the proxy hangs up, or answers with something other than HTTP"),
    "garbage": ((Read(), Send(b"no\r\n\r\n"), Hang()), "the proxy hangs up, or answers with something other than HTTP"),
    "hangs": ((Read(), Hang()), "no connection within 0.6 s"),
}


@pytest.mark.parametrize(("steps", "reason"), REFUSALS.values(), ids=REFUSALS)
async def test_a_proxy_that_refuses_is_named_without_its_password(steps: Steps, reason: str) -> None:
    async with nothing_left(), FaultServer(then=steps) as proxy:
        asked = settings("https://wethod.example", "", WETHOD_PROXY=proxy.url.replace("://", "://corp:hunter2@"))
        with pytest.raises(UnreachableError) as caught:
            await probe(asked)
        assert str(caught.value) == f"through the proxy {proxy.url}: {reason}"
        transport = make_transport(asked)
        request = delete(send_seconds=0.6)
        with pytest.raises(NotSent) as unsent:
            await transport.send(request)
        assert "hunter2" not in str(unsent.value)
        assert not request.written
        await transport.aclose()
        await proxy.all_closed()


@pytest.mark.parametrize("transport", ["http1", "httpx"])
async def test_a_failed_connection_has_a_reason(transport: str) -> None:
    """The same for both transports."""

    async def reason(url: str, **environ: str) -> str:
        with pytest.raises(UnreachableError) as caught:
            await probe(settings(url, "", WETHOD_TRANSPORT=transport, **environ))
        return str(caught.value)

    async with nothing_left():
        with refusing_port() as origin:
            assert await reason(f"http://127.0.0.1:{origin.port}") == "Connection refused"
        with full_backlog() as origin:
            assert await reason(f"http://127.0.0.1:{origin.port}") == "no connection within 0.6 s"
            # A delete with this timeout has no more time to connect.
            short = {"WETHOD_TIMEOUT_SECONDS": "0.3"}
            assert await reason(f"http://127.0.0.1:{origin.port}", **short) == "no connection within 0.2 s"
        assert (await reason("https://wethod.invalid")).startswith("the name does not resolve: ")
        async with FaultServer(tls=authority().server(Certificate.UNTRUSTED)) as server:
            assert (await reason(server.url)).startswith("its certificate is refused: ")
        async with FaultServer(
            then=(WithoutTls(), Arrive(), Close()), tls=authority().server(Certificate.VALID)
        ) as server:
            closed = {"http1": "Connection reset by peer", "httpx": "TLS fails: UNEXPECTED_EOF_WHILE_READING"}
            assert await reason(server.url) == closed[transport]
        plain = (WithoutTls(), Send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Hang())
        async with FaultServer(then=plain, tls=authority().server(Certificate.VALID)) as server:
            assert (await reason(server.url)).startswith("TLS fails: ")


CLOSED_EARLY = (
    "the connection is closed, or bytes arrive, before a request is written; check the port, the client certificate "
    "(WETHOD_CLIENT_CERT_FILE), and if this address may connect"
)


@pytest.mark.parametrize("transport", ["http1", "httpx"])
@pytest.mark.parametrize(
    "steps", [(Send(b"SSH-2.0-x\r\n"), Hang()), (Close(),), (Reset(),)], ids=["banner", "close", "reset"]
)
async def test_a_server_that_does_not_wait_for_a_request_is_the_reason(steps: Steps, transport: str) -> None:
    """Its reaction arrives a round trip after the connect."""
    async with nothing_left(), FaultServer(then=(Wait(0.05), *steps)) as server:
        with pytest.raises(UnreachableError) as caught:
            await probe(settings(server.url, WETHOD_TRANSPORT=transport))
        assert str(caught.value) == CLOSED_EARLY


@pytest.mark.parametrize("transport", ["http1", "httpx"])
async def test_a_server_that_requires_a_client_certificate_is_the_reason(transport: str, ca: str) -> None:
    """With TLS 1.3 it refuses the client after the client's handshake is complete (RFC 8446 section 4.4.2.4)."""
    tls = authority().mutual_server(ssl.TLSVersion.TLSv1_3)
    async with nothing_left(), FaultServer(tls=tls) as server:
        with pytest.raises(UnreachableError) as caught:
            await probe(settings(server.url, ca, WETHOD_TRANSPORT=transport))
        assert str(caught.value) == CLOSED_EARLY
