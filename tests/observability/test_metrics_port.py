"""``/metrics`` on a port of its own, on the addresses of the gateway."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from app.observability.metrics_server import serve_metrics, serve_metrics_beside_workers
from app.observability.observability import make_counters, metrics_of
from app.server.lifecycle import Lifecycle
from app.settings import load
from app.start_error import StartError
from tests.observability.records import OPERATIONS, observability, record, samples
from tests.support import NO_TLS, free_port
from tests.system_parts import require_ipv6

if TYPE_CHECKING:
    from app.settings import Settings

REMOVED = 'wethod_operation_total{operation="removeThing",outcome="Removed"}'


@pytest.fixture
def port() -> int:
    return free_port()


def settings(port: int, **more: str) -> Settings:
    return load({"GATEWAY_METRICS_PORT": str(port)} | more)


async def test_the_only_worker_serves_its_metrics(port: int) -> None:
    observers = observability()
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(verify=NO_TLS) as http:
        async with serve_metrics(settings(port), observers.render_metrics):
            observers.operations.operation_ended(record())
            found = await http.get(f"{url}/metrics")
            statuses = [
                (await http.request(method, url + path)).status_code
                for method, path in (("HEAD", "/metrics"), ("POST", "/metrics"), ("GET", "/metrics/"), ("GET", "/"))
            ]
        with pytest.raises(httpx.ConnectError):
            await http.get(f"{url}/metrics")
    assert samples(found.content)[REMOVED] == 1
    assert found.headers["cache-control"] == "no-store"
    assert statuses == [200, 405, 404, 404]


async def test_both_families_are_served(port: int) -> None:
    require_ipv6()
    observers = observability()
    async with (
        serve_metrics(settings(port, GATEWAY_HOST="::"), observers.render_metrics),
        httpx.AsyncClient(verify=NO_TLS) as http,
    ):
        for host in ("127.0.0.1", "[::1]"):
            assert (await http.get(f"http://{host}:{port}/metrics")).status_code == 200


async def test_one_of_several_workers_does_not_listen(port: int) -> None:
    """Their parent serves the metrics of all."""
    async with (
        serve_metrics(settings(port, GATEWAY_WORKERS="2"), observability().render_metrics),
        httpx.AsyncClient(verify=NO_TLS) as http,
    ):
        with pytest.raises(httpx.ConnectError):
            await http.get(f"http://127.0.0.1:{port}/metrics")


def test_a_parent_serves_the_metrics_of_its_workers(port: int) -> None:
    counters = make_counters(2, OPERATIONS)
    with serve_metrics_beside_workers(settings(port, GATEWAY_WORKERS="2"), metrics_of(counters, OPERATIONS)):
        for index in range(2):
            observability(counters=counters, lifecycle=Lifecycle(index=index)).operations.operation_ended(record())
        found = httpx.get(f"http://127.0.0.1:{port}/metrics")
    assert samples(found.content)[REMOVED] == 2
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/metrics")


async def test_a_port_that_is_taken_stops_the_start() -> None:
    render = observability().render_metrics
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=rf"{port}.*GATEWAY_METRICS_PORT"):
            async with serve_metrics(settings(port), render):
                raise AssertionError
        with (
            pytest.raises(StartError, match=rf"{port}.*GATEWAY_METRICS_PORT"),
            serve_metrics_beside_workers(settings(port, GATEWAY_WORKERS="2"), render),
        ):
            raise AssertionError
