"""The command line: serve, sandbox, schema, check."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from app import __version__
from app.standard_streams import occupy_closed_streams
from app.start_error import StartError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from app.main import WorkerContext
    from app.server.config import ServerConfig
    from app.server.lifecycle import Lifecycle
    from app.settings import Settings

PROGRAM = "wethod-graphql"


def say(message: str) -> None:
    """Print a message to standard error. Like the log, it is dropped if it cannot be written."""
    with contextlib.suppress(OSError):
        click.echo(message, err=True)


def fail(message: str) -> NoReturn:
    """Print each line of a message to standard error, and exit 1."""
    for line in message.splitlines():
        say(f"{PROGRAM}: {line}")
    sys.exit(1)


class Commands(click.Group):
    """The commands. On ``StartError`` or a failed write, print one line for each problem and exit 1."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was given."""
        try:
            return super().invoke(ctx)
        except StartError as error:
            fail(str(error))
        except OSError as error:
            if error.errno in {None, errno.EPIPE}:
                raise  # a bug, or a closed pipe, on which click exits without a message
            sys.stdout = None  # otherwise Python writes the rest again at the exit, and reports that this fails
            fail(str(error))


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Settings are environment variables, WETHOD_* and GATEWAY_*; docs/settings.md lists them all.",
)
@click.version_option(__version__, prog_name=PROGRAM)
def main() -> None:
    """GraphQL gateway for Wethod's contact deletion. It reports one outcome for each delete."""
    occupy_closed_streams()


@main.command()
@click.option("--sandbox", is_flag=True, help="Serve an embedded stand-in for Wethod, with invented contacts.")
@click.option("--force", is_flag=True, help="Allow --sandbox beside WETHOD_BASE_URL or off loopback.")
@click.option("--host", help="Address to listen on (GATEWAY_HOST).")
@click.option("--port", type=int, help="Port to listen on; 0 takes a free one (GATEWAY_PORT).")
@click.option("--workers", type=int, help="Worker processes (GATEWAY_WORKERS).")
def serve(*, sandbox: bool, force: bool, host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the gateway."""
    # The SIGHUP of a log rotation must not end a gateway that starts. The server unblocks it with its handler.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    from app.settings import load

    settings = load(None, gateway_host=host, gateway_port=port, gateway_workers=workers)
    with contextlib.ExitStack() as stack:
        if sandbox:
            refuse_careless_sandbox(settings, force=force)
            from app.sandbox import serve_sandbox

            # In this process, so that all workers use the same sandbox.
            url = stack.enter_context(serve_sandbox())
            # A proxy for Wethod would not reach this machine.
            settings = settings.model_copy(update={"wethod_base_url": url, "wethod_proxy": None})
        code = start(settings, sandbox=sandbox)
    sys.exit(code)


def start(settings: Settings, *, sandbox: bool) -> int:
    """Run the server until a signal stops it, and return the exit code.

    Raises:
        StartError: the server cannot start.
    """
    from app.http_client.transport_factory import check_transport
    from app.main import WorkerContext
    from app.observability.configure_logging import configure_logging
    from app.observability.metrics_server import serve_metrics
    from app.observability.observability import clear_gauges, make_counters, metrics_of
    from app.server.run import run
    from app.settings import read_audit_key
    from schema.root import OPERATIONS

    configure_logging(settings)
    counters = make_counters(settings.gateway_workers, OPERATIONS)
    context = WorkerContext(
        settings=settings,
        audit_key=read_audit_key(settings),
        sandbox=sandbox,
        counters=counters,
    )
    check_transport(settings)
    with serve_metrics(settings, metrics_of(counters, OPERATIONS)):
        return run(
            make_app,
            context,
            server_config(settings),
            announce=lambda url: announce(url, context),
            worker_ended=lambda index: clear_gauges(counters, OPERATIONS, index),
        )


def server_config(settings: Settings) -> ServerConfig:
    """The settings that concern the server."""
    from app.server.config import ServerConfig

    return ServerConfig(
        host=settings.gateway_host,
        port=settings.gateway_port,
        port_setting="GATEWAY_PORT",
        workers=settings.gateway_workers,
        max_header_bytes=settings.gateway_max_header_bytes,
        read_timeout=settings.gateway_read_timeout_seconds,
        keep_alive=settings.gateway_keep_alive_seconds,
        request_seconds=settings.wethod_timeout_seconds,
        drain_delay=settings.gateway_drain_delay_seconds,
        drain_seconds=settings.gateway_drain_seconds,
    )


def make_app(context: WorkerContext, lifecycle: Lifecycle) -> ASGIApp:
    """Make the application of one worker. At the top level of the module, because a worker imports it by name.

    Raises:
        StartError: a setting cannot be used.
    """
    from app.main import create_app
    from app.observability.configure_logging import configure_logging
    from schema.root import OPERATIONS, build_schema

    configure_logging(context.settings)
    return create_app(context, lifecycle, build_schema(), OPERATIONS)


def refuse_careless_sandbox(settings: Settings, *, force: bool) -> None:
    """Refuse a sandbox that rejects every request, may be taken for Wethod, or accepts public tokens from a network."""
    from app.sandbox.admission import VERSION
    from app.sandbox.contacts import COMPANIES
    from app.settings import is_loopback

    if settings.wethod_company not in {None, *COMPANIES}:
        fail(f"--sandbox knows only the companies {' and '.join(COMPANIES)}: change or unset WETHOD_COMPANY")
    if settings.wethod_version != VERSION:
        fail(f"--sandbox knows only the version {VERSION}: unset WETHOD_VERSION")
    if force:
        return
    if os.environ.get("WETHOD_BASE_URL"):
        fail("--sandbox cannot be combined with WETHOD_BASE_URL: unset it, or pass --force")
    if not is_loopback(settings.gateway_host):
        host = settings.gateway_host
        fail(f"The sandbox's tokens are public, and {host} is not loopback: pass --force to serve it there")


def announce(url: str, context: WorkerContext) -> None:
    """Say where the gateway listens and what it forwards to; in the sandbox, a page to open and a line to paste."""
    settings = context.settings
    company = settings.wethod_company or "the company that each request names"
    target = "an embedded sandbox" if context.sandbox else settings.wethod_base_url
    graphiql = f"open {url}/graphql in a browser" if context.serves_graphiql else "off (GATEWAY_GRAPHIQL)"
    lines = [
        f"{PROGRAM} {__version__} listens on {url}/graphql",
        f"  forwards to  {target} ({company})",
        f"  GraphiQL     {graphiql}",
    ]
    if context.serves_example_page:
        lines += [f"  example      open {url}/example in a browser", f"  try it       {sandbox_curl(url, settings)}"]
    say("\n".join(lines))


def sandbox_curl(url: str, settings: Settings) -> str:
    """A line that deletes a contact of the sandbox when it is pasted into a shell."""
    from app.explorer.tabs import default_headers, first_id

    query = (
        f"mutation {{ deleteContact(id: {first_id(settings)}) {{ __typename "
        "... on DeleteContactSuccess { deletedContactId message } ... on WethodError { key message } } }"
    )
    headers = {"Content-Type": "application/json", **default_headers(settings, sandbox=True)}
    options = " ".join(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items())
    return f"curl -s {url}/graphql {options} -d {shlex.quote(json.dumps({'query': query}))}"


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8001, show_default=True, help="Port to listen on.")
@click.option("--database", type=click.Path(dir_okay=False, path_type=Path), help="Keep the contacts in this file.")
def sandbox(*, host: str, port: int, database: Path | None) -> None:
    """Serve the stand-in for Wethod alone: REST, not GraphQL."""
    from app.sandbox import run_sandbox

    run_sandbox(host, port, database, lambda url: say(f"{PROGRAM} sandbox listens on {url}"))


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
    """Check the settings, their files, and the connection to Wethod: TCP and TLS, no request."""
    import asyncio

    from app.http_client.probe import UnreachableError, probe
    from app.http_client.transport_factory import check_transport, transport_name
    from app.main import WorkerContext, create_app
    from app.observability.configure_logging import configure_logging
    from app.server.lifecycle import Lifecycle
    from app.settings import load, unknown_variables
    from app.urls import shown
    from app.wethod.audit import check_audit
    from schema.root import OPERATIONS, build_schema

    settings = load()
    # The log masks what a library quotes in a warning, such as the headers of an OpenTelemetry exporter.
    configure_logging(settings)
    check_transport(settings)
    # Make what a start makes, such as the trusted documents, but no audit: its file would belong to this user.
    without_audit = settings.model_copy(update={"gateway_audit_log": "off"})
    create_app(WorkerContext(without_audit, audit_key=b""), Lifecycle(), build_schema(), OPERATIONS)
    check_audit(settings)
    click.echo("settings are valid")
    for name in unknown_variables(os.environ):
        click.echo(f"{shown(name)} is no setting of this gateway; is it misspelt?")
    try:
        done = asyncio.run(probe(settings))
    except UnreachableError as error:
        fail(f"{settings.wethod_base_url} cannot be reached: {error}")
    click.echo(f"{settings.wethod_base_url} ({transport_name(settings)}): {done} succeeded; nothing was sent")
