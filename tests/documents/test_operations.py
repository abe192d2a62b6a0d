"""A document may write 333 selections; an operation and a fragment count as five."""

from __future__ import annotations

import pytest

from tests.documents.adversarial import join
from tests.documents.requests import refused
from tests.gateway import gateway

REFUSED = "The document has more than 333 selections. Each operation and each fragment counts as 5."


ONE = "query Q7 { __typename } "

# id: (document, its selections)
DOCUMENTS = {
    "allowed": (ONE + join(lambda i: f"query A{i} {{ __typename }}", 54), 330),
    "operations": (ONE + join(lambda i: f"query A{i} {{ __typename }}", 55), 336),
    "fragments": (ONE + join(lambda i: f"fragment F{i} on Query {{ __typename }}", 55), 336),
    "fields": ("query Q7 { x { " + join(lambda i: f"a{i}", 328) + " } }", 334),
    "inline-fragments": ("query Q7 { ... { ... { " + join(lambda i: f"a{i}", 327) + " } } }", 334),
}


@pytest.mark.parametrize(("text", "selections"), DOCUMENTS.values(), ids=DOCUMENTS)
async def test_a_selection_for_every_three_tokens_is_accepted(text: str, selections: int) -> None:
    """Validation visits each of them, also those that no operation uses."""
    async with gateway("http://127.0.0.1:9") as client:
        response = await client.graphql(text, operationName="Q7")
    if selections <= 333:
        assert (response.status_code, response.json()) == (200, {"data": {"__typename": "Query"}})
    else:
        assert (response.status_code, response.json()) == (422, refused("LIMIT_EXCEEDED", REFUSED))
