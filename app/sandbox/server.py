"""The sandbox on a socket, served by the running event loop."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, cast

import uvicorn
from uvicorn.server import ServerState

from app.sandbox.application import SLOW_SECONDS, create_sandbox
from app.sandbox.connection import SandboxConnection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KEEP_ALIVE_SECONDS: Final = 75
"""How long an idle connection stays open, as behind a common proxy."""

STOP_SECONDS: Final = 1.0
"""How long stopping waits for answers that are being written."""

_BACKLOG: Final = 2048


@asynccontextmanager
async def serve_sandbox(
    host: str = "127.0.0.1",
    port: int = 0,
    database: str | Path | None = None,
    *,
    slow_seconds: float = SLOW_SECONDS,
) -> AsyncIterator[str]:
    """Serve a sandbox on the running event loop and yield its base URL, such as `http://127.0.0.1:49152`.

    Leaving closes every connection: a request that waits for its answer is not waited for. No signal is touched.

    Args:
        host: address or name to listen on.
        port: port to listen on; 0 takes a free one.
        database: path of the database, or None for memory (see ``create_sandbox``).
        slow_seconds: how long `demo-slow` waits for the answer to a delete.

    Raises:
        OSError: the address cannot be had.
        DatabaseUnusableError: the file cannot be used.
    """
    app = create_sandbox(database, slow_seconds=slow_seconds)
    # uvicorn's protocol without its Server, which takes over signals, leaves by sys.exit when the port is taken, and
    # waits for requests in progress when it stops. Every value that it would look up in the environment is given.
    config = uvicorn.Config(
        app,
        http=SandboxConnection,
        ws="none",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        proxy_headers=False,
        forwarded_allow_ips=[],
        server_header=False,
        workers=1,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    config.load()
    state = ServerState()
    with _listen(host, port) as listening:
        async with app.router.lifespan_context(app):
            server = await asyncio.get_running_loop().create_server(
                lambda: SandboxConnection(config, state, {}), sock=listening, backlog=_BACKLOG
            )
            try:
                yield _url(host, listening)
            finally:
                server.close()
                await _close_connections(state)
                await server.wait_closed()


def _listen(host: str, port: int) -> socket.socket:
    """One listening socket: asyncio, given a name with two addresses and port 0, would take two ports."""
    try:
        # With its protocol number, without which asyncio leaves TCP_NODELAY off: an answer is two writes, and the
        # second would wait 40 ms for the acknowledgement of the first.
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        # Here and not in the event loop, so that a taken port is known before a database is made.
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise _cannot_listen(host, port, error) from error
    return listening


def _cannot_listen(host: str, port: int, error: OSError) -> OSError:
    return OSError(error.errno, f"cannot listen on {host}:{port}: {(error.strerror or str(error)).lower()}")


def _url(host: str, listening: socket.socket) -> str:
    port = listening.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _close_connections(state: ServerState) -> None:
    """Close every connection after what is written to it; one whose peer does not read is cut."""
    connections = cast("set[SandboxConnection]", state.connections)
    for connection in set(connections):
        connection.transport.close()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            while connections or state.tasks:  # noqa: ASYNC110 - uvicorn keeps sets and signals no end
                await asyncio.sleep(0.005)
    except TimeoutError:
        for connection in set(connections):
            connection.transport.abort()
        if state.tasks:
            await asyncio.wait(state.tasks)
