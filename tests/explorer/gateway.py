"""The gateway before its sandbox, for a browser."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from app.main import WorkerContext, create_app
from app.sandbox import serve_sandbox
from app.server.lifecycle import Lifecycle
from app.settings import load
from schema.root import OPERATIONS, build_schema
from tests.gateway import AUDIT_KEY, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

IMPATIENT = {"WETHOD_TIMEOUT_SECONDS": "1", "WETHOD_CONNECT_TIMEOUT_SECONDS": "1"}
"""Settings with which `demo-slow` takes a second."""


@contextlib.asynccontextmanager
async def sandbox_gateway(
    behind: Callable[[ASGIApp], ASGIApp] | None = None,
    environ: Mapping[str, str] | None = None,
    database: Path | None = None,
) -> AsyncIterator[str]:
    """Run both on ephemeral ports; the gateway's origin.

    Args:
        behind: what is between the gateway's application and its server, such as a proxy.
        environ: settings of the gateway.
        database: the file of the sandbox's contacts; by default they are in memory.
    """
    with serve_sandbox(database=database) as wethod:
        settings = load({"WETHOD_BASE_URL": wethod, "GATEWAY_AUDIT_LOG": "off", **(environ or {})})
        context = WorkerContext(settings=settings, audit_key=AUDIT_KEY, sandbox=True)
        app = create_app(context, Lifecycle(state="serving"), build_schema(), OPERATIONS)
        async with serve(behind(app) if behind else app) as origin:
            yield origin


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
