"""JSON that the fast codec refuses, through the front door: lone surrogates, and nesting behind one."""

from __future__ import annotations

from tests.gateway import HEADERS, gateway

QUERY = '{"query":"mutation($ids:[ID!]!){deleteContacts(ids:$ids){id result{__typename}}}","variables":{"ids":%s}}'
TYPES = HEADERS | {"Content-Type": "application/json"}


async def post(ids: str) -> tuple[int, object]:
    """Send ids as they are; nothing listens where Wethod should be."""
    async with gateway("http://127.0.0.1:9") as client:
        response = await client.http.post(f"{client.url}/graphql", content=QUERY % ids, headers=TYPES)
        return response.status_code, response.json()


async def test_a_lone_surrogate_is_echoed_as_a_replacement_character() -> None:
    """UTF-8 cannot carry it."""
    entry = {"id": "a\ufffdb", "result": {"__typename": "WethodValidationError"}}
    assert await post('["a\\ud800b"]') == (200, {"data": {"deleteContacts": [entry]}})


async def test_nesting_behind_a_lone_surrogate_is_refused() -> None:
    """As it is without one."""
    status, body = await post('["\\ud800", ' + "[" * 20_000 + "]" * 20_000 + "]")
    message = "The request's body is not JSON: it is nested too deeply."
    assert (status, body) == (400, {"errors": [{"message": message, "extensions": {"code": "BAD_REQUEST"}}]})
