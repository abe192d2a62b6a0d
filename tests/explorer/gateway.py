"""The gateway before its sandbox, as a browser meets it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from app.main import WorkerContext, create_app
from app.sandbox import serve_sandbox
from app.server.lifecycle import Lifecycle
from app.settings import load
from schema.root import OPERATIONS, build_schema
from tests.gateway import serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp


@contextlib.asynccontextmanager
async def sandbox_gateway(behind: Callable[[ASGIApp], ASGIApp] | None = None) -> AsyncIterator[str]:
    """Run both on ephemeral ports; the gateway's origin.

    Args:
        behind: what stands between the gateway's application and its server, such as a proxy.
    """
    with serve_sandbox() as wethod:
        settings = load({"WETHOD_BASE_URL": wethod, "GATEWAY_AUDIT_LOG": "off"})
        context = WorkerContext(settings=settings, audit_key=b"a key for tests only", sandbox=True)
        app = create_app(context, Lifecycle(state="serving"), build_schema(), OPERATIONS)
        async with serve(behind(app) if behind else app) as origin:
            yield origin
