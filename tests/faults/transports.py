"""The transports under test, with the same settings."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, TypeAlias

from app.http_client.http1 import Http1Transport
from app.http_client.httpx_transport import HttpxTransport
from app.http_client.transport import BodyNeed, ConnectionOptions, Origin, Request
from tests.faults.certificates import authority
from tests.faults.nothing_left import nothing_left

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from app.headers import RawHeaders

HEADERS: RawHeaders = ((b"Accept", b"application/json"), (b"Accept-Encoding", b"identity"))

CONNECT_SECONDS = 0.2
"""A connect timeout for faults that wait for it. For other faults it is too short on a loaded machine."""

AnyTransport: TypeAlias = Http1Transport | HttpxTransport

TRANSPORTS: dict[str, Callable[[ConnectionOptions], AnyTransport]] = {
    "http1": Http1Transport,
    "httpx": HttpxTransport,
}

KEEPS_CONNECTIONS = {"http1"}
"""The transports that reuse a connection."""


def carrier(
    transport: str,
    origin: Origin,
    *,
    max_connections: int = 10,
    connect_seconds: float = 2.0,
    idle_seconds: float = 5.0,
) -> AnyTransport:
    """A transport of this name, which trusts the test's authority."""
    options = ConnectionOptions(
        origin,
        ssl_context=authority().client() if origin.scheme == "https" else None,
        connect_timeout_seconds=connect_seconds,
        max_connections=max_connections,
        idle_seconds=idle_seconds,
    )
    return TRANSPORTS[transport](options)


@contextlib.asynccontextmanager
async def transport_to(name: str, origin: Origin, **options: Any) -> AsyncIterator[AnyTransport]:
    """A transport by ``carrier``, which must leave no connection, no waiter, no socket and no task behind."""
    async with nothing_left():
        transport = carrier(name, origin, **options)
        try:
            yield transport
        finally:
            await transport.aclose()
        assert (transport.open_connections, transport.idle_connections, transport.waiting) == (0, 0, 0)


def body_needed(status: int, headers: Mapping[bytes, bytes]) -> BodyNeed:
    """Request the whole body of a rejection, the first character of a page, and no other body."""
    if status == 200:
        return "first" if headers.get(b"content-type", b"").startswith(b"text/html") else "none"
    return "whole" if status in {400, 401, 403, 404, 412, 429} else "none"


def delete(
    contact: int | bytes = 7,
    *,
    headers: RawHeaders = HEADERS,
    seconds: float = 2.0,
    send_seconds: float | None = None,
    fresh: bool = False,
    key: bytes = b"",
) -> Request:
    """Make a request.

    Args:
        contact: a contact's id, or a whole target.
        headers: the header fields.
        seconds: time until the deadline.
        send_seconds: time until the last time to send; by default the same.
        fresh: a new connection is needed.
        key: the fairness key: the token whose share of the connections it uses.
    """
    now = asyncio.get_running_loop().time()
    return Request(
        method=b"DELETE",
        target=contact if isinstance(contact, bytes) else b"/api/contact/%d" % contact,
        headers=headers,
        send_by=now + (seconds if send_seconds is None else send_seconds),
        deadline=now + seconds,
        body_needed=body_needed,
        fairness_key=key,
        fresh=fresh,
    )
