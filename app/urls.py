"""URLs, hosts, IP addresses and origins as operators write them: parsed strictly, normalised, and masked for display.

Error messages are for display and quote nothing of the text.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

import idna

IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(?:(?P<user_info>[^][/?#\x00-\x20\x7f]*)@)?"
    r"(?P<host>\[[^]/?#@]*]|[^][:/?#@]+)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<rest>[/?#].*)?",
    re.ASCII | re.IGNORECASE,
)
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,254}}\Z){_LABEL}(?:\.{_LABEL})*\.?")
_PLAIN_PATH = re.compile(r"(?:/(?!\.\.?(?:/|$))[A-Za-z0-9._~-]+)*/?", re.ASCII)
_KNOWN_SCHEME = re.compile(r"(?:https?|ftp|socks[45]?[ah]?)://", re.IGNORECASE)
DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_PORT = 65_535
_MAX_SHOWN = 80
_HTTP_URL = "must be an absolute http or https URL with a host and, if any, a port from 1 to 65535"


@dataclass(frozen=True, slots=True)
class Url:
    """An absolute URL (RFC 3986 section 3) with a host.

    Attributes:
        scheme: in lower case.
        user_info: the text before the ``@``, as written; None if there is no ``@``.
        host: in lower case and ASCII; an IPv6 address in brackets.
        port: None if absent.
        rest: path, query and fragment, as written.
    """

    scheme: str
    user_info: str | None
    host: str
    port: int | None
    rest: str

    def __str__(self) -> str:
        """Write the URL, user info included."""
        user_info = "" if self.user_info is None else f"{self.user_info}@"
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{user_info}{self.host}{port}{self.rest}"


def parse_base_url(text: str) -> str:
    """Normalise the URL of a server that paths are appended to.

    Raises:
        ValueError: it cannot be one.
    """
    url = parse_url(text)
    if url is None or url.scheme not in DEFAULT_PORTS:
        raise ValueError(_HTTP_URL)
    if url.user_info is not None:
        raise ValueError("must not contain user info")
    if "%" in url.host:
        # It means nothing to another host, and may not be sent to it (RFC 6874 §4).
        raise ValueError("must have an IPv6 address without a zone")
    if not _PLAIN_PATH.fullmatch(url.rest):
        raise ValueError("must have a path of plain segments, or none; no query, no fragment")
    return str(url).rstrip("/")


def parse_proxy_url(text: str) -> Url:
    """Parse the URL of a proxy; it may have user info.

    Raises:
        ValueError: it cannot be one, or its user info is not UTF-8.
    """
    url = parse_url(text)
    if url is None or url.scheme not in DEFAULT_PORTS or url.rest not in {"", "/"}:
        raise ValueError(f"{_HTTP_URL}; in user info, percent-encode / ? # [ ]")
    try:
        unquote_to_bytes(url.user_info or "").decode()
    except ValueError:
        raise ValueError("must have user info in percent-encoded UTF-8") from None
    return url


def parse_origin(text: str) -> str:
    """Normalise an origin to the form that browsers send (RFC 6454 section 6.2).

    ``https://APP.example.com:443`` becomes ``https://app.example.com``. The pages of native applications have schemes
    of their own, such as ``capacitor://localhost``.

    Raises:
        ValueError: no browser sends such an origin.
    """
    url = parse_url(text)
    if url is None or url.user_info is not None or url.rest:
        raise ValueError("must list origins such as https://app.example.com, without paths and never *")
    port = None if url.port == DEFAULT_PORTS.get(url.scheme) else url.port
    return str(Url(url.scheme, None, url.host, port, ""))


def parse_listen_host(text: str) -> str:
    """Normalise an address, with or without brackets, or a host name.

    Raises:
        ValueError: no such host can exist.
    """
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        host = parse_host(text)
    if host is None:
        raise ValueError("must be an address or a host name")
    return host


def parse_url(text: str) -> Url | None:
    """Parse an absolute URL; None if the text is not one, or if its host or port cannot exist."""
    match = _URL.fullmatch(text)
    host = parse_host(match["host"]) if match else None
    if match is None or host is None:
        return None
    port = None if match["port"] is None else int(match["port"])
    if port is not None and not 1 <= port <= _MAX_PORT:
        return None
    return Url(match["scheme"].lower(), match["user_info"], host, port, match["rest"] or "")


def parse_host(text: str) -> str | None:
    """Normalise an IPv6 address in brackets, an IPv4 address, or a name, which may end in a dot; None for other text.

    A name that is not ASCII is encoded as browsers do (UTS 46, IDNA 2008). No name ends in a label of digits, because
    resolvers read ``127.1`` as an address.
    """
    try:
        if text.startswith("["):
            return f"[{ipaddress.IPv6Address(text[1:-1]).compressed}]"
        name = text.lower() if text.isascii() else idna.encode(text, uts46=True).decode("ascii")
        if name.removesuffix(".").rpartition(".")[2].isdecimal():
            return str(ipaddress.IPv4Address(name))
    except ValueError:  # IDNAError is one
        return None
    return name if _HOST_NAME.fullmatch(name) else None


def parse_address(text: str) -> IPAddress | None:
    """Parse an IP address; None if the text is not one.

    An IPv4 address mapped into IPv6 (``::ffff:10.1.2.3``) becomes the IPv4 address.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def parse_network(text: str) -> IPNetwork:
    """Parse an address or a network, whose host bits are ignored.

    A network within ``::ffff:0:0/96`` becomes the IPv4 network, as addresses do.

    Raises:
        ValueError: it is neither.
    """
    network = ipaddress.ip_network(text, strict=False)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    return network if mapped is None else ipaddress.IPv4Network((mapped, network.prefixlen - 96))


def mask(text: str) -> str:
    """Mask user info, query and fragment of what may be a URL, however badly it is written.

    Everything before the last ``@`` is masked, because a password may hold any character.
    """
    before, at, after = text.rpartition("@")
    if at:
        scheme = _KNOWN_SCHEME.match(before)
        text = f"{scheme[0] if scheme else ''}***@{after}"
    return re.sub(r"[?#].*", "?***", text, flags=re.DOTALL)


def shown(text: str) -> str:
    """Return a text in one line of printable ASCII, at most 80 characters."""
    line = text.encode("unicode_escape").decode("ascii")
    return line if len(line) <= _MAX_SHOWN else f"{line[: _MAX_SHOWN - 3]}..."
