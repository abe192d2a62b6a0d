"""A chain of fragments nests an operation without nesting its text."""

from __future__ import annotations

import pytest

from tests.gateway import gateway

# id: (the operation, a fragment of the chain, fragments, status)
CHAINS = {
    "fragments": ("{ ...F0 }", "on Query { ...NEXT }", 198, 200),
    "one-fragment-more": ("{ ...F0 }", "on Query { ...NEXT }", 200, 422),
    "fields": ("{ __schema { queryType { ...F0 } } }", "on __Type { ofType { ...NEXT } }", 98, 200),
    "one-field-more": ("{ __schema { queryType { ...F0 } } }", "on __Type { ofType { ...NEXT } }", 99, 422),
}


@pytest.mark.parametrize(("operation", "fragment", "fragments", "status"), CHAINS.values(), ids=CHAINS)
async def test_a_chain_of_fragments_is_followed_so_far(
    operation: str, fragment: str, fragments: int, status: int
) -> None:
    """graphql-core follows it by recursion, and the fields in it."""
    chain = " ".join(f"fragment F{number} {fragment.replace('NEXT', f'F{number + 1}')}" for number in range(fragments))
    document = f"{operation} {chain} fragment F{fragments} {fragment.partition('{')[0]} {{ __typename }}"
    environ = {"GATEWAY_MAX_TOKENS": "10000", "GATEWAY_INTROSPECTION": "true"}
    async with gateway("http://127.0.0.1:9", environ) as client:
        response = await client.graphql(document)
    assert response.status_code == status, response.text
    if status != 200:
        (error,) = response.json()["errors"]
        assert error["message"] == "The operation is nested too deeply."
        assert error["extensions"] == {"code": "LIMIT_EXCEEDED"}
