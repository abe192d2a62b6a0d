"""The composers and routers that every test here needs."""

from __future__ import annotations

import pytest

from tests.federation.composition import FOLDER
from tests.node import require_packages


@pytest.fixture(scope="session", autouse=True)
def packages() -> None:
    """Install the packages that the lock of this folder names."""
    require_packages(FOLDER)
