"""The composers and routers that every test here needs."""

from __future__ import annotations

import pytest

from tests.federation.composition import FOLDER
from tests.system_parts import require_packages


@pytest.fixture(scope="session", autouse=True)
def packages() -> None:
    """Skip every test here where these are not installed."""
    require_packages(FOLDER)
