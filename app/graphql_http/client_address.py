"""The address of the client, as far as trusted proxies report it."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from app.urls import parse_address, parse_network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.headers import Headers
    from app.urls import IPAddress

_MAX_HOPS = 20
_MAX_CACHED = 4_096
_MAX_CHARACTERS = 64
"""An address with brackets, zone and port is shorter; it also bounds the memory of the cache."""

# Separators in a quoted string do not separate. A string without an end reaches to the end: the time is linear.
_QUOTED = r'"(?:[^"\\]|\\.)*+"?'
_ELEMENT = re.compile(rf'(?:[^",]|{_QUOTED})++')
_PARAMETER = re.compile(rf'(?:[^";]|{_QUOTED})++')


class AddressReader:
    """A reader of the client's address from a request.

    The peer of the connection is the client, unless it is a trusted proxy. Then the hops that ``X-Forwarded-For`` (or,
    if it is absent, ``Forwarded``, RFC 7239) lists are examined from the nearest to the farthest. The first one that is
    not a trusted proxy is the client: the hops before it may be forged.

    Args:
        trusted_proxies: addresses and networks. Without them the headers are ignored.
    """

    def __init__(self, trusted_proxies: tuple[str, ...]) -> None:
        networks = tuple(parse_network(text) for text in trusted_proxies)

        def look_up(text: str) -> tuple[str, bool] | None:
            address = _parse(text)
            return None if address is None else (str(address), any(address in network for network in networks))

        # Parsing takes 3 µs; the addresses of proxies and routers are few.
        self._look_up = functools.lru_cache(_MAX_CACHED)(look_up)

    def read(self, peer: tuple[str, int] | None, headers: Headers) -> str:
        """Read the address of the client; empty if it is not known, as on a Unix socket.

        Args:
            peer: ``scope["client"]`` of ASGI: the address and port of the connection's peer.
            headers: the request's headers.
        """
        if not peer:
            return ""
        found = self._look_up(peer[0])
        if found is None:
            return peer[0]
        address, trusted = found
        if trusted:
            for hop in _hops(headers):
                found = self._look_up(hop)
                if found is None:
                    # "unknown", an obfuscated name or garbage: the nearer proxy's address is the last known one.
                    break
                address, trusted = found
                if not trusted:
                    break
        return address


def _hops(headers: Headers) -> Iterator[str]:
    """Yield the addresses that the proxies report, the nearest first, at most ``_MAX_HOPS``."""
    # Only one of the two is used: a proxy that writes one forwards the other unchanged, so it may be forged.
    if b"x-forwarded-for" in headers:
        hops = headers.joined(b"x-forwarded-for").decode("latin-1").rsplit(",", _MAX_HOPS)[-_MAX_HOPS:]
    else:
        elements = _ELEMENT.findall(headers.joined(b"forwarded").decode("latin-1"))
        hops = [_read_for(element) for element in elements[-_MAX_HOPS:]]
    for hop in reversed(hops):
        yield hop.strip()[:_MAX_CHARACTERS]


def _read_for(element: str) -> str:
    """Read the parameter ``for`` of one element (RFC 7239 §4); empty if there is none."""
    for parameter in _PARAMETER.findall(element):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "for":
            # An address with a colon is quoted.
            return str(value.strip().removeprefix('"').removesuffix('"'))
    return ""


def _parse(text: str) -> IPAddress | None:
    """Parse an address with or without brackets, port and zone."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return parse_address(text.partition("%")[0])
