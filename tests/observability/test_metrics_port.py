"""``/metrics`` on a port of its own, on the addresses of the gateway."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from app.observability.metrics_server import serve_metrics
from app.observability.observability import make_counters, metrics_of
from app.server.lifecycle import Lifecycle
from app.settings import load
from app.start_error import StartError
from schema.root import OPERATIONS
from tests.observability.records import observability, samples
from tests.support import free_port
from tests.system_parts import require_ipv6
from tests.wethod.records import record

if TYPE_CHECKING:
    from app.settings import Settings

DELETED = 'wethod_operation_total{operation="deleteContact",outcome="DeleteContactSuccess"}'


@pytest.fixture
def port() -> int:
    return free_port()


def render(_accept: str) -> tuple[bytes, str]:
    return b"", "text/plain"


def settings(port: int, **more: str) -> Settings:
    return load({"GATEWAY_METRICS_PORT": str(port)} | more)


def test_the_port_serves_the_metrics_of_all_workers(port: int) -> None:
    counters = make_counters(2, OPERATIONS)
    url = f"http://127.0.0.1:{port}"
    with serve_metrics(settings(port), metrics_of(counters, OPERATIONS)):
        for index in range(2):
            observability(counters=counters, lifecycle=Lifecycle(index=index)).operations.operation_ended(record())
        found = httpx.get(f"{url}/metrics")
        statuses = [
            httpx.request(method, url + path).status_code
            for method, path in (("HEAD", "/metrics"), ("POST", "/metrics"), ("GET", "/metrics/"), ("GET", "/"))
        ]
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/metrics")
    assert samples(found.content)[DELETED] == 2
    assert found.headers["cache-control"] == "no-store"
    assert statuses == [200, 405, 404, 404]


def test_several_accept_headers_are_one_list(port: int) -> None:
    fields = [("Accept", "text/html"), ("Accept", "text/plain")]
    with serve_metrics(settings(port), lambda accept: (accept.encode(), "text/plain")):
        assert httpx.get(f"http://127.0.0.1:{port}/metrics", headers=fields).text == "text/html, text/plain"


def test_both_families_are_served(port: int) -> None:
    require_ipv6()
    with serve_metrics(settings(port, GATEWAY_HOST="::"), render):
        for host in ("127.0.0.1", "[::1]"):
            assert httpx.get(f"http://{host}:{port}/metrics").status_code == 200


def test_a_port_that_is_taken_stops_the_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(StartError, match=rf"{port}.*GATEWAY_METRICS_PORT"),
            serve_metrics(settings(port), render),
        ):
            raise AssertionError
