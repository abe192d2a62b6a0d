"""The smallest gateway that has the explorer: the real schema over contacts that are a set, on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.explorer.page import Explorer
from schema.contact import Contact, DeleteContactOutcome, DeleteContactSuccess, DeletionEvidence, build_schema
from schema.context import WethodContext
from schema.errors import WethodNotFoundError, WethodUnauthorizedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp

SCHEMA = build_schema()


@dataclass(frozen=True, slots=True)
class Contacts:
    """A company with two contacts, open to the demo's editor."""

    authorization: str | None
    present: set[str] = field(default_factory=lambda: {"1", "2"})

    async def delete(self, contact_id: str) -> DeleteContactOutcome:
        """Take one contact away."""
        if self.authorization != "Bearer demo-editor":
            return WethodUnauthorizedError(key="unauthorized", message="Who are you?", status_code=401)
        if contact_id not in self.present:
            return WethodNotFoundError(key="not_found", message="Contact not found.", status_code=404)
        self.present.remove(contact_id)
        return DeleteContactSuccess(
            deleted_contact_id=contact_id,  # type: ignore[arg-type] # strawberry.ID is a str
            contact=Contact(id=contact_id),  # type: ignore[arg-type] # the same
            message="Contact successfully deleted.",
            confirmed_by=DeletionEvidence.RESPONSE,
        )

    def context(self) -> WethodContext:
        """Nothing of note."""
        return WethodContext(company="acme", version="2024-06-15", received_headers=[], failures=[])


def gateway() -> Starlette:
    """The application."""
    explorer = Explorer(sandbox=True)
    present = {"1", "2"}

    async def graphql(request: Request) -> Response:
        if request.method == "GET":
            return explorer.page()
        body = await request.json()
        result = await SCHEMA.execute(
            body["query"],
            variable_values=body.get("variables"),
            operation_name=body.get("operationName"),
            context_value=Contacts(request.headers.get("authorization"), present),
        )
        errors = {"errors": [error.formatted for error in result.errors]} if result.errors else {}
        return JSONResponse({"data": result.data, **errors})

    return Starlette(routes=[Route("/graphql", graphql, methods=["GET", "POST"]), *explorer.routes])


@contextlib.asynccontextmanager
async def serve(app: ASGIApp) -> AsyncIterator[str]:
    """Run an ASGI application on an ephemeral loopback port; its origin."""
    config = uvicorn.Config(app, port=0, http="httptools", ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())  # noqa: SLF001 - serve() would take the test's signal handlers
    while not server.started:
        assert not task.done(), "the server did not start"
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
