"""CORS: pages of the listed origins may call the endpoint, and only the endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gateway import gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.gateway import GatewayClient

ORIGIN = "https://app.example"


@pytest.fixture(scope="module")
async def cors() -> AsyncIterator[GatewayClient]:
    """A gateway that lists one origin and one more header."""
    environ = {
        "GATEWAY_CORS_ORIGINS": ORIGIN,
        "GATEWAY_CORS_HEADERS": "X-Tenant",
        "GATEWAY_AUTHORIZATION_HEADER": "X-Wethod-Token",
    }
    async with gateway("http://127.0.0.1:1", environ) as client:
        yield client


async def preflight(client: GatewayClient, origin: str, method: str, *names: str) -> httpx.Response:
    """Send a preflight as a browser does: names in lower case, sorted."""
    headers = {"Origin": origin, "Access-Control-Request-Method": method, "X-Request-ID": "mine-1"}
    if names:
        headers["Access-Control-Request-Headers"] = ",".join(sorted(names))
    return await client.http.options(f"{client.url}/graphql", headers=headers)


@pytest.mark.parametrize(
    "name",
    [
        "apollographql-client-name",
        "apollographql-client-version",
        "tracestate",
        "baggage",
        "sentry-trace",
        "traceparent",
        "apollo-require-preflight",
        "x-apollo-operation-name",
        "x-request-id",
        "content-type",
        "wethod-company",
        "wethod-version",
        "x-wethod-token",
        "x-tenant",
    ],
)
async def test_a_preflight_of_a_listed_origin_is_allowed(cors: GatewayClient, name: str) -> None:
    """tests/attack has the preflights that are refused."""
    response = await preflight(cors, ORIGIN, "POST", name, "content-type")
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert name in response.headers["access-control-allow-headers"].lower().split(", ")
    assert response.headers["access-control-allow-methods"] == "GET, HEAD, POST"
    assert "access-control-allow-credentials" not in response.headers
    assert response.headers["cache-control"] == "no-store"
    assert response.headers.get_list("vary") == ["Accept, Origin"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-request-id"] == "mine-1"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_a_preflight_allows_every_method_of_the_endpoint(cors: GatewayClient, method: str) -> None:
    assert (await preflight(cors, ORIGIN, method, "wethod-company")).status_code == 200


async def test_the_names_of_requested_headers_may_be_in_upper_case(cors: GatewayClient) -> None:
    assert (await preflight(cors, ORIGIN, "POST", "WETHOD-COMPANY", "Content-Type")).status_code == 200


async def test_a_repeated_origin_is_not_allowed(cors: GatewayClient) -> None:
    origins = [("Origin", ORIGIN), ("Origin", "https://other.example")]
    response = await cors.http.get(f"{cors.url}/graphql?query=%7B__typename%7D", headers=origins)
    assert response.status_code == 200
    assert "access-control-allow-origin" not in response.headers


async def test_a_preflight_without_an_origin_is_no_preflight(cors: GatewayClient) -> None:
    response = await cors.http.options(f"{cors.url}/graphql", headers={"Access-Control-Request-Method": "POST"})
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize("path", ["/metrics", "/health/live", "/health/ready", "/nothing"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_other_paths_carry_no_cors_headers(cors: GatewayClient, path: str, method: str) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    response = await cors.http.request(method, f"{cors.url}{path}", headers=headers)
    assert [name for name in response.headers if name.startswith("access-control-")] == []
    assert "origin" not in response.headers.get("vary", "").lower()
