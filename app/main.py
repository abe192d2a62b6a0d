"""The composition root: everything is wired here, and nowhere else."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.documents.limits import Limits
from app.documents.manifest import ManifestError
from app.documents.persisted import PersistedOperations
from app.documents.plan_cache import PlanCache
from app.documents.trusted import TrustedOperations
from app.explorer import example
from app.explorer.page import Explorer
from app.graphql_http.client_address import AddressReader
from app.graphql_http.cors import Cors
from app.graphql_http.endpoint import GraphQLEndpoint
from app.graphql_http.observer import NoRequestObserver
from app.http_client.transport_factory import make_transport
from app.observability.health import Health
from app.observability.telemetry import Telemetry
from app.start_error import StartError
from app.transition import OperationsAdapter
from app.wethod.caller import COMPANY_HEADER, VERSION_HEADER, Caller, CallerReader, RequestContext
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
_GRAPHQL_PATHS = frozenset({GRAPHQL_PATH, f"{GRAPHQL_PATH}/"})


class Gateway(Starlette):
    """Starlette for everything but GraphQL requests, which go directly to their endpoint.

    Routing and two error handlers that the endpoint does not need would take a tenth of the CPU time of a delete.
    """

    graphql: GraphQLEndpoint

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Answer one request, or run the lifespan."""
        if scope["type"] == "http" and scope["path"].removeprefix(scope.get("root_path", "")) in _GRAPHQL_PATHS:
            return self.graphql(scope, receive, send)
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
    callers = CallerReader(settings)

    def make_context(caller: Caller, deadline: float, max_words: int) -> RequestContext:
        del max_words  # TRANSITION: for the rewritten executor
        return RequestContext(client, callers, caller, deadline)

    endpoint = GraphQLEndpoint(
        read_caller=callers.read,
        make_context=make_context,
        find_operation=OperationsAdapter(operations).find,  # TRANSITION: the rewritten documents have find()
        addresses=AddressReader(settings.gateway_trusted_proxies),
        observer=NoRequestObserver(),  # TRANSITION: the rewritten observability has a RequestObserver
        cors=make_cors(settings),
        page=explorer.page if explorer else None,
        max_body_bytes=settings.gateway_max_body_bytes,
        # Deletes above the limit are answered in GraphQL; from twice as many, requests are not read.
        max_requests=2 * settings.gateway_max_in_flight,
        timeout_seconds=settings.wethod_timeout_seconds,
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
            *(explorer.routes if explorer else ()),
            Route("/health/live", health.live),
            Route("/health/ready", health.ready),
            # A port of its own keeps them from whoever can reach the gateway.
            *([] if settings.gateway_metrics_port else [Route("/metrics", metrics)]),
        ],
        exception_handlers={404: not_found},
        lifespan=lifespan,
    )
    # A redirect would answer a hostile Host header with itself.
    app.router.redirect_slashes = False
    app.graphql = endpoint
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


def make_cors(settings: Settings) -> Cors | None:
    """Make the CORS policy; None if no origin is listed."""
    if not settings.gateway_cors_origins:
        return None
    own = (settings.gateway_authorization_header, COMPANY_HEADER, VERSION_HEADER)
    return Cors(settings.gateway_cors_origins, (*own, *settings.gateway_cors_headers))
