"""Plain and TLS connections for the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.certificates import Certificate, authority

if TYPE_CHECKING:
    import ssl


@pytest.fixture(params=[False, True], ids=["plain", "tls"], name="tls")
def choose_tls(request: pytest.FixtureRequest) -> ssl.SSLContext | None:
    """Run over plain connections, and over TLS with a valid certificate."""
    return authority().server(Certificate.VALID) if request.param else None
