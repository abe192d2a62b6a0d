"""The client's address, as far as the proxies that are trusted give it."""

from __future__ import annotations

import functools
import ipaddress
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_MOST_HOPS = 20
_REMEMBERED = 4_096
_LONGEST = 64
"""An address with brackets, zone and port; what is remembered stays small, whatever a client writes."""

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")

# RFC 7239 section 4: the one parameter that tells of the client, quoted where it has a colon.
_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^;\s]*))', re.IGNORECASE)


class AddressReader:
    """Reads the client's address from a request.

    The connection's own peer is the client, unless it is a trusted proxy. Then the hops that ``X-Forwarded-For``
    (or, where none arrived, ``Forwarded``, RFC 7239) lists are walked from the nearest to the farthest: the first
    that is not a trusted proxy is the client, for whatever stands beyond it was written by whoever it pleased.

    Args:
        trusted_proxies: addresses and networks; with none of them the headers are not looked at.
    """

    def __init__(self, trusted_proxies: tuple[str, ...]) -> None:
        networks = tuple(_network(text) for text in trusted_proxies)
        self.trusts_any = bool(networks)

        def look_up(text: str) -> tuple[str, bool] | None:
            address = _parse(text)
            return None if address is None else (str(address), any(address in network for network in networks))

        # An address takes 3 µs to parse, and proxies are few.
        self._look_up: Callable[[str], tuple[str, bool] | None] = functools.lru_cache(_REMEMBERED)(look_up)

    def read(self, scope: Mapping[str, Any]) -> str:
        """The client's address; empty where it is not known, as over a Unix socket.

        Args:
            scope: the request's ASGI scope.
        """
        peer = scope.get("client")
        if not peer:
            return ""
        nearest: str = peer[0]
        if not self.trusts_any:
            return nearest
        found = self._look_up(nearest)
        if found is None:
            return nearest
        for hop in _hops(scope["headers"]):
            address, trusted = found
            if not trusted:
                return address
            beyond = self._look_up(hop)
            if beyond is None:
                # "unknown", an obfuscated name or garbage: what is known for certain is who passed it on.
                return address
            found = beyond
        return found[0]


def _hops(headers: list[tuple[bytes, bytes]]) -> Iterator[str]:
    """What the proxies say of where the request came from, the nearest one first; at most ``_MOST_HOPS``."""
    forwarded_for = [value for name, value in headers if name == b"x-forwarded-for"]
    # Both are never mixed: a proxy that writes the one passes the other on as its client wrote it.
    forwarded = [] if forwarded_for else [value for name, value in headers if name == b"forwarded"]
    items = b",".join(forwarded_for or forwarded).decode("latin-1").rsplit(",", _MOST_HOPS)[-_MOST_HOPS:]
    for item in reversed(items):
        if forwarded_for:
            yield item.strip()[:_LONGEST]
        elif forwarded:
            match = _FOR.search(item)
            yield (match[1] or match[2] or "")[:_LONGEST] if match else ""


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """A network; one of IPv4 that is mapped into IPv6 is that of IPv4, as addresses are."""
    network = ipaddress.ip_network(text)
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        base = network.network_address.ipv4_mapped
        return ipaddress.IPv4Network((int(base or 0), network.prefixlen - _MAPPED.prefixlen))
    return network


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address, with or without brackets, port and zone; one of IPv4 that is mapped into IPv6 is that of IPv4."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address
