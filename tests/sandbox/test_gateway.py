"""The outcome of a delete for each token that the sandbox knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.sandbox import serve_sandbox
from tests.gateway import HEADERS, gateway
from tests.outcomes.outcomes import deleted, rejection, unknown
from tests.sandbox.requests import contacts_in
from tests.sandbox.words import NO_PERMISSION, NO_TOKEN

if TYPE_CHECKING:
    from pathlib import Path

# token: (the outcome, true if the contact is gone); globex gets errors without the envelope
OUTCOMES: dict[str, tuple[dict[str, Any], bool]] = {
    "demo-editor": (deleted("107"), True),
    "demo-dropped": (deleted("107", "ABSENCE"), True),
    "demo-slow": (unknown(), True),
    "demo-viewer": (rejection(403, message=NO_PERMISSION), False),
    "demo-throttled": (rejection(429, message="Too many requests.", retryAfterSeconds=30), False),
    "stolen": (rejection(401, message=NO_TOKEN), False),
}


@pytest.mark.parametrize("token", OUTCOMES)
async def test_a_delete_of_the_sandbox_has_its_outcome(tmp_path: Path, token: str) -> None:
    outcome, gone = OUTCOMES[token]
    database = tmp_path / "sandbox.db"
    headers = HEADERS | {"Authorization": f"Bearer {token}", "Wethod-Company": "globex"}
    # A short deadline, so that demo-slow takes a second and not ten.
    environ = {"WETHOD_TIMEOUT_SECONDS": "1", "WETHOD_CONNECT_TIMEOUT_SECONDS": "1"}
    with serve_sandbox(database=database) as url:
        async with gateway(url, environ) as client:
            before = contacts_in(database)
            assert await client.delete("107", headers) == outcome
            assert before - contacts_in(database) == ({("globex", 107)} if gone else set())
