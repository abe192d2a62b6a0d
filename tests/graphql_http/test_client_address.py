"""The client's address is the first hop that is not a trusted proxy, and never a forged one."""

from __future__ import annotations

import json
import socket
import struct
import sys
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.graphql_http.client_address import AddressReader
from app.headers import parse_headers
from tests.gateway import gateway
from tests.server.serving import request
from tests.system_parts import require, require_ipv6

if TYPE_CHECKING:
    from pathlib import Path

PROXIES = ("10.0.0.0/8", "192.0.2.1", "2001:db8:1::/48")


def read(trusted: tuple[str, ...], peer: str | None, *headers: tuple[str, str]) -> str:
    """Read the client of a request that this peer sent with these headers."""
    fields = parse_headers([(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers])
    return AddressReader(trusted).read(None if peer is None else (peer, 4711), fields)


def forwarded_for(*values: str) -> list[tuple[str, str]]:
    """Make one ``X-Forwarded-For`` field for each value."""
    return [("x-forwarded-for", value) for value in values]


# A peer, the headers it sends, and the client.
CASES: dict[str, tuple[str | None, list[tuple[str, str]], str]] = {
    "no-header": ("198.51.100.1", [], "198.51.100.1"),
    "unix-socket": (None, forwarded_for("203.0.113.7"), ""),
    "peer-not-trusted": ("198.51.100.1", forwarded_for("203.0.113.7"), "198.51.100.1"),
    "peer-no-address": ("somewhere", forwarded_for("203.0.113.7"), "somewhere"),
    "one-proxy": ("10.1.2.3", forwarded_for("203.0.113.7"), "203.0.113.7"),
    "two-proxies": ("192.0.2.1", forwarded_for("203.0.113.7, 10.9.9.9"), "203.0.113.7"),
    "two-lines": ("10.0.0.1", forwarded_for("203.0.113.7", "10.9.9.9"), "203.0.113.7"),
    "forged-on-the-left": ("10.0.0.1", forwarded_for("127.0.0.1, 203.0.113.7, 10.9.9.9"), "203.0.113.7"),
    "all-trusted": ("10.0.0.1", forwarded_for("10.0.0.3,10.0.0.2"), "10.0.0.3"),
    "trusted-no-header": ("10.0.0.1", [], "10.0.0.1"),
    "unknown": ("10.0.0.1", forwarded_for("unknown"), "10.0.0.1"),
    "garbage-behind-a-proxy": ("10.0.0.1", forwarded_for("203.0.113.7, what?, 10.0.0.2"), "10.0.0.2"),
    "empty": ("10.0.0.1", forwarded_for(""), "10.0.0.1"),
    "with-a-port": ("10.0.0.1", forwarded_for("203.0.113.7:51234"), "203.0.113.7"),
    "ipv6": ("2001:db8:1::5", forwarded_for("2001:DB8:0:0::7"), "2001:db8::7"),
    "ipv6-with-a-port": ("10.0.0.1", forwarded_for("[2001:db8::7]:443"), "2001:db8::7"),
    "ipv4-in-ipv6": ("::ffff:10.0.0.1", forwarded_for("::ffff:203.0.113.7"), "203.0.113.7"),
    "zone": ("10.0.0.1", forwarded_for("fe80::1%eth0"), "fe80::1"),
    "forwarded": ("10.0.0.1", [("forwarded", 'proto=https;For="[2001:db8::7]:80";by=10.0.0.1')], "2001:db8::7"),
    "forwarded-hops": ("10.0.0.1", [("forwarded", "for=127.0.0.1, for=203.0.113.7,for=10.2.2.2")], "203.0.113.7"),
    "forwarded-without-for": ("10.0.0.1", [("forwarded", "proto=https")], "10.0.0.1"),
    "forwarded-host": ("10.0.0.1", [("forwarded", 'for=203.0.113.7;host="a,for=127.0.0.1;b"')], "203.0.113.7"),
    "forwarded-host-first": ("10.0.0.1", [("forwarded", 'host=";for=127.0.0.1";for=203.0.113.7')], "203.0.113.7"),
    "forwarded-escape": ("10.0.0.1", [("forwarded", r'host="\",for=127.0.0.1",for=203.0.113.7')], "203.0.113.7"),
    "forwarded-unfinished": ("10.0.0.1", [("forwarded", 'for=203.0.113.7, for="10.2.2.2, by=x')], "10.0.0.1"),
    "forwarded-hidden": ("10.0.0.1", [("forwarded", "for=203.0.113.7, for=_hidden")], "10.0.0.1"),
    # A proxy that writes one of the two headers passes on the other one unchanged.
    "both": ("10.0.0.1", [("forwarded", "for=127.0.0.1"), ("x-forwarded-for", "203.0.113.7")], "203.0.113.7"),
    "twenty-hops": ("10.0.0.1", forwarded_for("203.0.113.7" + ",10.0.0.2" * 19), "203.0.113.7"),
    "more-hops": ("10.0.0.1", forwarded_for("203.0.113.7" + ",10.0.0.2" * 20), "10.0.0.2"),
    "forwarded-twenty-hops": ("10.0.0.1", [("forwarded", "for=203.0.113.7" + ",for=10.0.0.2" * 19)], "203.0.113.7"),
    "forwarded-more-hops": ("10.0.0.1", [("forwarded", "for=203.0.113.7" + ",for=10.0.0.2" * 20)], "10.0.0.2"),
    "endless": ("10.0.0.1", forwarded_for(", ".join(["203.0.113.7"] + ["10.0.0.2"] * 5_000)), "10.0.0.2"),
    "overlong": ("10.0.0.1", forwarded_for("1" * 30_000), "10.0.0.1"),
}


@pytest.mark.parametrize(("peer", "headers", "client"), CASES.values(), ids=CASES)
def test_the_first_hop_that_is_not_trusted_is_the_client(
    peer: str | None, headers: list[tuple[str, str]], client: str
) -> None:
    """The nearest hop is read first."""
    assert read(PROXIES, peer, *headers) == client


def test_overlong_hops_take_little_memory() -> None:
    """Addresses are cached."""
    reader = AddressReader(PROXIES)
    tracemalloc.start()
    try:
        for number in range(100):
            reader.read(("10.0.0.1", 4711), parse_headers([(b"x-forwarded-for", b"%d" % number + b"x" * 30_000)]))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1_000_000


@pytest.mark.parametrize("peer", ["198.51.100.1", "10.0.0.1"])
def test_without_trusted_proxies_the_peer_is_the_client(peer: str) -> None:
    assert read((), peer, *forwarded_for("203.0.113.7")) == peer


def test_an_ipv4_client_of_an_ipv6_socket_has_its_ipv4_address() -> None:
    """A dual-stack socket reports ``::ffff:127.0.0.1``."""
    assert read((), "::ffff:127.0.0.1") == "127.0.0.1"


async def test_the_audit_has_the_ipv4_address_of_a_client_of_an_ipv6_socket(tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    require_ipv6()
    async with gateway("http://127.0.0.1:1", {"GATEWAY_AUDIT_LOG": str(audit)}, host="::") as client:
        client.url = f"http://127.0.0.1:{client.port}"
        assert (await client.delete("x"))["__typename"] == "WethodValidationError"
    assert json.loads(audit.read_text(encoding="utf-8"))["client"] == "127.0.0.1"


async def test_the_audit_has_the_address_of_a_client_that_reset_its_connection(tmp_path: Path) -> None:
    """The kernel no longer knows the peer of such a connection."""
    require("Linux, which accepts a connection that is already reset", present=sys.platform == "linux")
    audit = tmp_path / "audit.jsonl"
    body = b'{"query": "mutation { deleteContact(id: 0) { __typename } }"}'
    data = request(b"/graphql", body, b"POST", b"Content-Type: application/json", b"X-Forwarded-For: 203.0.113.7")
    settings = {"GATEWAY_AUDIT_LOG": str(audit), "GATEWAY_TRUSTED_PROXIES": "127.0.0.1"}
    async with gateway("http://127.0.0.1:1", settings) as client:
        # The event loop does not run meanwhile, so the connection is reset before it is accepted.
        with socket.create_connection(("127.0.0.1", int(client.url.rpartition(":")[2]))) as sock:
            sock.sendall(data)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert json.loads(audit.read_text(encoding="utf-8"))["client"] == "203.0.113.7"


def test_a_mapped_network_trusts_its_ipv4_addresses() -> None:
    mapped = ("::ffff:10.0.0.0/104",)
    assert read(mapped, "10.0.0.1", *forwarded_for("203.0.113.7")) == "203.0.113.7"
    assert read(mapped, "11.0.0.1", *forwarded_for("203.0.113.7")) == "11.0.0.1"


@given(forged=st.text(st.characters(max_codepoint=255)), peer=st.ip_addresses().map(str))
def test_hops_before_the_client_are_ignored(forged: str, peer: str) -> None:
    """The client may have invented them."""
    header = forwarded_for(f"{forged}, 203.0.113.7")
    assert read(PROXIES, "10.0.0.1", *header) == "203.0.113.7"
    assert read((peer,), peer, *header) == "203.0.113.7" or peer == "203.0.113.7"
