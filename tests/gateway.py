"""The gateway on a real socket, in the test's own event loop, and a GraphQL client for it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
from typing import TYPE_CHECKING, Any

import httpx

from app.cli import server_config
from app.main import WorkerContext, create_app
from app.server.config import ServerConfig
from app.server.lifecycle import Lifecycle
from app.server.run import serve_app
from app.settings import load
from schema.root import OPERATIONS, build_schema
from tests.server.serving import request
from tests.support import NO_TLS, with_lifespan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    import strawberry
    from starlette.types import ASGIApp

    from app.http_client.transport import Transport
    from app.server.server import GatewayServer
    from schema.rest import RestOperation

AUDIT_KEY = b"a key for tests only"
HEADERS = {
    "Authorization": "Bearer test-token",
    "Wethod-Company": "acme",
    "Wethod-Version": "2024-06-15",
    "Accept": "application/graphql-response+json",
}

RESPONSE_FIELDS = "headers { name values } content version statusCode statusText charset callback encodingOptions"

MUTATION = f"""
mutation Delete($id: ID!) {{ deleteContact(id: $id) {{
  __typename
  ... on DeleteContactSuccess {{ deletedContactId contact {{ __typename id }} message confirmedBy }}
  ... on WethodError {{ key message statusCode response {{ {RESPONSE_FIELDS} }} }}
  ... on WethodValidationError {{ failures {{ field message }} }}
  ... on WethodRateLimitedError {{ retryAfterSeconds }}
}} }}
"""


def request_bytes(
    query: str, variables: Mapping[str, object] | None = None, headers: Mapping[str, str] | None = None
) -> bytes:
    """A GraphQL request on the wire, with the usual headers and these."""
    body = json.dumps({"query": query, "variables": variables or {}}).encode()
    fields = HEADERS | {"Content-Type": "application/json"} | dict(headers or {})
    return request(b"/graphql", body, b"POST", *(f"{name}: {value}".encode() for name, value in fields.items()))


class GatewayClient:
    def __init__(self, url: str, http: httpx.AsyncClient, server: GatewayServer) -> None:
        self.url = url
        self.http = http
        self.server = server

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def graphql(
        self,
        query: str,
        variables: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        **parameters: object,
    ) -> httpx.Response:
        body = {"query": query, "variables": variables or {}, **parameters}
        return await self.http.post(f"{self.url}/graphql", json=body, headers=HEADERS if headers is None else headers)

    async def force_stop(self) -> None:
        """Stop, and then force the stop, as two signals do."""
        self.server.finish()
        await asyncio.sleep(0.05)
        self.server.force_stop()

    async def delete(self, contact_id: object = "7", headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Delete one contact with a selection of every field, and return the outcome; the answer must be a success."""
        response = await self.graphql(MUTATION, {"id": contact_id}, headers)
        assert response.status_code == 200, response.text
        body = response.json()
        assert set(body) == {"data"}, body
        outcome: dict[str, Any] = body["data"]["deleteContact"]
        return outcome


@contextlib.asynccontextmanager
async def serve(app: ASGIApp) -> AsyncIterator[str]:
    """Run an application without a lifespan on the gateway's own server, at an ephemeral loopback port."""
    async with serve_app(with_lifespan(app), ServerConfig(), Lifecycle()) as (url, _):
        yield url


@contextlib.asynccontextmanager
async def gateway(
    upstream_url: str,
    environ: Mapping[str, str] | None = None,
    *,
    transport: Transport | None = None,
    sandbox: bool = False,
    schema: strawberry.Schema | None = None,
    operations: Sequence[RestOperation[Any, Any]] = OPERATIONS,
    host: str = "127.0.0.1",
    behind: Callable[[ASGIApp], ASGIApp] = lambda app: app,
) -> AsyncIterator[GatewayClient]:
    """Run the gateway before an upstream, configured by these variables.

    ``behind`` puts something between its application and its server, such as a proxy.
    """
    # Longer than any timeout that a test sets.
    usual = {"GATEWAY_AUDIT_LOG": "off", "GATEWAY_DRAIN_SECONDS": "300"}
    settings = load({"WETHOD_BASE_URL": upstream_url, **usual, **(environ or {})})
    context = WorkerContext(settings=settings, audit_key=AUDIT_KEY, sandbox=sandbox)
    lifecycle = Lifecycle()
    app = create_app(context, lifecycle, schema or build_schema(), operations, transport=transport)
    config = dataclasses.replace(server_config(settings), host=host, port=0)
    async with (
        serve_app(behind(app), config, lifecycle) as (url, server),
        httpx.AsyncClient(timeout=30, verify=NO_TLS) as http,
    ):
        yield GatewayClient(url, http, server)
