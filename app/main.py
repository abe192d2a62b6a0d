"""The composition root: everything is wired here, and nowhere else."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.documents.limits import Limits
from app.documents.manifest import ManifestError
from app.documents.persisted import PersistedOperations
from app.documents.plan_cache import PlanCache
from app.documents.trusted import TrustedOperations
from app.explorer import example
from app.explorer.page import Explorer
from app.graphql_http.endpoint import GraphQLEndpoint
from app.http_client.transport_factory import make_transport
from app.observability.health import Health
from app.observability.telemetry import Telemetry
from app.start_error import StartError
from app.wethod.caller import COMPANY_HEADER, VERSION_HEADER, CallerReader
from app.wethod.executor import WethodClient
from schema.contact import build_schema

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from app.http_client.transport import Transport
    from app.server.context import WorkerContext
    from app.settings import Settings

GRAPHQL_PATH = "/graphql"


class Gateway(Starlette):
    """Starlette, save that GraphQL requests go straight to their endpoint where nothing stands before it.

    Starlette's way to it (routing, two middlewares for errors that the endpoint answers itself, a wrapped `send`) took
    a tenth of a delete's CPU time.
    """

    shortcut: GraphQLEndpoint | None = None

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Answer one request, or run the lifespan."""
        if self.shortcut is not None and scope["type"] == "http" and scope["path"] == GRAPHQL_PATH:
            return self.shortcut(scope, receive, send)
        return super().__call__(scope, receive, send)


def create_app(context: WorkerContext, *, transport: Transport | None = None, projected: bool = True) -> Starlette:
    """Wire the gateway of one worker.

    Args:
        context: what it is made from.
        transport: what carries requests to Wethod, for tests; by default what the settings mean.
        projected: False runs every operation on graphql-core, to compare with.

    Raises:
        StartError: the manifest of trusted documents cannot be used.
    """
    settings = context.settings
    documents = make_documents(context, projected=projected)
    operations = make_operations(context, documents)
    telemetry = Telemetry(
        settings,
        audit_key=context.audit_key,
        lifecycle=context.lifecycle,
        board=context.board,
        index=context.index,
    )
    upstream = transport or make_transport(settings)
    client = WethodClient(telemetry.observe(upstream), settings, record=telemetry.record)
    telemetry.publish(client, documents)
    explorer = make_explorer(context)
    endpoint = GraphQLEndpoint(
        client=client,
        callers=CallerReader(settings),
        operations=operations,
        settings=settings,
        page=explorer,
        telemetry=telemetry,
    )
    health = Health(context.lifecycle, telemetry)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await telemetry.start()
        yield
        await upstream.aclose()
        await telemetry.aclose()

    # Not a plain function, which would run on a thread: the numbers are the event loop's.
    async def metrics(request: Request) -> Response:
        body, media_type = telemetry.render_metrics(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": media_type, "Cache-Control": "no-store"})

    app = Gateway(
        routes=[
            Route(GRAPHQL_PATH, endpoint),
            *(explorer.routes if explorer else ()),
            Route("/health/live", health.live),
            Route("/health/ready", health.ready),
            # A port of its own keeps them from whoever can reach the gateway.
            *([] if settings.gateway_metrics_port else [Route("/metrics", metrics)]),
        ],
        middleware=cors(settings),
        exception_handlers={404: not_found},
        lifespan=lifespan,
    )
    # A redirect would answer a hostile Host header with itself.
    app.router.redirect_slashes = False
    if not settings.gateway_cors_origins:
        app.shortcut = endpoint
    return app


def make_documents(context: WorkerContext, *, projected: bool) -> PlanCache:
    """What plans documents, with introspection where it is on."""
    settings = context.settings
    introspection = context.sandbox if settings.gateway_introspection is None else settings.gateway_introspection
    return PlanCache(
        build_schema()._schema,  # noqa: SLF001 - Strawberry's only way to it
        Limits.of(settings),
        introspection=introspection,
        projected=projected,
    )


def make_operations(context: WorkerContext, documents: PlanCache) -> PersistedOperations | TrustedOperations:
    """What finds the plan of a request: any document's, or the trusted ones' alone where a manifest is set.

    Raises:
        StartError: the manifest cannot be used.
    """
    manifest = context.settings.gateway_trusted_documents
    if manifest is None:
        return PersistedOperations(documents)
    try:
        trusted = TrustedOperations(manifest, documents)
    except ManifestError as error:
        raise StartError(f"GATEWAY_TRUSTED_DOCUMENTS={manifest}: {error}") from None
    context.lifecycle.reload_callbacks.append(trusted.reload)
    return trusted


def make_explorer(context: WorkerContext) -> Explorer | None:
    """GraphiQL for a browser, where it is on: with the sandbox, or where a setting says so."""
    settings = context.settings
    # Where only trusted documents run, an editor has nothing to offer.
    usual = context.sandbox and settings.gateway_trusted_documents is None
    if not (usual if settings.gateway_graphiql is None else settings.gateway_graphiql):
        return None
    headers = example.headers(
        sandbox=context.sandbox,
        authorization_header=settings.gateway_authorization_header,
        company=settings.wethod_company,
        version=settings.wethod_version,
    )
    return Explorer(sandbox=context.sandbox, headers=headers)


async def not_found(request: Request, error: Exception) -> Response:
    """Name the endpoint to whoever mistyped it."""
    del request, error
    return JSONResponse({"errors": [{"message": f"There is nothing here; GraphQL is at {GRAPHQL_PATH}."}]}, 404)


def cors(settings: Settings) -> list[Middleware]:
    """Let the pages of the listed origins call the gateway; nothing at all where none is listed."""
    if not settings.gateway_cors_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.gateway_cors_origins,
            allow_methods=("GET", "POST"),
            allow_headers=(
                settings.gateway_authorization_header,
                "Content-Type",
                COMPANY_HEADER,
                VERSION_HEADER,
                "X-Request-ID",
                "Traceparent",
            ),
            allow_credentials=False,
        )
    ]
