"""The composers and routers that every test here needs."""

from __future__ import annotations

import pytest

from tests.federation.composition import FOLDER
from tests.node import require_packages


@pytest.fixture(scope="session", autouse=True)
def packages() -> None:
    """What the lock of this folder names, installed."""
    require_packages(FOLDER)
