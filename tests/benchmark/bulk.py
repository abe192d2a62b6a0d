"""One `deleteContacts` of 100 ids beside five requests of 20 aliases, at a Wethod that takes 50 ms.

``python -m tests.benchmark.bulk`` prints the medians of five rounds. Gateway, Wethod and client share one process.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from typing import TYPE_CHECKING

from tests.gateway import gateway
from tests.upstream import Answer, answer, upstream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.gateway import GatewayClient

IDS = 100
ALIASES = 20
ROUNDS = 5
SLOW = Answer(answer(200).data, delay_seconds=0.05)

_IDS = itertools.count(1)
"""No two calls have the same id, so that none is shared."""
_SELECTION = "{ __typename ... on WethodError { key message } }"
_MANY = f"mutation ($ids: [ID!]!) {{ deleteContacts(ids: $ids) {{ id result {_SELECTION} }} }}"


async def many(client: GatewayClient) -> None:
    """Delete all in one field."""
    response = await client.graphql(_MANY, {"ids": [str(next(_IDS)) for _ in range(IDS)]})
    assert response.text.count("DeleteContactSuccess") == IDS


async def aliases(client: GatewayClient) -> None:
    """Delete some by aliases of one request."""
    fields = " ".join(f"d{i}: deleteContact(id: {next(_IDS)}) {_SELECTION}" for i in range(ALIASES))
    response = await client.graphql(f"mutation {{ {fields} }}")
    assert response.text.count("DeleteContactSuccess") == ALIASES


async def one_after_the_other(client: GatewayClient) -> None:
    """Delete all by requests of aliases, one after the other."""
    for _ in range(IDS // ALIASES):
        await aliases(client)


async def all_at_once(client: GatewayClient) -> None:
    """Delete all by requests of aliases at the same time."""
    await asyncio.gather(*(aliases(client) for _ in range(IDS // ALIASES)))


async def milliseconds(concurrency: int, way: Callable[[GatewayClient], Awaitable[None]]) -> float:
    """The median time of a way."""
    async with upstream([SLOW]) as wethod, gateway(wethod.url, {"WETHOD_BULK_CONCURRENCY": str(concurrency)}) as client:
        times = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            await way(client)
            times.append(time.perf_counter() - started)
    return statistics.median(times) * 1_000


if __name__ == "__main__":
    for name, concurrency, way in (
        ("deleteContacts, 4 at a time", 4, many),
        ("deleteContacts, 20 at a time", 20, many),
        ("five requests of 20 aliases, one after the other", 4, one_after_the_other),
        ("five requests of 20 aliases, all at once", 4, all_at_once),
    ):
        print(f"{name:<52}{asyncio.run(milliseconds(concurrency, way)):>8.0f} ms", flush=True)
