"""HTTP in; audit lines, log lines, spans and numbers out."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from typing import TYPE_CHECKING

import pytest

from tests.gateway import HEADERS, gateway, request_bytes
from tests.observability.records import counts, samples
from tests.observability.span_collector import collector
from tests.outcomes.outcomes import TRANSPORTS
from tests.server.serving import connect
from tests.support import json_lines, until
from tests.upstream import HANGING, LOST, answer, upstream
from tests.wethod.records import AUDIT_LINE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gateway import GatewayClient

DELETE = "mutation Delete($id: ID!) { deleteContact(id: $id) { __typename } }"
ATTEMPTS = "wethod_upstream_request_duration_seconds_count"
IDENTIFIED = HEADERS | {"X-Request-ID": "request-1", "X-Forwarded-For": "198.51.100.9, 203.0.113.7"}


def environment(path: Path, **more: str) -> dict[str, str]:
    return {
        "WETHOD_TRANSPORT": "httpx",
        "GATEWAY_AUDIT_LOG": str(path),
        "GATEWAY_TRUSTED_PROXIES": "127.0.0.1",
        **more,
    }


async def numbers(client: GatewayClient) -> dict[str, float]:
    return counts((await client.http.get(f"{client.url}/metrics")).content)


async def test_a_delete_is_recorded_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    async with upstream([answer(200)]) as wethod, gateway(wethod.url, environment(path)) as client:
        await client.graphql(DELETE, {"id": "7"}, IDENTIFIED)
        found = await numbers(client)
        scraped = await client.http.get(f"{client.url}/metrics")
    (line,) = json_lines(path)
    assert isinstance(line.pop("time"), str)
    assert 0 < line["durationMs"] < 10_000
    assert line == AUDIT_LINE | {"durationMs": line["durationMs"]}
    assert found == {
        'wethod_operation_total{operation="deleteContact",outcome="DeleteContactSuccess"}': 1,
        'wethod_operation_confirmed_total{by="RESPONSE",operation="deleteContact"}': 1,
        'wethod_operation_duration_seconds_count{operation="deleteContact"}': 1,
        f'{ATTEMPTS}{{result="answered"}}': 1,
        'wethod_upstream_responses_total{status="200"}': 1,
        "wethod_upstream_connections_limit": 100,
        'gateway_http_requests_total{status="200"}': 1,
        "gateway_http_request_duration_seconds_count": 1,
        'gateway_document_cache_requests_total{result="miss"}': 1,
        "gateway_document_cache_documents": 1,
        "gateway_audit_lines_total": 1,
        'gateway_workers{state="serving"}': 1,
        "gateway_worker_starts_total": 1,
    }
    assert scraped.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert scraped.headers["cache-control"] == "no-store"


async def test_a_repeat_is_recorded_and_counted(tmp_path: Path) -> None:
    """A 404 of the repeat shows that the contact is gone."""
    path = tmp_path / "audit"
    gone = answer(404, b'{"key": "not_found", "message": "no"}')
    async with upstream([LOST, gone]) as wethod, gateway(wethod.url, environment(path)) as client:
        await client.graphql(DELETE, {"id": "7"})
        found = await numbers(client)
    (line,) = json_lines(path)
    recorded = (line["outcome"], line["statusCode"], line["attempts"], line["confirmedBy"])
    assert recorded == ("DeleteContactSuccess", 404, 2, "ABSENCE")
    assert found["wethod_upstream_repeats_total"] == 1
    assert found['wethod_operation_confirmed_total{by="ABSENCE",operation="deleteContact"}'] == 1


@TRANSPORTS
async def test_nothing_is_repeated_at_the_deadline(
    transport: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One request, one connection, one span."""
    environ = environment(tmp_path / "audit", WETHOD_TRANSPORT=transport, WETHOD_TIMEOUT_SECONDS="2")
    with collector() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
        async with upstream([HANGING]) as wethod, gateway(wethod.url, environ) as client:
            await client.graphql(DELETE, {"id": "7"})
            found = samples((await client.http.get(f"{client.url}/metrics")).content)
            assert wethod.connections == 1
    attempts = {result: found[f'{ATTEMPTS}{{result="{result}"}}'] for result in ("answered", "interrupted", "not_sent")}
    assert attempts == {"answered": 0, "interrupted": 1, "not_sent": 0}
    assert found["wethod_upstream_repeats_total"] == 0
    assert running.one("DELETE").attributes["error.type"] == "Interrupted"


async def test_refused_calls_are_recorded(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    async with upstream([answer(200)]) as wethod, gateway(wethod.url, environment(path)) as client:
        await client.graphql(
            "mutation { a: deleteContact(id: 1) { __typename } b: deleteContact(id: 2) { __typename } }", headers={}
        )
        await client.graphql(DELETE, {"id": "../7"})
    recorded = [(line["contactId"], line["outcome"], line["token"] is None) for line in json_lines(path)]
    assert recorded == [
        ("1", "WethodUnauthorizedError", True),
        ("2", "WethodUnauthorizedError", True),
        ("(4 characters)", "WethodValidationError", False),
    ]


async def test_equal_deletes_have_a_line_each(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    slow = answer(200, delay_seconds=0.3)
    async with upstream([slow]) as wethod:
        async with gateway(wethod.url, environment(path)) as client:
            requests = [client.graphql(DELETE, {"id": "7"}, HEADERS | {"X-Request-ID": name}) for name in "ab"]
            await asyncio.gather(*requests)
            found = await numbers(client)
        assert len(wethod.asked) == 1
    recorded = json_lines(path)
    assert {line["requestId"] for line in recorded} == {"a", "b"}
    assert sorted(line["shared"] for line in recorded) == [False, True]
    assert found['wethod_operation_shared_total{operation="deleteContact"}'] == 1


@pytest.mark.parametrize(("transport", "idle"), [("http1", 2), ("httpx", 0)])
async def test_the_use_of_the_pool_is_published(transport: str, idle: int, tmp_path: Path) -> None:
    """Four deletes over two connections: two are in use, and two wait."""
    environ = environment(tmp_path / "audit", WETHOD_TRANSPORT=transport, WETHOD_MAX_CONNECTIONS="2")
    slow = answer(200, delay_seconds=0.5)
    async with upstream([slow]) as wethod, gateway(wethod.url, environ) as client:
        # With four tokens, because one token may hold only three quarters of the connections.
        deletes = [
            client.graphql(DELETE, {"id": str(number)}, HEADERS | {"Authorization": f"Bearer token-{number}"})
            for number in range(1, 5)
        ]
        tasks = [asyncio.create_task(delete) for delete in deletes]
        during: dict[str, float] = {}

        async def two_wait() -> bool:
            during.update(await numbers(client))
            in_use = during.get('wethod_upstream_connections{state="in_use"}')
            return in_use == during.get("wethod_upstream_waiting") == 2

        await until(two_wait)
        await asyncio.gather(*tasks)
        after = await numbers(client)
    assert during['wethod_operation_in_progress{operation="deleteContact"}'] == 4
    assert after.get('wethod_upstream_connections{state="idle"}', 0) == idle
    assert after["wethod_upstream_waits_total"] == 2
    assert after["wethod_upstream_connections_limit"] == 2
    assert "wethod_upstream_waiting" not in after


async def test_limits_are_counted(tmp_path: Path) -> None:
    environ = environment(tmp_path / "audit", GATEWAY_MAX_TOKENS="30", GATEWAY_MAX_DELETES="1")
    async with upstream([HANGING]) as wethod, gateway(wethod.url, environ) as client:
        assert (await client.graphql("mutation { deleteContacts(ids: [1, 2]) { id } }")).status_code == 422
        assert (await client.graphql("{ __typename " + "a: __typename " * 20 + "}")).status_code == 422
        assert (await client.graphql("{ __typename }", padding="x" * 70_000)).status_code == 413
        found = await numbers(client)
    assert {name: found[f'gateway_refused_total{{limit="{name}"}}'] for name in ("calls", "tokens", "body")} == {
        "calls": 1,
        "tokens": 1,
        "body": 1,
    }
    assert found['gateway_http_requests_total{status="422"}'] == 2
    assert found['gateway_http_requests_total{status="413"}'] == 1


async def test_calls_are_counted_by_the_limit_that_refused_them(tmp_path: Path) -> None:
    """A key that Wethod sends is not a limit, and no limit refuses an id that is skipped after a 401 or 429."""
    delay = {"x-ratelimit-retry-after": "30"}
    released = asyncio.Event()
    script = [
        answer(401, b'{"key": "overloaded"}'),
        answer(429, b'{"key": "too_many_requests"}'),
        dataclasses.replace(answer(429, b"", delay), after=released),
    ]
    environ = environment(tmp_path / "audit", WETHOD_BULK_CONCURRENCY="1", GATEWAY_MAX_IN_FLIGHT="2")
    async with upstream(script) as wethod, gateway(wethod.url, environ) as client:

        async def refused() -> dict[str, float]:
            found = await numbers(client)
            return {name: value for name, value in found.items() if name.startswith("gateway_refused_total")}

        await client.graphql("mutation { deleteContacts(ids: [1, 2]) { id } }")
        await client.graphql("mutation { deleteContacts(ids: [1, 2]) { id } }")
        assert len(wethod.asked) == 2
        assert await refused() == {}
        first = asyncio.create_task(client.graphql(DELETE, {"id": "7"}))
        await wethod.asked_for(3)
        # This token has one of the two places.
        await client.graphql(DELETE, {"id": "8"})
        assert await refused() == {'gateway_refused_total{limit="in_flight"}': 1}
        released.set()
        await first
        await client.graphql(DELETE, {"id": "8"})
        assert await refused() == {
            'gateway_refused_total{limit="in_flight"}': 1,
            'gateway_refused_total{limit="rate"}': 1,
        }


async def test_a_call_that_waited_is_counted_by_the_limit_that_refused_it(tmp_path: Path) -> None:
    """It waited for an equal call, whose 429 is remembered."""
    limited = answer(429, b"", {"x-ratelimit-retry-after": "30"}, delay_seconds=0.3)
    async with upstream([limited]) as wethod, gateway(wethod.url, environment(tmp_path / "audit")) as client:
        await asyncio.gather(*(client.graphql(DELETE, {"id": "7"}) for _ in range(2)))
        found = await numbers(client)
        assert len(wethod.asked) == 1
    assert found['gateway_refused_total{limit="rate"}'] == 1


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"POST /graphql HTTP/1.1\r\nHost: g\r\n", 408, id="head"),
        pytest.param(b"POST /graphql HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\n"
                     b"Content-Length: 9\r\n\r\n{", 408, id="body"),
    ],
)  # fmt: skip
async def test_a_late_request_is_counted_once(sent: bytes, status: int, tmp_path: Path) -> None:
    environ = environment(tmp_path / "audit", GATEWAY_READ_TIMEOUT_SECONDS="0.2")
    async with upstream([HANGING]) as wethod, gateway(wethod.url, environ) as client:
        async with connect(client.port) as late:
            await late.send(sent)
            assert (await late.answer()).status == status
        found = await numbers(client)
    requests = {name: value for name, value in found.items() if name.startswith("gateway_http_requests_total")}
    assert requests == {f'gateway_http_requests_total{{status="{status}"}}': 1}
    assert found['gateway_refused_total{limit="read_timeout"}'] == 1


async def test_too_many_pipelined_requests_do_not_look_like_overload(tmp_path: Path) -> None:
    async with upstream([HANGING]) as wethod, gateway(wethod.url, environment(tmp_path / "audit")) as client:
        async with connect(client.port) as pipelining:
            await pipelining.send(b"GET /health/live HTTP/1.1\r\nHost: g\r\n\r\n" * 40)
            assert b"HTTP/1.1 503 " in await pipelining.rest()
        found = await numbers(client)
    refused = {name: value for name, value in found.items() if name.startswith("gateway_refused_total")}
    assert refused == {'gateway_refused_total{limit="pipeline"}': 1}


async def test_a_request_whose_connection_is_reset_has_no_status(tmp_path: Path) -> None:
    """Its delete has an outcome, but no client gets the response."""
    path = tmp_path / "audit"
    released = asyncio.Event()
    script = [dataclasses.replace(answer(200), after=released)]
    async with upstream(script) as wethod, gateway(wethod.url, environment(path)) as client:
        async with connect(client.port) as leaving:
            await leaving.send(request_bytes(DELETE, {"id": "7"}))
            await wethod.asked_for(1)
            leaving.reset()
            await numbers(client)  # when this is answered, the gateway has read the reset too
            released.set()
        counted: dict[str, float] = {}

        async def is_counted() -> bool:
            found = await numbers(client)
            counted.update({name: found[name] for name in found if name.startswith("gateway_http_requests_total")})
            return bool(counted)

        await until(is_counted)
    assert counted == {'gateway_http_requests_total{status="none"}': 1}
    assert [line["outcome"] for line in json_lines(path)] == ["DeleteContactSuccess"]


async def test_the_id_of_a_persisted_document_is_in_the_span(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No span has the text."""
    digest = hashlib.sha256(DELETE.encode()).hexdigest()
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
    with collector() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
        async with (
            upstream([answer(200)]) as wethod,
            gateway(wethod.url, environment(tmp_path / "audit")) as client,
        ):
            await client.graphql(DELETE, {"id": "7"})
            await client.graphql(DELETE, {"id": "7"}, extensions=extensions)
            body = {"variables": {"id": "7"}, "extensions": extensions}
            await client.http.post(f"{client.url}/graphql", json=body, headers=HEADERS)
    ids = [span.attributes.get("graphql.document.id") for span in running.spans if span.name == "mutation"]
    assert ids[0] is None
    assert digest in str(ids[-1])
    assert not any(b"__typename" in span.raw for span in running.spans)
