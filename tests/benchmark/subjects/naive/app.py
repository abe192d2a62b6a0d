"""The baseline: this project's own schema on Strawberry's view, over one ``httpx.AsyncClient``."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import httpx
import strawberry
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache

from app.headers import Headers
from app.wethod.sender import ReadableResponse
from schema.delete_contact import DELETE_CONTACT, from_response
from schema.root import Mutation, Query

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from schema.rest import RestOperation

client: httpx.AsyncClient


class Wethod:
    """Wethod as one request sees it, as one would write it in an afternoon."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers

    async def call(self, operation: RestOperation[Any, Any], /, contact_id: str) -> Any:
        """Send one request; whatever goes wrong is a field error."""
        assert operation is DELETE_CONTACT
        response = await client.delete(f"/api/contact/{contact_id}", headers=self._headers)
        headers = Headers(response.headers.raw)
        return from_response(ReadableResponse(response.status_code, headers, response.content, 16_384), contact_id)


class View(GraphQL[Any, Any]):
    """Strawberry's view."""

    async def get_context(self, request: Any, response: Any) -> Any:
        """The three headers, passed on."""
        del response
        names = ("authorization", "wethod-company", "wethod-version")
        return Wethod({name: request.headers[name] for name in names if name in request.headers})


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """One client for all requests."""
    del app
    global client
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    async with httpx.AsyncClient(base_url=os.environ["UPSTREAM_URL"], limits=limits, timeout=10) as client:
        yield


extensions = [ParserCache, ValidationCache] if os.environ.get("CACHES") == "1" else []
schema = strawberry.federation.Schema(Query, Mutation, extensions=extensions, federation_version="2.0")
app = Starlette(routes=[Route("/graphql", View(schema))], lifespan=lifespan)
