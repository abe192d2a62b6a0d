"""Whether Wethod can be reached: TCP and TLS, and not a byte of HTTP."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.http_client.transport_factory import (
    make_upstream_proxy_ssl_context,
    make_upstream_ssl_context,
    origin_of,
    proxy_for,
)

if TYPE_CHECKING:
    from app.http_client.transport import Origin
    from app.settings import Settings


class UnreachableError(Exception):
    """Why Wethod cannot be reached, in a line for whoever runs the gateway."""


async def probe(settings: Settings) -> str:
    """Connect to Wethod as a delete would, and hang up.

    Returns:
        What was done, in a line.

    Raises:
        UnreachableError: it could not be done.
    """
    origin = origin_of(settings)
    proxy = proxy_for(settings)
    try:
        async with asyncio.timeout(settings.wethod_connect_timeout_seconds):
            return await (_through(proxy, origin, settings) if proxy else _directly(origin, settings))
    except TimeoutError:
        raise UnreachableError(f"no connection within {settings.wethod_connect_timeout_seconds:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise UnreachableError(f"its certificate is refused: {error.verify_message}") from None
    except (OSError, ssl.SSLError) as error:
        raise UnreachableError(error.strerror or str(error) or type(error).__name__) from None


async def _directly(origin: Origin, settings: Settings) -> str:
    context = make_upstream_ssl_context(settings)
    _, writer = await asyncio.open_connection(origin.host, origin.port, ssl=context)
    done = "TCP connection" if context is None else f"TCP connection and TLS handshake ({_tls_version(writer)})"
    writer.transport.abort()
    return done


async def _through(proxy: str, origin: Origin, settings: Settings) -> str:
    parts = urlsplit(proxy)
    context = make_upstream_proxy_ssl_context(settings)
    port = parts.port or (443 if context else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=context)
    try:
        if origin.scheme != "https":
            return "TCP connection to the proxy"
        authority = f"{origin.host}:{origin.port}".encode("ascii")
        writer.write(b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (authority, authority))
        status = (await reader.readuntil(b"\r\n\r\n")).partition(b" ")[2][:3].decode("ascii", "replace")
        if status != "200":
            raise UnreachableError(f"the proxy answers {status or 'no HTTP'}")
        await writer.start_tls(make_upstream_ssl_context(settings) or context, server_hostname=origin.host)  # type: ignore[arg-type]
        return f"TCP connection and TLS handshake ({_tls_version(writer)}) through the proxy"
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        raise UnreachableError("the proxy hangs up") from None
    finally:
        writer.transport.abort()


def _tls_version(writer: asyncio.StreamWriter) -> str:
    tls = writer.get_extra_info("ssl_object")
    return str(tls.version()) if tls else "none"
