"""The media type of an answer: qualities, wildcards, and fields that old clients send."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.gateway import GatewayClient

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
TYPED = "application/graphql-response+json; charset=utf-8"
CONTEXT = "{ wethodContext { company } }"

ACCEPTED = {
    "": JSON,
    "*/*": JSON,
    "application/*": JSON,
    "application/json": JSON,
    "APPLICATION/JSON": JSON,
    "application/json; charset=utf-8": JSON,
    "application/graphql-response+json": GRAPHQL,
    "application/graphql-response+json, application/json;q=0.9": GRAPHQL,
    "application/graphql-response+json;q=0.5, application/json": JSON,
    "application/json;q=0.5, application/graphql-response+json;q=0.6": GRAPHQL,
    "application/graphql-response+json, application/json": GRAPHQL,
    "application/json, application/graphql-response+json": JSON,
    "application/json;q=0, */*": GRAPHQL,
    "*/*;q=0.1, application/graphql-response+json;q=0.2": GRAPHQL,
    "text/html, */*;q=0.8": JSON,
    "application/json;q=nonsense, application/graphql-response+json": GRAPHQL,
    "application/json;q=2, application/graphql-response+json;q=0.1": GRAPHQL,
    ",,application/graphql-response+json,": GRAPHQL,
    "application/json;q=.5, application/graphql-response+json; q=.8": GRAPHQL,
    "*;q=.2": JSON,
    "application/json;q=nonsense": JSON,
    "nonsense": JSON,
    # Java's HttpURLConnection sends a range and qualities that RFC 9110 does not define.
    "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2": JSON,
    "text/html;q=.8, */*;q=.8": JSON,
    "*/*;q=.8": JSON,
    # Quoted strings (RFC 9110 §5.6.4).
    'application/json; x="a,b";q=0, */*': GRAPHQL,
    'application/json; x="a\\",b";q=0, */*': GRAPHQL,
    'application/json; x=";q=0.1", application/graphql-response+json;q=0.5': JSON,
    'application/json; x="a, b': JSON,
    # The first hundred parts are read.
    "*/*," * 99 + "application/graphql-response+json": GRAPHQL,
    "*/*," * 100 + "application/graphql-response+json": JSON,
}


@pytest.mark.parametrize(("accept", "media_type"), ACCEPTED.items())
async def test_the_media_type_is_negotiated(client: GatewayClient, accept: str, media_type: str) -> None:
    """Quality first, then precision, then the client's order; application/json if no range can be read."""
    request = client.http.build_request("POST", f"{client.url}/graphql", json={"query": CONTEXT})
    del request.headers["accept"]
    if accept:
        request.headers["accept"] = accept
    response = await client.http.send(request)
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["vary"] == "Accept, Origin"


async def test_several_accept_fields_are_one_list(client: GatewayClient) -> None:
    """RFC 9110 section 5.3."""
    response = await client.http.post(
        f"{client.url}/graphql",
        json={"query": CONTEXT},
        headers=[("Accept", "image/png"), ("Accept", "application/graphql-response+json")],
    )
    assert response.headers["content-type"] == TYPED
