"""A document may have fifty operations, of which a request runs one."""

from __future__ import annotations

from tests.gateway import gateway
from tests.upstream import upstream


async def test_fifty_operations_are_accepted_and_one_more_is_refused() -> None:
    """Validation walks through each of them."""
    async with upstream([]) as wethod, gateway(wethod.url) as client:
        for count in (50, 51):
            text = " ".join(f"query Q{number} {{ __typename }}" for number in range(count))
            response = await client.graphql(text, operationName="Q7")
            if count == 50:
                assert (response.status_code, response.json()) == (200, {"data": {"__typename": "Query"}})
            else:
                assert (response.status_code, response.json()) == (
                    422,
                    {
                        "errors": [
                            {
                                "message": "The document has more than 50 operations.",
                                "extensions": {"code": "LIMIT_EXCEEDED"},
                            }
                        ]
                    },
                )
