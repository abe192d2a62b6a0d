"""What a test needs of the machine beyond Python: skipped by name where it is missing, never in CI."""

from __future__ import annotations

import os

import pytest


def require(part: str, *, present: bool) -> None:
    """Go on if the part is present; else skip the test with the part's name, or fail it where ``CI`` is ``true``."""
    if present:
        return
    reason = f"needs {part}"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and in CI nothing may be skipped", pytrace=False)
    pytest.skip(reason)
