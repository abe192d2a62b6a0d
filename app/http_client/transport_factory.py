"""The transport that the settings choose."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.http_client.proxies import choose_proxy
from app.http_client.tls import make_proxy_ssl_context, make_ssl_context
from app.http_client.transport import ConnectionOptions, Origin
from app.settings import SettingsError
from app.urls import DEFAULT_PORTS

if TYPE_CHECKING:
    from ssl import SSLContext

    from app.http_client.http1 import Http1Transport
    from app.http_client.httpx_transport import HttpxTransport
    from app.http_client.proxies import Proxy
    from app.settings import Settings

IDLE_SECONDS = 4.0
"""Time that an idle connection is kept: less than the 5 s after which common servers close theirs."""


def origin_of(settings: Settings) -> Origin:
    """The origin of Wethod's base URL."""
    parts = urlsplit(settings.wethod_base_url)
    return Origin(parts.scheme, parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme])


def transport_name(settings: Settings) -> str:
    """The transport of the settings, ``http1`` or ``httpx``, with ``auto`` resolved."""
    if settings.wethod_transport != "auto":
        return settings.wethod_transport
    return "httpx" if choose_proxy(settings, origin_of(settings)) else "http1"


def check_transport(settings: Settings) -> None:
    """Check what ``load`` does not: the usual proxy variables, the host behind a proxy, and the content of PEM files.

    Raises:
        SettingsError: one of them cannot be used.
    """
    origin = origin_of(settings)
    proxy = choose_proxy(settings, origin)
    if proxy is not None and ":" in origin.host:
        # httpcore writes the address into the request line for the proxy without brackets.
        raise SettingsError(
            f"WETHOD_BASE_URL={settings.wethod_base_url}: must have a name or an IPv4 address as its host, "
            "because a proxy applies"
        )
    _upstream_ssl_context(settings, origin)
    _proxy_ssl_context(settings, proxy)


def make_transport(settings: Settings) -> Http1Transport | HttpxTransport:
    """Make the transport, inside the event loop that it will run on.

    Raises:
        SettingsError: as ``check_transport``.
    """
    origin = origin_of(settings)
    options = ConnectionOptions(
        origin,
        ssl_context=_upstream_ssl_context(settings, origin),
        connect_timeout_seconds=settings.wethod_connect_timeout_seconds,
        max_connections=settings.wethod_max_connections,
        idle_seconds=IDLE_SECONDS,
    )
    if transport_name(settings) == "http1":
        from app.http_client.http1 import Http1Transport

        return Http1Transport(options)
    from app.http_client.httpx_transport import HttpxTransport

    proxy = choose_proxy(settings, origin)
    return HttpxTransport(options, proxy=proxy, proxy_ssl_context=_proxy_ssl_context(settings, proxy))


def _upstream_ssl_context(settings: Settings, origin: Origin) -> SSLContext | None:
    if origin.scheme != "https":
        return None
    return make_ssl_context(
        ca_file=settings.wethod_ca_file,
        client_cert_file=settings.wethod_client_cert_file,
        client_key_file=settings.wethod_client_key_file,
    )


def _proxy_ssl_context(settings: Settings, proxy: Proxy | None) -> SSLContext | None:
    if proxy is None or proxy.scheme != "https":
        return None
    return make_proxy_ssl_context(settings.wethod_ca_file)
