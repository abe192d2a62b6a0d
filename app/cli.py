"""The command line: serve, sandbox, schema, check."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from app import __version__
from app.settings import Settings, SettingsError, is_loopback, load, unknown_variables

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from app.server.context import WorkerContext

PROGRAM = "wethod-graphql"


def fail(message: str) -> NoReturn:
    """Print each line of a message to standard error, and exit 1."""
    for line in message.splitlines():
        click.echo(f"{PROGRAM}: {line}", err=True)
    sys.exit(1)


def read_settings(**given: object) -> Settings:
    """Read the settings, or exit with a line for each bad one."""
    try:
        return load(None, **given)
    except SettingsError as error:
        fail(str(error))


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Settings are environment variables, WETHOD_* and GATEWAY_*; docs/settings.md lists them all.",
)
@click.version_option(__version__, prog_name=PROGRAM)
def main() -> None:
    """GraphQL gateway for Wethod's contact deletion: one mutation, and an outcome that is always true."""


@main.command()
@click.option("--sandbox", is_flag=True, help="Serve an embedded stand-in for Wethod, with invented contacts.")
@click.option("--force", is_flag=True, help="Allow --sandbox beside WETHOD_BASE_URL or off loopback.")
@click.option("--host", help="Address to listen on (GATEWAY_HOST).")
@click.option("--port", type=int, help="Port to listen on; 0 takes a free one (GATEWAY_PORT).")
@click.option("--workers", type=int, help="Worker processes (GATEWAY_WORKERS).")
def serve(*, sandbox: bool, force: bool, host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the gateway."""
    settings = read_settings(gateway_host=host, gateway_port=port, gateway_workers=workers)
    with contextlib.ExitStack() as stack:
        if sandbox:
            refuse_careless_sandbox(settings, force=force)
            from app.sandbox.runner import SandboxThread

            # In this process, so that all workers delete from the same one.
            url = stack.enter_context(SandboxThread())
            settings = settings.model_copy(update={"wethod_base_url": url})
        code = start(settings, sandbox=sandbox)
    sys.exit(code)


def start(settings: Settings, *, sandbox: bool) -> int:
    """Run the server until a signal stops it, and return the exit code."""
    from app.http_client.transport_factory import check_transport
    from app.observability.configure_logging import install
    from app.observability.telemetry import make_board
    from app.server.context import WorkerContext
    from app.server.workers import run
    from app.start_error import StartError

    install(settings)
    key_file = settings.gateway_audit_key_file
    context = WorkerContext(
        settings=settings,
        audit_key=key_file.read_bytes().strip() if key_file else secrets.token_bytes(32),
        sandbox=sandbox,
        board=make_board(settings.gateway_workers),
    )
    try:
        check_transport(settings)
        with metrics_beside_workers(context):
            return run(make_app, context, announce=lambda url: announce(url, settings, sandbox=sandbox))
    except (SettingsError, StartError) as error:
        fail(str(error))


def metrics_beside_workers(context: WorkerContext) -> contextlib.AbstractContextManager[object]:
    """Serve the metrics of all workers in this process, if they have a port of their own."""
    from app.observability.exposition import Exposition
    from app.observability.metrics_server import MetricsThread

    settings = context.settings
    if settings.gateway_workers == 1 or settings.gateway_metrics_port is None or context.board is None:
        return contextlib.nullcontext()
    return MetricsThread(
        Exposition(context.board).render, host=settings.gateway_host, port=settings.gateway_metrics_port
    )


def make_app(context: WorkerContext) -> ASGIApp:
    """Make the application of one worker; at the top level, so that a worker can import it by name."""
    from app.main import create_app
    from app.observability.configure_logging import install

    install(context.settings)
    return create_app(context)


def refuse_careless_sandbox(settings: Settings, *, force: bool) -> None:
    """Exit if the sandbox could be mistaken for Wethod, or would serve its well-known tokens to a network."""
    if force:
        return
    if os.environ.get("WETHOD_BASE_URL"):
        fail("--sandbox serves a stand-in, yet WETHOD_BASE_URL names a Wethod: unset it, or say --force")
    if not is_loopback(settings.gateway_host):
        fail(f"--sandbox takes well-known tokens, and {settings.gateway_host} is not loopback: say --force to serve it")


def announce(url: str, settings: Settings, *, sandbox: bool) -> None:
    """Print the address of the gateway, what it forwards to and, with the sandbox, a line to paste."""
    company = settings.wethod_company or "the company that each request names"
    target = "an embedded sandbox" if sandbox else settings.wethod_base_url
    graphiql = sandbox if settings.gateway_graphiql is None else settings.gateway_graphiql
    lines = [
        f"{PROGRAM} {__version__} listens on {url}/graphql",
        f"  forwards to  {target} ({company})",
        f"  GraphiQL     {f'open {url}/graphql in a browser' if graphiql else 'off (GATEWAY_GRAPHIQL)'}",
    ]
    if sandbox:
        lines += ["  try it       " + sandbox_curl(url)]
    click.echo("\n".join(lines), err=True)


def sandbox_curl(url: str) -> str:
    """Return a shell command that deletes a contact of the sandbox."""
    query = (
        "mutation { deleteContact(id: 1) { __typename "
        "... on DeleteContactSuccess { deletedContactId message } ... on WethodError { key message } } }"
    )
    body = json.dumps({"query": query})
    return (
        f"curl -s {url}/graphql -H 'Content-Type: application/json' -H 'Authorization: Bearer demo-editor' "
        f"-H 'Wethod-Company: acme' -d '{body}'"
    )


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8001, show_default=True, help="Port to listen on.")
@click.option("--database", type=click.Path(dir_okay=False, path_type=Path), help="Keep the contacts in this file.")
def sandbox(*, host: str, port: int, database: Path | None) -> None:
    """Serve the stand-in for Wethod alone: REST, not GraphQL."""
    from app.sandbox.contacts import DatabaseUnusableError
    from app.sandbox.runner import run_sandbox

    try:
        run_sandbox(host, port, database, lambda url: click.echo(f"{PROGRAM} sandbox listens on {url}", err=True))
    except DatabaseUnusableError as error:
        fail(str(error))
    except OSError as error:
        fail(str(error.args[-1]))


@main.command()
@click.option("--api", is_flag=True, help="The schema that a client sees, without Federation's machinery.")
@click.option("--json", "as_json", is_flag=True, help="The result of the introspection query instead of SDL.")
def schema(*, api: bool, as_json: bool) -> None:
    """Print the schema: by default the SDL that a router composes."""
    from schema.sdl import api_sdl, introspection, subgraph_sdl

    if as_json:
        click.echo(json.dumps(introspection(api=api), indent=2))
    else:
        click.echo(api_sdl() if api else subgraph_sdl(), nl=False)


@main.command()
def check() -> None:
    """Check the settings and that Wethod can be reached: TCP and TLS, no request."""
    settings = read_settings()
    from app.http_client.probe import UnreachableError, probe
    from app.http_client.transport_factory import check_transport, transport_name

    click.echo("settings are valid")
    for name in unknown_variables(os.environ):
        click.echo(f"{name} is no setting of this gateway; is it misspelt?")
    try:
        check_transport(settings)
        done = asyncio.run(probe(settings))
    except (UnreachableError, SettingsError) as error:
        fail(f"{settings.wethod_base_url} cannot be reached: {error}")
    click.echo(f"{settings.wethod_base_url} can be reached ({transport_name(settings)}): {done}; nothing was sent")
