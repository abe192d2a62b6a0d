"""The connection to a host by name: its addresses are tried 0.25 s apart, and the first that answers is used."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import aiohappyeyeballs

if TYPE_CHECKING:
    import ssl

    from app.http_client.transport import Origin

_ATTEMPT_DELAY_SECONDS = 0.25
"""Time after which the next address is tried in parallel (RFC 8305 §5)."""


async def connect(protocol: asyncio.Protocol, origin: Origin, ssl_context: ssl.SSLContext | None) -> None:
    """Resolve the name, race its addresses (RFC 8305), then do the TLS handshake, if any.

    uvloop alone would try the addresses one after the other: one dead address would take the whole connect timeout.

    Raises:
        OSError: the name does not resolve, no address can be reached, or TLS fails.
        ValueError: the name is not valid, or the certificate fails (``ssl.SSLCertVerificationError`` is both).
    """
    loop = asyncio.get_running_loop()
    addresses = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    try:
        connected = await aiohappyeyeballs.start_connection(
            addresses, happy_eyeballs_delay=_ATTEMPT_DELAY_SECONDS, loop=loop
        )
    except RuntimeError as error:
        # uvloop raises it instead of some OSErrors.
        raise OSError(str(error)) from error
    await loop.create_connection(
        lambda: protocol,
        sock=connected,
        ssl=ssl_context,
        server_hostname=None if ssl_context is None else origin.server_name,
    )
