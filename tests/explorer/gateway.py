"""The gateway before its sandbox, for a browser."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from app.sandbox import serve_sandbox
from tests.gateway import gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

IMPATIENT = {"WETHOD_TIMEOUT_SECONDS": "1", "WETHOD_CONNECT_TIMEOUT_SECONDS": "1"}
"""Settings with which `demo-slow` takes a second."""


@contextlib.asynccontextmanager
async def sandbox_gateway(
    behind: Callable[[ASGIApp], ASGIApp] = lambda app: app,
    environ: Mapping[str, str] | None = None,
    database: Path | None = None,
) -> AsyncIterator[str]:
    """Run both on ephemeral ports; the gateway's origin.

    Args:
        behind: a function that wraps the gateway's application, for example in a proxy.
        environ: settings of the gateway.
        database: the file of the sandbox's contacts; by default they are in memory.
    """
    with serve_sandbox(database=database) as wethod:
        async with gateway(wethod, environ, sandbox=True, behind=behind) as client:
            yield client.url


def strips_prefix(app: ASGIApp) -> ASGIApp:
    """A proxy that removes ``/crm`` from the path without a header that says so."""

    async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").removeprefix("/crm")
        await app({**scope, "path": path, "raw_path": path.encode()}, receive, send)

    return proxy


def tells_prefix(app: ASGIApp) -> ASGIApp:
    """A server that knows its ``root_path``, which the path then begins with (ASGI, HTTP connection scope)."""

    async def server(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "root_path": "/crm"}, receive, send)

    return server
