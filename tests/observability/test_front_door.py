"""HTTP in; audit lines, log lines and numbers out."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from app.observability.health import Health
from app.observability.telemetry import Telemetry
from app.server.lifecycle import Lifecycle
from app.settings import load
from tests.gateway import HEADERS, gateway
from tests.telemetry.events import deletion, lines
from tests.telemetry.test_metrics import samples
from tests.telemetry.test_telemetry import numbers as numbers_of
from tests.upstream import HANGING, LOST, answer, upstream

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gateway import GatewayClient

DELETE = "mutation Delete($id: ID!) { deleteContact(id: $id) { __typename } }"
FINGERPRINT = hashlib.blake2b(b"test-token", key=b"a key for tests only", digest_size=16).hexdigest()
IDENTIFIED = HEADERS | {"X-Request-ID": "request-1", "X-Forwarded-For": "198.51.100.9, 203.0.113.7"}


def environment(path: Path, **more: str) -> dict[str, str]:
    """A gateway whose audit is a file."""
    return {
        "WETHOD_TRANSPORT": "httpx",
        "GATEWAY_AUDIT_LOG": str(path),
        "GATEWAY_TRUSTED_PROXIES": "127.0.0.1",
        **more,
    }


async def numbers(client: GatewayClient) -> dict[str, float]:
    """What ``/metrics`` says that is not 0, durations aside."""
    text = (await client.http.get(f"{client.url}/metrics")).content
    return {name: value for name, value in samples(text).items() if value and "seconds" not in name}


async def test_a_delete_is_told_everywhere(tmp_path: Path) -> None:
    """One audit line, exact; one of everything that is counted."""
    path = tmp_path / "audit"
    async with upstream([answer(200)]) as wethod, gateway(wethod.url, environment(path)) as client:
        await client.graphql(DELETE, {"id": "7"}, IDENTIFIED)
        found = await numbers(client)
        scraped = await client.http.get(f"{client.url}/metrics")
    (line,) = lines(path)
    assert isinstance(line.pop("time"), str)
    assert 0 < line.pop("durationMs") < 10_000
    assert line == {
        "company": "acme",
        "version": "2024-06-15",
        "contactId": "7",
        "token": FINGERPRINT,
        "requestId": "request-1",
        "client": "203.0.113.7",
        "outcome": "DeleteContactSuccess",
        "statusCode": 200,
        "attempts": 1,
        "shared": False,
        "confirmedBy": "RESPONSE",
    }
    assert (
        found.items()
        >= {
            'wethod_delete_contact_total{outcome="DeleteContactSuccess"}': 1,
            'wethod_delete_contact_confirmed_total{by="RESPONSE"}': 1,
            'wethod_upstream_responses_total{status="200"}': 1,
            'gateway_http_requests_total{status="200"}': 1,
            'gateway_document_cache_requests_total{result="miss"}': 1,
            "gateway_document_cache_documents": 1,
            "gateway_audit_lines_total": 1,
            'gateway_workers{state="serving"}': 1,
        }.items()
    )
    assert scraped.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert scraped.headers["cache-control"] == "no-store"


async def test_a_repeat_is_told(tmp_path: Path) -> None:
    """The lost answer, the repeat, and what the repeat was told."""
    path = tmp_path / "audit"
    gone = answer(404, b'{"key": "not_found", "message": "no"}')
    async with upstream([LOST, gone]) as wethod, gateway(wethod.url, environment(path)) as client:
        await client.graphql(DELETE, {"id": "7"})
        found = await numbers(client)
    (line,) = lines(path)
    told = (line["outcome"], line["statusCode"], line["attempts"], line["confirmedBy"])
    assert told == ("DeleteContactSuccess", 404, 2, "ABSENCE")
    assert found["wethod_upstream_repeats_total"] == 1
    assert found['wethod_delete_contact_confirmed_total{by="ABSENCE"}'] == 1


async def test_refusals_are_told(tmp_path: Path) -> None:
    """Nothing was sent, and who asked for what is written all the same."""
    path = tmp_path / "audit"
    async with upstream([answer(200)]) as wethod, gateway(wethod.url, environment(path)) as client:
        await client.graphql(
            "mutation { a: deleteContact(id: 1) { __typename } b: deleteContact(id: 2) { __typename } }", headers={}
        )
        await client.graphql(DELETE, {"id": "../7"})
    told = [(line["contactId"], line["outcome"], line["token"] is None) for line in lines(path)]
    assert told == [
        ("1", "WethodUnauthorizedError", True),
        ("2", "WethodUnauthorizedError", True),
        ("../7", "WethodValidationError", False),
    ]


async def test_a_client_that_hangs_up_is_told_of(tmp_path: Path) -> None:
    """Its delete's outcome is written when it is known."""
    path = tmp_path / "audit"
    slow = replace(answer(200), delay_seconds=0.5)
    async with upstream([slow]) as wethod, gateway(wethod.url, environment(path)) as client:
        body = {"query": DELETE, "variables": {"id": "7"}}
        with pytest.raises(httpx.ReadTimeout):
            await client.http.post(f"{client.url}/graphql", json=body, headers=HEADERS, timeout=0.2)
        async with asyncio.timeout(5):
            while not path.read_bytes():  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.01)
    (line,) = lines(path)
    assert (line["outcome"], line["attempts"]) == ("DeleteContactSuccess", 1)


async def test_equal_deletes_have_a_line_each(tmp_path: Path) -> None:
    """One upstream call, two requests, two lines."""
    path = tmp_path / "audit"
    slow = replace(answer(200), delay_seconds=0.3)
    async with upstream([slow]) as wethod:
        async with gateway(wethod.url, environment(path)) as client:
            requests = [client.graphql(DELETE, {"id": "7"}, HEADERS | {"X-Request-ID": name}) for name in "ab"]
            await asyncio.gather(*requests)
            found = await numbers(client)
        assert len(wethod.asked) == 1
    told = lines(path)
    assert {line["requestId"] for line in told} == {"a", "b"}
    assert sorted(line["shared"] for line in told) == [False, True]
    assert found["wethod_delete_contact_shared_total"] == 1


@pytest.mark.parametrize(("transport", "idle"), [("http1", 2), ("httpx", 0)])
async def test_the_pools_use_is_told(transport: str, idle: int, tmp_path: Path) -> None:
    """Two connections for four deletes of a slow Wethod: two in use, two that wait; those that are kept idle then."""
    environ = environment(tmp_path / "audit", WETHOD_TRANSPORT=transport, WETHOD_MAX_CONNECTIONS="2")
    slow = replace(answer(200), delay_seconds=0.5)
    async with upstream([slow]) as wethod, gateway(wethod.url, environ) as client:
        deletes = [asyncio.create_task(client.graphql(DELETE, {"id": str(number)})) for number in range(1, 5)]
        await asyncio.sleep(0.3)
        during = await numbers(client)
        await asyncio.gather(*deletes)
        after = await numbers(client)
    assert during['wethod_upstream_connections{state="in_use"}'] == 2
    assert during["wethod_upstream_waiting"] == 2
    assert after.get('wethod_upstream_connections{state="idle"}', 0) == idle
    assert after["wethod_upstream_waits_total"] == 2
    assert after["wethod_upstream_connections_limit"] == 2
    assert "wethod_upstream_waiting" not in after


async def test_limits_are_counted(tmp_path: Path) -> None:
    """By name, from the endpoint to the page."""
    async with (
        upstream([HANGING]) as wethod,
        gateway(wethod.url, environment(tmp_path / "audit", GATEWAY_MAX_TOKENS="20")) as client,
    ):
        assert (await client.graphql("{ __typename " + "a: __typename " * 20 + "}")).status_code == 422
        assert (await client.graphql("{ __typename }", padding="x" * 70_000)).status_code == 413
        found = await numbers(client)
    assert found['gateway_refused_total{limit="tokens"}'] == 1
    assert found['gateway_refused_total{limit="body"}'] == 1
    assert found['gateway_http_requests_total{status="422"}'] == 1
    assert found['gateway_http_requests_total{status="413"}'] == 1


async def test_a_port_of_their_own_takes_metrics_off_the_main_one(tmp_path: Path) -> None:
    """A public port need not show them."""
    environ = environment(tmp_path / "audit", GATEWAY_METRICS_PORT="1", GATEWAY_WORKERS="2")
    async with upstream([answer(200)]) as wethod, gateway(wethod.url, environ) as client:
        assert (await client.http.get(f"{client.url}/metrics")).status_code == 404


async def test_an_audit_that_cannot_be_written_fails_readiness(tmp_path: Path) -> None:
    """With its reason, so that another replica is asked."""
    fifo = tmp_path / "audit"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    lifecycle = Lifecycle(state="serving")
    telemetry = Telemetry(load({"GATEWAY_AUDIT_LOG": str(fifo)}), audit_key=b"k", lifecycle=lifecycle)
    app = Starlette(routes=[Route("/health/ready", Health(lifecycle, telemetry).ready)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as http:
        answers = [await http.get("/health/ready")]
        while not telemetry.problem:
            telemetry.record(deletion())
        answers.append(await http.get("/health/ready"))
        os.set_blocking(reader, False)
        while telemetry.problem:
            os.read(reader, 1 << 20)
            telemetry.record(deletion())
        answers.append(await http.get("/health/ready"))
        while numbers_of(telemetry).get("gateway_audit_backlog_bytes"):
            os.read(reader, 1 << 20)
            telemetry.record(deletion())
    await telemetry.aclose()
    os.close(reader)
    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (200, {"status": "ready"}),
        (503, {"status": "the audit cannot be written"}),
        (200, {"status": "ready"}),
    ]
