"""A chain of fragments nests an operation without nesting its text."""

from __future__ import annotations

import pytest

from tests.gateway import gateway


@pytest.mark.parametrize(("fragments", "status"), [(198, 200), (200, 422)])
async def test_a_chain_of_fragments_is_followed_so_far(fragments: int, status: int) -> None:
    """graphql-core follows it by recursion."""
    chain = " ".join(f"fragment F{number} on Query {{ ...F{number + 1} }}" for number in range(fragments))
    document = f"{{ ...F0 }} {chain} fragment F{fragments} on Query {{ __typename }}"
    async with gateway("http://127.0.0.1:9", {"GATEWAY_MAX_TOKENS": "10000"}) as client:
        response = await client.graphql(document)
    assert response.status_code == status, response.text
    if status != 200:
        (error,) = response.json()["errors"]
        assert error["message"] == "The operation is nested too deeply."
        assert error["extensions"] == {"code": "LIMIT_EXCEEDED"}
