"""Settings of hypothesis, the event loop of every test, and the tests that run in one process one after the other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None, max_examples=60)
settings.register_profile("thorough", deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

HERE = Path(__file__).parent
GROUPS = {
    "deployment": ("deploy", "test_commands.py"),
    "routers": ("federation",),
    "clients": ("clients", "graphql_http/test_audits.py"),
    "browser": ("explorer",),
    "load": ("scale", "benchmark"),
    "attacks": ("attack",),
    "faults": ("faults/test_front_door.py",),
}
"""Group: folders and files. Each needs something costly, such as a browser, a router or a table of all findings.

Groups start first, the longest at the top, so that no process is left with one at the end.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put each group into one process of pytest-xdist, and start with the groups."""
    order = list(GROUPS)
    groups = [_group_of(item.path) for item in items]
    for item, group in zip(items, groups, strict=True):
        if group is not None:
            item.add_marker(pytest.mark.xdist_group(group))
    ranks = [len(order) if group is None else order.index(group) for group in groups]
    items[:] = [item for _, item in sorted(zip(ranks, items, strict=True), key=lambda pair: pair[0])]


def _group_of(path: Path) -> str | None:
    return next(
        (name for name, places in GROUPS.items() if any(path.is_relative_to(HERE / place) for place in places)), None
    )


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The event loop that the gateway runs on in production."""
    return "asyncio", {"use_uvloop": True}
