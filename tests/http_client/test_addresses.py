"""A name with several addresses is reached if one of them is, and an absolute name is one without its dot in TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
import trustme
import uvloop

from app.http_client.probe import UnreachableError, probe
from app.http_client.tls import make_ssl_context
from app.http_client.transport import ConnectionOptions, Origin
from app.http_client.transport_factory import make_transport
from app.settings import load
from tests.faults.nothing_left import nothing_left
from tests.faults.server import FaultServer
from tests.faults.steps import tunnel
from tests.faults.transports import TRANSPORTS, delete, transport_to
from tests.faults.unreachable import CONNECTING, full_backlog, refusing_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.unreachable import Where

Addresses: TypeAlias = "list[tuple[Any, ...]]"

records: dict[str, list[int | str]] = {}
"""The test's DNS: for each name its addresses. A number is that port of 127.0.0.1."""


class Resolver:
    """An event loop's resolver that knows only ``records``."""

    async def getaddrinfo(self, host: bytes | str | None, port: object, **_: object) -> Addresses:
        """Look a name up, the way it was asked for: with its dot, if it had one."""
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name not in records and not name.startswith("127."):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        addresses = [
            (found, port) if isinstance(found, str) else ("127.0.0.1", found) for found in records.get(name, [name])
        ]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]


class PlainLoop(Resolver, asyncio.SelectorEventLoop):
    """Python's own loop."""


class FastLoop(Resolver, uvloop.Loop):  # type: ignore[misc] # so are the annotations of uvloop
    """The loop that serves in production."""


pytestmark = pytest.mark.parametrize(
    "anyio_backend",
    [
        pytest.param(("asyncio", {"loop_factory": PlainLoop}), id="asyncio"),
        pytest.param(("asyncio", {"loop_factory": FastLoop}), id="uvloop"),
    ],
)

BROADCAST = "127.255.255.255"
"""An address to which the kernel opens no TCP connection."""

BOTH = pytest.mark.parametrize("name", TRANSPORTS)


@pytest.mark.parametrize(
    "dead", [pytest.param(full_backlog, id="never-accepts"), pytest.param(refusing_port, id="refuses")]
)
async def test_the_next_address_is_tried_beside_a_dead_one(dead: Where) -> None:
    """Long before the connect timeout (RFC 8305)."""
    with dead() as nowhere:
        async with FaultServer() as server, transport_to("http1", Origin("http", "two.example", 80)) as transport:
            records["two.example"] = [nowhere.port, nowhere.port, server.port]
            assert (await transport.send(delete(send_seconds=2.0, seconds=4.0))).status == 200
            assert [request.headers[0] for request in server.requests] == [(b"Host", b"two.example")]


@BOTH
@pytest.mark.parametrize(
    ("dead", "addresses", "reason"),
    [
        pytest.param(refusing_port, ["127.0.0.1", "127.0.0.1"], "Connection refused", id="equal"),
        pytest.param(
            refusing_port, ["127.0.0.1", BROADCAST], "Connection refused, Network is unreachable", id="different"
        ),
        pytest.param(full_backlog, [BROADCAST, "127.0.0.1"], "no connection within 0.6 s", id="one-hangs"),
    ],
)
async def test_a_check_says_why_no_address_is_reached(
    name: str, dead: Where, addresses: list[str], reason: str
) -> None:
    """The addresses themselves are not shown."""
    records["dead.example"] = [*addresses]
    with dead() as nowhere:
        environ = {"WETHOD_BASE_URL": f"https://dead.example:{nowhere.port}", "WETHOD_CONNECT_TIMEOUT_SECONDS": "0.6"}
        with pytest.raises(UnreachableError) as caught:
            await probe(load(environ | {"WETHOD_TRANSPORT": name}))
    assert str(caught.value) == reason


async def test_the_slower_of_two_connections_is_closed_unused() -> None:
    origin = Origin("http", "two.example", 80)
    async with FaultServer() as first, FaultServer() as second, transport_to("http1", origin) as transport:
        records["two.example"] = [first.port, second.port]
        for _ in range(5):
            await transport.send(delete(fresh=True))
    assert len(first.requests) + len(second.requests) == 5


@BOTH
@pytest.mark.parametrize("step", ["resolve", "connect", "handshake"])
async def test_a_caller_that_leaves_while_connecting_was_not_sent(name: str, step: str) -> None:
    with CONNECTING.get(step, full_backlog)() as nowhere:
        records["slow.example"] = [nowhere.port]
        async with transport_to(name, Origin("https", "slow.example", nowhere.port)) as transport:
            request = delete()
            sending = asyncio.create_task(transport.send(request))
            await asyncio.sleep(0 if step == "resolve" else 0.05)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            assert not request.written


@BOTH
async def test_an_absolute_name_has_its_dot_only_in_dns(name: str, tmp_path: Path) -> None:
    """SNI, the certificate and ``Host`` have none, as with browsers."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    seen: list[str | None] = []
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("wethod.example").configure_cert(server_context)
    server_context.sni_callback = lambda _, server_name, __: seen.append(server_name)
    async with nothing_left(), FaultServer(tls=server_context) as server:
        records["wethod.example."] = [server.port]
        options = ConnectionOptions(
            Origin("https", "wethod.example.", server.port),
            ssl_context=make_ssl_context(ca_file=tmp_path / "ca.pem"),
            connect_timeout_seconds=2,
            max_connections=1,
            idle_seconds=1,
        )
        transport = TRANSPORTS[name](options)
        assert (await transport.send(delete())).status == 200
        await transport.aclose()
        assert server.requests[0].headers[0] == (b"Host", b"wethod.example:%d" % server.port)
        assert seen == ["wethod.example"]


async def test_an_absolute_name_of_a_proxy_has_its_dot_only_in_dns(tmp_path: Path) -> None:
    """The same for the name of Wethod behind the proxy."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    seen: list[str | None] = []
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("proxy.example", "wethod.example").configure_cert(server_context)
    server_context.sni_callback = lambda _, server_name, __: seen.append(server_name)
    async with (
        nothing_left(),
        FaultServer(tls=server_context) as wethod,
        FaultServer(then=tunnel(wethod.port), tls=server_context) as proxy,
    ):
        records["proxy.example."] = [proxy.port]
        environ = {
            "WETHOD_BASE_URL": f"https://wethod.example.:{wethod.port}",
            "WETHOD_PROXY": f"https://proxy.example.:{proxy.port}",
            "WETHOD_CA_FILE": str(tmp_path / "ca.pem"),
        }
        transport = make_transport(load(environ))
        assert (await transport.send(delete())).status == 200
        await transport.aclose()
        assert seen == ["proxy.example", "wethod.example"]
