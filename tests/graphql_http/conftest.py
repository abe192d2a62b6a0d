"""The gateway with its defaults, in front of a Wethod that deletes every contact."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gateway import gateway
from tests.upstream import answer, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.gateway import GatewayClient
    from tests.upstream import Upstream


@pytest.fixture(scope="module")
async def running_wethod() -> AsyncIterator[Upstream]:
    """A Wethod that deletes every contact."""
    async with upstream([answer(200)]) as running:
        yield running


@pytest.fixture(scope="module")
async def client(running_wethod: Upstream) -> AsyncIterator[GatewayClient]:
    """The gateway with its defaults."""
    async with gateway(running_wethod.url) as running:
        yield running


@pytest.fixture
def wethod(running_wethod: Upstream) -> Upstream:
    """The same Wethod with an empty record of requests."""
    running_wethod.asked.clear()
    return running_wethod
