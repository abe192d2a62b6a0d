"""What a test needs of the machine beyond Python: skipped by name where it is missing, never in CI."""

from __future__ import annotations

import os
import socket

import pytest


def require(part: str, *, present: bool) -> None:
    """Go on if the part is present; else skip the test with the part's name, or fail it where ``CI`` is ``true``."""
    if present:
        return
    reason = f"needs {part}"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and in CI nothing may be skipped", pytrace=False)
    pytest.skip(reason)


def require_ipv6() -> None:
    """Go on if there is a loopback address of IPv6."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        require("a loopback address of IPv6", present=False)
