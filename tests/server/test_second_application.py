"""A second application on a port of its own: beside a running event loop, and on a thread."""

from __future__ import annotations

import asyncio
import socket
import urllib.error
import urllib.request

import pytest

from app.server.run import serve_app, serve_on_thread
from app.start_error import StartError
from tests.server.serving import connect, echo, request
from tests.support import alive
from tests.system_parts import require_ipv6


def get(url: str) -> int:
    """The status of an answer."""
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own server
        return int(answer.status)


async def test_two_applications_share_an_event_loop() -> None:
    """Each has a port; leaving the block ends the application and frees the port."""
    async with serve_app(echo, "127.0.0.1", 0) as first, serve_app(echo, "127.0.0.1", 0) as second:
        assert first != second
        for url in (first, second):
            assert await asyncio.to_thread(get, url) == 200
    with pytest.raises(urllib.error.URLError):
        await asyncio.to_thread(get, first)


def test_an_application_runs_on_a_thread() -> None:
    """No event loop is needed; the end of the block is the end of the application."""
    ended: list[str] = []

    async def app(scope: object, receive: object, send: object) -> None:
        await alive(scope, receive, send)  # type: ignore[arg-type]
        ended.append("ended")

    with serve_on_thread(app, "127.0.0.1", 0) as url:
        assert url.startswith("http://127.0.0.1:")
        assert not ended
    assert ended == ["ended"]
    with serve_on_thread(echo, "127.0.0.1", 0) as url:
        assert get(url) == 200


def test_a_port_that_is_taken_is_named_with_its_setting() -> None:
    """One line for the operator, in both ways; nothing is left running."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = rf"^cannot listen on 127\.0\.0\.1:{port} \(GATEWAY_METRICS_PORT\): address already in use$"

        async def serve() -> None:
            async with serve_app(echo, "127.0.0.1", port, setting="GATEWAY_METRICS_PORT"):
                pass

        with pytest.raises(StartError, match=line):
            asyncio.run(serve())
        with (
            pytest.raises(StartError, match=line),
            serve_on_thread(echo, "127.0.0.1", port, setting="GATEWAY_METRICS_PORT"),
        ):
            pass


@pytest.mark.parametrize("host", ["::", "127.0.0.1"])
async def test_it_listens_on_the_families_of_the_host(host: str) -> None:
    """`::` takes IPv4 clients too, as the gateway itself does."""
    if host == "::":
        require_ipv6()
    async with serve_app(echo, host, 0) as url, connect(int(url.rpartition(":")[2])) as client:
        await client.send(request())
        assert (await client.answer()).status == 200
