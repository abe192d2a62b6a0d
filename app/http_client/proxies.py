"""The proxy that applies to an origin: from `WETHOD_PROXY`, or from the usual variables."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from app.settings import SettingsError, is_loopback, shown_setting
from app.urls import DEFAULT_PORTS, parse_address, parse_host, parse_network, parse_proxy_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.http_client.transport import Origin
    from app.settings import Settings
    from app.urls import IPAddress

# An IPv6 address has a port only behind brackets.
_HOST_AND_PORT = re.compile(r"(?:\[(.*)\]|([^:]*))(?::([^:]*))?")


@dataclass(frozen=True, slots=True)
class Proxy:
    """An http or https proxy.

    Attributes:
        scheme: ``http`` or ``https``, the protocol to the proxy itself.
        host: a name or an address; an IPv6 address in brackets.
        port: the port, also if it is the scheme's default.
        credentials: user name and password, decoded; None for none. Never shown.
    """

    scheme: str
    host: str
    port: int
    credentials: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The URL without credentials."""
        return f"{self.scheme}://{self.host}:{self.port}"


def choose_proxy(settings: Settings, origin: Origin, environ: Mapping[str, str] = os.environ) -> Proxy | None:
    """The proxy to an origin; None for a direct connection.

    `WETHOD_PROXY` always applies. Otherwise `HTTPS_PROXY` or `HTTP_PROXY`, by the origin's scheme, or `ALL_PROXY`
    applies, unless the transport is `http1`, or `NO_PROXY` matches, or the origin is on loopback. A name in lower case
    precedes the one in upper case. An empty variable counts as absent.

    Raises:
        SettingsError: the value is not the URL of an http or https proxy. The line shows no credentials.
    """
    if settings.wethod_proxy:
        return parse_proxy("WETHOD_PROXY", settings.wethod_proxy)
    if settings.wethod_transport == "http1" or bypasses(_lookup(environ, "no_proxy")[1], origin):
        return None
    for variable in (f"{origin.scheme}_proxy", "all_proxy"):
        name, value = _lookup(environ, variable)
        if value:
            return parse_proxy(name, value)
    return None


def parse_proxy(variable: str, value: str) -> Proxy:
    """Parse the URL of a proxy.

    Args:
        variable: the name of the variable, for the error.
        value: the URL; without a scheme it is http.

    Raises:
        SettingsError: as ``choose_proxy``.
    """
    try:
        url = parse_proxy_url(value if "://" in value else f"http://{value}")
    except ValueError:
        raise SettingsError(
            f"{shown_setting(variable, value)}: must be the URL of an http or https proxy, such as "
            "http://user:password@proxy.example:3128, with user name and password in percent-encoded UTF-8; "
            "WETHOD_PROXY or NO_PROXY can take its place"
        ) from None
    user, _, password = (url.user_info or "").partition(":")
    credentials = None if url.user_info is None else (unquote(user), unquote(password))
    return Proxy(url.scheme, url.host, url.port or DEFAULT_PORTS[url.scheme], credentials)


def bypasses(no_proxy: str, origin: Origin) -> bool:
    """Return whether an origin is reached without a proxy.

    The rules are those of Go's httpproxy package. Entries are separated by commas: ``*`` matches every
    host; an address or a network (``10.0.0.0/8``) matches a literal address; ``example.com`` matches the name and its
    subdomains; ``.example.com`` and ``*.example.com`` match the subdomains alone. An address or a name may have a port.
    A final dot is ignored. Loopback is always reached without a proxy.

    Accepted too: a network with a port or with a netmask, and an address in brackets without a port.
    """
    host = origin.host.lower().removesuffix(".")
    address = parse_address(host)
    return is_loopback(host) or any(
        _matches(entry.strip(), host, address, origin.port) for entry in no_proxy.lower().split(",")
    )


def _matches(entry: str, host: str, address: IPAddress | None, port: int) -> bool:
    if entry == "*":
        return True
    match = _HOST_AND_PORT.fullmatch(entry)
    name, entry_port = (match[1] or match[2] or "", match[3]) if match else (entry, None)
    if not name or entry_port not in {None, "", str(port)}:
        return False
    try:
        network = parse_network(name)  # an address is a network of one
    except ValueError:
        domain = parse_host(name.removeprefix("*.").removeprefix(".").removesuffix("."))
        if address is not None or domain is None:
            return False
        return (host if name.startswith((".", "*.")) else f".{host}").endswith(f".{domain}")
    return address is not None and address in network


def _lookup(environ: Mapping[str, str], variable: str) -> tuple[str, str]:
    """Return the name and the value of the first variable that is not empty; ``("", "")`` if there is none."""
    found = ((name, environ.get(name, "").strip()) for name in (variable, variable.upper()))
    return next((pair for pair in found if pair[1]), ("", ""))
