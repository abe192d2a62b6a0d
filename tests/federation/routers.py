"""Routers as processes of their own, each with the configuration that ``deploy/routers`` offers."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from typing import TYPE_CHECKING

import httpx

from tests.federation.composition import FOLDER
from tests.support import NO_TLS, free_port, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

CONFIGURATIONS = FOLDER.parents[1] / "deploy" / "routers"
START_SECONDS = 60
STOP_SECONDS = 5
HIVE_CONFIGURATION = str(CONFIGURATIONS / "hive-gateway.config.mjs")


def _hive(supergraph: str, port: str) -> list[str]:
    options = ["--host", "127.0.0.1", "--port", port, "--fork", "1", "--config-path", HIVE_CONFIGURATION]
    return ["node_modules/@graphql-hive/gateway/dist/bin.js", "supergraph", supergraph, *options]


# name: (what node runs, given the supergraph's file and a port; the path of the endpoint)
ROUTERS: dict[str, tuple[Callable[[str, str], list[str]], str]] = {
    "apollo-gateway": (lambda supergraph, port: ["apollo_gateway.mjs", supergraph, port], "/"),
    "hive-gateway": (_hive, "/graphql"),
    "hive-gateway-with-hive-router-planner": (
        lambda supergraph, port: [*_hive(supergraph, port), "--hive-router-runtime"],
        "/graphql",
    ),
}


@contextlib.asynccontextmanager
async def router(name: str, supergraph: Path) -> AsyncIterator[str]:
    arguments, path = ROUTERS[name]
    port = free_port()
    log = supergraph.with_name(f"{name}-{port}.log")
    async with node(arguments(str(supergraph), str(port)), f"http://127.0.0.1:{port}{path}", log) as url:
        yield url


@contextlib.asynccontextmanager
async def contact_owner(folder: Path) -> AsyncIterator[str]:
    """Run the neighbour that owns Contact; the URL of its endpoint."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    async with node(["contact_owner.mjs", str(port)], url, folder / "contact-owner.log") as url:
        yield url


@contextlib.asynccontextmanager
async def node(arguments: list[str], url: str, log: Path) -> AsyncIterator[str]:
    """Run a program on Node until it answers GraphQL at a URL, and stop it at the end."""
    with running(arguments, log) as process:
        async with httpx.AsyncClient(verify=NO_TLS) as http:

            async def answers() -> bool:
                assert process.poll() is None, f"{arguments[0]} did not start, see {log}"
                with contextlib.suppress(httpx.TransportError):
                    return (await http.post(url, json={"query": "{ __typename }"})).status_code == 200
                return False

            await until(answers, START_SECONDS)
        yield url


@contextlib.contextmanager
def running(arguments: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program on Node, its output in a file, and stop it at the end."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["node", *arguments],
            cwd=FOLDER,
            env=os.environ | {"NODE_ENV": "production"},  # elsewhere stack traces are shown to clients
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """Reserve a port of the loopback address, which refuses until a server binds it with SO_REUSEADDR."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
