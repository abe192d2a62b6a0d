"""The composition root of a worker: everything is wired here, and nowhere else."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.responses import JSONResponse

from app.documents.manifest import ManifestError
from app.documents.persisted import PersistedOperations
from app.documents.plan_cache import PlanCache
from app.documents.trusted import TrustedOperations
from app.explorer.page import Explorer, content_security_policy
from app.graphql_http.client_address import AddressReader
from app.graphql_http.cors import Cors
from app.graphql_http.endpoint import GraphQLEndpoint
from app.http_client.permits import share_of
from app.http_client.transport_factory import make_transport
from app.observability.observability import Observability
from app.settings import shown_setting
from app.start_error import StartError
from app.wethod.audit import open_audit
from app.wethod.caller import COMPANY_HEADER, VERSION_HEADER, CallerReader
from app.wethod.executor import Executor
from app.wethod.rate_limits import RateLimitMemory
from app.wethod.request_context import RequestContext

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

    import strawberry
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from app.http_client.transport import Transport
    from app.sandbox.example.page import ExamplePage
    from app.server.lifecycle import Lifecycle
    from app.settings import Settings
    from app.shared_counters import SharedCounters
    from schema.rest import RestOperation

GRAPHQL_PATH = "/graphql"
_GRAPHQL_PATHS = frozenset({GRAPHQL_PATH, f"{GRAPHQL_PATH}/"})


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """Everything that the workers of one start have in common. It can be pickled.

    Attributes:
        settings: the settings, those of the command line and of an embedded sandbox included.
        audit_key: the key of the token fingerprints.
        sandbox: ``settings.wethod_base_url`` is the sandbox that this start embeds.
        counters: the memory in which all workers count; None for memory of its own.
    """

    settings: Settings
    audit_key: bytes = field(repr=False)
    sandbox: bool = False
    counters: SharedCounters | None = field(default=None, compare=False)

    @property
    def serves_example_page(self) -> bool:
        """True with the embedded sandbox and without trusted documents: no manifest contains the page's mutations."""
        return self.sandbox and self.settings.gateway_trusted_documents is None

    @property
    def serves_graphiql(self) -> bool:
        """True if ``GATEWAY_GRAPHIQL`` is on. If it is unset, equal to ``serves_example_page``."""
        wanted = self.settings.gateway_graphiql
        return self.serves_example_page if wanted is None else wanted


class Gateway(Starlette):
    """Starlette for everything but GraphQL requests, which go directly to their endpoint.

    Routing and two error handlers that the endpoint does not need would take a tenth of the CPU time of a request.
    """

    graphql: Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Answer one request, or run the lifespan."""
        if scope["type"] == "http" and scope["path"].removeprefix(scope.get("root_path", "")) in _GRAPHQL_PATHS:
            return self.graphql(scope, receive, send)
        return super().__call__(scope, receive, send)


def create_app(
    context: WorkerContext,
    lifecycle: Lifecycle,
    schema: strawberry.Schema,
    operations: Sequence[RestOperation[Any, Any]],
    *,
    transport: Transport | None = None,
) -> Starlette:
    """Wire the gateway of one worker.

    Args:
        context: the values that all workers share.
        lifecycle: the life of the worker.
        schema: the schema to serve.
        operations: every REST operation that its resolvers call.
        transport: carries requests to Wethod; by default as the settings say.

    Raises:
        StartError: the audit cannot be written, or the manifest of trusted documents cannot be used.
    """
    settings = context.settings
    plans = PlanCache(
        schema._schema,  # noqa: SLF001 - Strawberry has no public way
        settings,
        introspection=context.sandbox if settings.gateway_introspection is None else settings.gateway_introspection,
    )
    documents = make_documents(settings, plans, lifecycle)
    audit = open_audit(settings, context.audit_key)
    observability = Observability(settings, operations, lifecycle=lifecycle, counters=context.counters, audit=audit)
    upstream = transport or make_transport(settings)
    executor = Executor(
        upstream,
        base_path=urlsplit(settings.wethod_base_url).path,
        max_in_progress=settings.gateway_max_in_flight,
        # More would make calls of one list wait for each other, some of them until their deadline.
        list_concurrency=min(
            settings.wethod_bulk_concurrency,
            share_of(settings.wethod_max_connections),
            share_of(settings.gateway_max_in_flight),
        ),
        rate_limits=RateLimitMemory(),
        audit=audit,
        observer=observability.operations,
    )
    observability.publish(
        in_progress=lambda name: executor.in_progress.get(name, 0), documents=plans, transport=upstream
    )
    callers = CallerReader(settings)
    explorer = Explorer(settings, sandbox=context.sandbox) if context.serves_graphiql else None
    example_page = make_example_page(context, upstream)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await observability.start()
        yield
        await upstream.aclose()
        await observability.aclose()

    app = Gateway(
        routes=[
            *(explorer.routes if explorer else ()),
            *(example_page.routes if example_page else ()),
            *observability.routes(),
        ],
        exception_handlers={404: not_found},
        lifespan=lifespan,
    )
    # A redirect would repeat a hostile Host header.
    app.router.redirect_slashes = False
    endpoint = GraphQLEndpoint(
        read_caller=callers.read,
        make_context=functools.partial(RequestContext, executor=executor, callers=callers),
        find_operation=documents.find,
        addresses=AddressReader(settings.gateway_trusted_proxies),
        observer=observability.requests,
        cors=make_cors(settings),
        page=explorer.page if explorer else None,
        max_body_bytes=settings.gateway_max_body_bytes,
        # Calls above the limit are refused in a GraphQL answer. Above twice the limit, requests are not read.
        max_requests=2 * settings.gateway_max_in_flight,
        timeout_seconds=settings.wethod_timeout_seconds,
    )
    # The call of a method takes half the time of the call of an object.
    app.graphql = endpoint.__call__
    return app


def make_documents(
    settings: Settings, plans: PlanCache, lifecycle: Lifecycle
) -> PersistedOperations | TrustedOperations:
    """Choose how the operation of a request is found: any document's, or a trusted one's if a manifest is set.

    Raises:
        StartError: the manifest cannot be used.
    """
    manifest = settings.gateway_trusted_documents
    if manifest is None:
        return PersistedOperations(plans)
    try:
        trusted = TrustedOperations(manifest, plans)
    except ManifestError as error:
        raise StartError(f"{shown_setting('GATEWAY_TRUSTED_DOCUMENTS', manifest)}: {error}") from None
    lifecycle.reload_callbacks.append(trusted.reload)
    return trusted


def make_example_page(context: WorkerContext, transport: Transport) -> ExamplePage | None:
    """Make the example page, if it is on."""
    if not context.serves_example_page:
        return None
    from app.sandbox.example.page import ExamplePage

    policy = content_security_policy()
    return ExamplePage(transport, context.settings, policy=policy, graphiql=context.serves_graphiql)


async def not_found(request: Request, error: Exception) -> Response:
    """Name the endpoint."""
    del request, error
    return JSONResponse({"errors": [{"message": f"There is nothing here; GraphQL is at {GRAPHQL_PATH}."}]}, 404)


def make_cors(settings: Settings) -> Cors | None:
    """Make the CORS policy; None if no origin is listed."""
    if not settings.gateway_cors_origins:
        return None
    own = (settings.gateway_authorization_header, COMPANY_HEADER, VERSION_HEADER)
    return Cors(settings.gateway_cors_origins, (*own, *settings.gateway_cors_headers))
