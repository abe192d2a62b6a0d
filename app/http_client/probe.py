"""A check that Wethod can be reached: what a call does, up to its first byte."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
import ssl
from typing import TYPE_CHECKING, Any

import httpx

from app.http_client.httpx_exchange import causes_of
from app.http_client.proxies import choose_proxy
from app.http_client.transport import LISTEN_SECONDS, ClosedEarly, NotSent, Request
from app.http_client.transport_factory import make_transport, origin_of
from app.settings import RESERVE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.settings import Settings


class UnreachableError(Exception):
    """Wethod cannot be reached. The message is one line for the operator, without secrets."""


async def probe(settings: Settings) -> str:
    """Connect to Wethod with the transport of the settings, listen, and close the connection. No request is written.

    Returns:
        A line that says what was done.

    Raises:
        UnreachableError: it could not be done.
        SettingsError: the settings cannot be used.
    """
    origin = origin_of(settings)
    proxy = choose_proxy(settings, origin)
    transport = make_transport(settings)
    # As much time as the first try of a call has.
    seconds = min(settings.wethod_connect_timeout_seconds, settings.wethod_timeout_seconds - RESERVE_SECONDS)
    end = asyncio.get_running_loop().time() + seconds
    request = Request(b"DELETE", b"/", (), end, end + LISTEN_SECONDS, lambda *_: "none", fresh=True)
    try:
        tls_version = await transport.connect(request)
    except NotSent as problem:
        reason = _reason(problem, seconds)
        raise UnreachableError(f"through the proxy {proxy.url}: {reason}" if proxy else reason) from None
    finally:
        await transport.aclose()
    if proxy and origin.scheme == "http":
        return "TCP connection to the proxy"
    done = f"TCP connection and TLS handshake ({tls_version})" if tls_version else "TCP connection"
    return f"{done} through the proxy" if proxy else done


_REASONS: tuple[tuple[type[BaseException], Callable[[Any], str]], ...] = (
    (
        ClosedEarly,
        lambda _: (
            "the connection is closed, or bytes arrive, before a request is written; check the port, the client "
            "certificate (WETHOD_CLIENT_CERT_FILE), and if this address may connect"
        ),
    ),
    (ssl.SSLCertVerificationError, lambda error: f"its certificate is refused: {error.verify_message}"),
    (ssl.SSLError, lambda error: f"TLS fails: {error.reason or error.strerror}"),
    # asyncio's own has no number.
    (ConnectionResetError, lambda _: os.strerror(errno.ECONNRESET)),
    (socket.gaierror, lambda error: f"the name does not resolve: {error.strerror}"),
    (httpx.ProxyError, lambda error: f"the proxy answers {str(error)[:3]}"),
    (httpx.RemoteProtocolError, lambda _: "the proxy hangs up, or answers with something other than HTTP"),
)
"""The reason of a failed connect, by the class of its cause. A library's own message might show a URL."""

_ERRNO = re.compile(r"\[Errno (\d+)\]")
"""A number in the text of an OSError. One for several addresses has them only there, beside the addresses."""


def _reason(problem: NotSent, timeout_seconds: float) -> str:
    causes = list(causes_of(problem))
    for cause in causes:
        for kind, describe in _REASONS:
            if isinstance(cause, kind):
                return describe(cause)
    numbers = [int(number) for cause in causes if isinstance(cause, OSError) for number in _ERRNO.findall(str(cause))]
    if numbers:
        return ", ".join(dict.fromkeys(map(os.strerror, numbers)))
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return f"no connection within {timeout_seconds:g} s"
    return str(problem)
