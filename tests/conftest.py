"""Settings of hypothesis, the event loop of every test, and the tests that run in one process one after the other."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

settings.register_profile("default", deadline=None, max_examples=60)
settings.register_profile("thorough", deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

GROUPS = {
    "deployment": ("tests/deploy/", "tests/test_commands.py"),
    "routers": ("tests/federation/",),
    "clients": ("tests/clients/", "tests/graphql_http/test_audits.py"),
    "browser": ("tests/explorer/",),
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
    """Schedule by groups, whatever ``--dist`` says."""
    return GroupScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the groups."""
    order = [*GROUPS, None]
    items.sort(key=lambda item: order.index(_group_of(item.nodeid)))


def _group_of(nodeid: str) -> str | None:
    return next((name for name, places in GROUPS.items() if nodeid.startswith(places)), None)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The event loop that the gateway runs on in production."""
    return "asyncio", {"use_uvloop": True}
