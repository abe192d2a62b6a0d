"""A caller whose deletes are slow does not block other callers."""

from __future__ import annotations

import asyncio

from tests.gateway import HEADERS, gateway
from tests.outcomes.outcomes import TRANSPORTS, success, unavailable
from tests.upstream import HANGING, Answer, Asked, answer, upstream

OTHER = HEADERS | {"Authorization": "Bearer another", "Wethod-Company": "globex"}


def for_acme_only(asked: Asked) -> Answer:
    return HANGING if asked.header("wethod-company") == b"acme" else answer(200)


@TRANSPORTS
async def test_slow_deletes_of_one_token_leave_connections_for_others(transport: str) -> None:
    environ = {"WETHOD_TRANSPORT": transport, "WETHOD_MAX_CONNECTIONS": "8", "WETHOD_TIMEOUT_SECONDS": "3"}
    async with upstream(for_acme_only) as wethod, gateway(wethod.url, environ) as client:
        slow = [asyncio.create_task(client.delete(str(i))) for i in range(1, 31)]
        await wethod.asked_for(6)
        outcomes = await asyncio.gather(*(client.delete(str(i), OTHER) for i in range(101, 121)))
        assert [outcome["__typename"] for outcome in outcomes] == ["DeleteContactSuccess"] * 20
        members = [outcome["__typename"] for outcome in await asyncio.gather(*slow)]
        assert members.count("WethodOutcomeUnknownError") == 6
        assert members.count("WethodUnavailableError") == 24


@TRANSPORTS
async def test_no_connection_in_time_has_a_message_of_its_own(transport: str) -> None:
    """Wethod could be reached."""
    environ = {"WETHOD_TRANSPORT": transport, "WETHOD_MAX_CONNECTIONS": "1"}
    async with upstream(for_acme_only) as wethod, gateway(wethod.url, environ) as client:
        slow = asyncio.create_task(client.delete("7"))
        await wethod.asked_for(1)
        # A connection must be free within two seconds; the first delete keeps it for ten.
        assert await client.delete("2", OTHER) == unavailable(
            "No connection to Wethod became free in time. "
            "Nothing was sent and nothing was deleted; it is safe to repeat.",
        )
        wethod.script = [answer(200)]
        wethod.hang_up()
        assert await slow == success()


async def test_deletes_of_one_token_leave_places_for_others() -> None:
    environ = {"GATEWAY_MAX_IN_FLIGHT": "4", "WETHOD_TIMEOUT_SECONDS": "1.5"}
    async with upstream(for_acme_only) as wethod, gateway(wethod.url, environ) as client:
        slow = [asyncio.create_task(client.delete(str(i))) for i in range(1, 4)]
        await wethod.asked_for(3)
        assert await client.delete("4") == unavailable(
            "Too many deletes of this token are in progress here. "
            "Nothing was sent and nothing was deleted; repeat later.",
            "overloaded",
        )
        assert await client.delete("7", OTHER) == success()
        await asyncio.gather(*slow)
