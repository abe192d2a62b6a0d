"""Settings of hypothesis, the event loop, the groups of tests, and fixtures: TLS or none, a Wethod, a gateway."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.faults.certificates import Certificate, authority
from tests.gateway import gateway
from tests.upstream import answer, upstream

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from tests.gateway import GatewayClient
    from tests.upstream import Upstream

# A busy machine must fail no test: neither the time of an example nor that of its generation counts.
TIMELESS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", TIMELESS, max_examples=60)
settings.register_profile("thorough", TIMELESS, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

GROUPS = {
    "browser": ("tests/explorer/",),
    "deployment": ("tests/deploy/", "tests/test_commands.py"),
    "routers": ("tests/federation/",),
    "clients": ("tests/clients/", "tests/graphql_http/test_audits.py"),
    "load": ("tests/scale/", "tests/benchmark/"),
}
"""Group: folders and files. Each needs something costly, such as a browser or a router, which only one process starts.

Groups start first, the longest at the top, so that no process is left with one at the end.
"""


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Give each process of pytest-xdist a whole group, or a whole file, at a time.

    Its own ``--dist loadgroup`` gives every test to any process with pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _group_of(nodeid) or nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> GroupScheduling:
    return GroupScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = [*GROUPS, None]
    items.sort(key=lambda item: order.index(_group_of(item.nodeid)))


def _group_of(nodeid: str) -> str | None:
    return next((name for name, places in GROUPS.items() if nodeid.startswith(places)), None)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The event loop that the gateway runs on in production."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(params=[False, True], ids=["plain", "tls"], name="tls")
def choose_tls(request: pytest.FixtureRequest) -> ssl.SSLContext | None:
    """Run over plain connections, and over TLS with a valid certificate."""
    return authority().server(Certificate.VALID) if request.param else None


@pytest.fixture(scope="module")
async def running_wethod() -> AsyncIterator[Upstream]:
    """A Wethod that deletes every contact, for all tests of a module."""
    async with upstream([answer(200)]) as running:
        yield running


@pytest.fixture
def wethod(running_wethod: Upstream) -> Upstream:
    """The same Wethod with an empty record of requests."""
    running_wethod.asked.clear()
    return running_wethod


@pytest.fixture(scope="module")
async def client(running_wethod: Upstream) -> AsyncIterator[GatewayClient]:
    """The gateway with its defaults, before that Wethod."""
    async with gateway(running_wethod.url) as running:
        yield running
