"""``/metrics`` on a port of its own: a scraper gets its text, anyone else an error or a closed door."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from app.observability.exposition import Exposition
from app.observability.metrics import Metrics
from app.observability.metrics_server import MetricsServer, MetricsThread
from app.observability.telemetry import make_board
from app.start_error import StartError
from tests.telemetry.events import deletion

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[MetricsServer]:
    """A server that shows the ``Accept`` it was asked with."""
    server = MetricsServer(lambda accept: (f"accept={accept}".encode(), "text/plain"), host="127.0.0.1", port=0)
    await server.start()
    try:
        yield server
    finally:
        await server.aclose()


async def exchange(port: int, request: bytes) -> bytes:
    """Everything that comes back for some bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionError:
        return b"reset"
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@pytest.mark.parametrize(
    ("method", "target", "status", "body"),
    [
        pytest.param("GET", "/metrics", 200, "accept=a/b", id="get"),
        pytest.param("GET", "/metrics?x=1", 200, "accept=a/b", id="query"),
        pytest.param("HEAD", "/metrics", 200, "", id="head"),
        pytest.param("POST", "/metrics", 405, "Metrics are read by GET.\n", id="post"),
        pytest.param("GET", "/", 404, "Metrics are at /metrics.\n", id="elsewhere"),
    ],
)
async def test_metrics_are_read_by_get(method: str, target: str, status: int, body: str) -> None:
    """And nothing else is served."""
    async with serving() as server, httpx.AsyncClient() as http:
        answer = await http.request(method, f"http://127.0.0.1:{server.port}{target}", headers={"Accept": "a/b"})
    assert (answer.status_code, answer.text) == (status, body)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["connection"] == "close"
    assert answer.headers.get("allow") == ("GET, HEAD" if status == 405 else None)
    if method == "HEAD":
        assert answer.headers["content-length"] == str(len("accept=a/b"))


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 20_000, id="endless-head"),
        pytest.param(b"\r\n\r\n", id="blank"),
    ],
)
async def test_nonsense_gets_nothing(request_bytes: bytes) -> None:
    """The connection ends, and the next scrape works."""
    async with serving() as server:
        assert (await exchange(server.port, request_bytes))[:30] in {
            b"reset",
            b"",
            b"HTTP/1.1 404 Not Found\r\nContent"[:30],
        }
        assert b"accept=" in await exchange(server.port, b"GET /metrics HTTP/1.0\r\n\r\n")


async def test_who_hangs_up_early_is_forgotten() -> None:
    """A port scan leaves no error behind."""
    async with serving() as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /me")
        writer.close()
        await writer.wait_closed()
        assert b"accept=" in await exchange(server.port, b"GET /metrics HTTP/1.0\r\n\r\n")


async def test_a_failure_to_render_is_logged_and_ends_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    """A scraper sees a failed scrape, never half a text."""

    def fail(_: str) -> tuple[bytes, str]:
        raise RuntimeError("no")

    server = MetricsServer(fail, host="127.0.0.1", port=0)
    await server.start()
    assert await exchange(server.port, b"GET /metrics HTTP/1.0\r\n\r\n") in {b"", b"reset"}
    await server.aclose()
    await server.aclose()
    assert [record.message for record in caplog.records] == ["metrics could not be served"]


async def test_a_taken_port_stops_the_start() -> None:
    """One line that names the setting."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = MetricsServer(lambda _: (b"", ""), host="127.0.0.1", port=port)
        assert server.port == port
        with pytest.raises(StartError, match=f"^GATEWAY_METRICS_PORT={port}: .*address already in use"):
            await server.start()


def test_a_parent_serves_its_workers_numbers() -> None:
    """On a thread, while the parent does something else; then the port is free again."""
    board = make_board(2)
    with MetricsThread(Exposition(board).render, host="127.0.0.1", port=0) as server:
        port = server.port
        for index in range(2):
            Metrics(board.row(index)).delete(deletion())
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert 'wethod_delete_contact_total{outcome="DeleteContactSuccess"} 2.0' in text
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/metrics")


def test_a_parents_taken_port_stops_the_start() -> None:
    """In the thread that starts it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(StartError, match=f"^GATEWAY_METRICS_PORT={port}: "),
            MetricsThread(lambda _: (b"", ""), host="127.0.0.1", port=port),
        ):
            raise AssertionError
