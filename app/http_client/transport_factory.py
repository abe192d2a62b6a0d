"""Which transport the settings mean, and whether a proxy stands before Wethod."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.http_client.transport import Origin
from app.settings import SettingsError, is_loopback

if TYPE_CHECKING:
    from ssl import SSLContext

    from app.http_client.transport import Transport
    from app.settings import Settings

IDLE_SECONDS = 4.0
"""How long an unused connection is kept: less than the 5 s after which the shortest-tempered servers close theirs."""


def origin_of(settings: Settings) -> Origin:
    """Where Wethod is."""
    parts = urlsplit(settings.wethod_base_url)
    return Origin(parts.scheme, parts.hostname or "", parts.port or {"https": 443, "http": 80}[parts.scheme])


def proxy_for(settings: Settings) -> str | None:
    """The proxy that applies: the setting's, else the usual variables'; None where there is none.

    The usual variables do not apply to loopback: no proxy reaches what only this machine can.
    """
    if settings.wethod_proxy:
        return settings.wethod_proxy
    origin = origin_of(settings)
    if is_loopback(origin.host):
        return None
    proxies = urllib.request.getproxies_environment()
    proxy = proxies.get(origin.scheme) or proxies.get("all")
    bypass = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed lacks it
    if not proxy or bypass(f"{origin.host}:{origin.port}", proxies):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def transport_name(settings: Settings) -> str:
    """``http1`` or ``httpx``: what ``auto`` comes to."""
    if settings.wethod_transport != "auto":
        return settings.wethod_transport
    return "httpx" if proxy_for(settings) else "http1"


def check_transport(settings: Settings) -> None:
    """Check what no setting can check alone: the usual proxy variables, and what the PEM files hold.

    Raises:
        SettingsError: one of them is of no use.
    """
    proxy = proxy_for(settings)
    if proxy and urlsplit(proxy).scheme not in {"http", "https"}:
        raise SettingsError(
            f"the proxy variables name a proxy that is not spoken to ({urlsplit(proxy).scheme}): "
            "set WETHOD_PROXY to an http or https one, or NO_PROXY"
        )
    make_upstream_ssl_context(settings)
    make_upstream_proxy_ssl_context(settings)


def make_upstream_ssl_context(settings: Settings) -> SSLContext | None:
    """How TLS to Wethod is spoken; None where it is not."""
    if origin_of(settings).scheme != "https":
        return None
    from app.http_client.tls import make_ssl_context

    return make_ssl_context(
        ca_file=settings.wethod_ca_file,
        client_cert_file=settings.wethod_client_cert_file,
        client_key_file=settings.wethod_client_key_file,
    )


def make_upstream_proxy_ssl_context(settings: Settings) -> SSLContext | None:
    """How TLS to the proxy itself is spoken; None where no https proxy applies."""
    proxy = proxy_for(settings)
    if proxy is None or urlsplit(proxy).scheme != "https":
        return None
    from app.http_client.tls import make_proxy_ssl_context

    return make_proxy_ssl_context(settings.wethod_ca_file)


def make_transport(settings: Settings) -> Transport:
    """Make the transport that the settings mean; inside the event loop it will run on."""
    origin = origin_of(settings)
    ssl_context = make_upstream_ssl_context(settings)
    if transport_name(settings) == "http1":
        from app.http_client.http1 import Http1Transport

        return Http1Transport(
            origin,
            ssl_context=ssl_context,
            connect_timeout_seconds=settings.wethod_connect_timeout_seconds,
            max_connections=settings.wethod_max_connections,
            idle_seconds=IDLE_SECONDS,
        )
    from app.http_client.httpx_transport import HttpxTransport

    return HttpxTransport(
        origin,
        ssl_context=ssl_context,
        connect_timeout_seconds=settings.wethod_connect_timeout_seconds,
        max_connections=settings.wethod_max_connections,
        idle_seconds=IDLE_SECONDS,
        proxy=proxy_for(settings),
        proxy_ssl_context=make_upstream_proxy_ssl_context(settings),
    )
