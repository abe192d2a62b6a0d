"""Parts of the machine that a test needs beyond Python. A test without its part is skipped, but fails in CI."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

OLDEST_NODE = (20, 19)


def require(part: str, *, present: bool) -> None:
    """Return if the part is present; else skip the test with the part's name, or fail it if ``CI`` is ``true``."""
    if present:
        return
    reason = f"needs {part}"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and in CI nothing may be skipped", pytrace=False)
    pytest.skip(reason)


def require_ipv6() -> None:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        require("a loopback address of IPv6", present=False)


def require_node() -> None:
    """Require a Node of at least 20.19 with npm on PATH."""
    version: tuple[int, ...] = (0,)
    if shutil.which("node") and shutil.which("npm"):
        shown = subprocess.run(["node", "--version"], capture_output=True, encoding="utf-8", check=True).stdout
        version = tuple(int(part) for part in shown.strip().removeprefix("v").split(".")[:2])
    require(f"Node >= {'.'.join(map(str, OLDEST_NODE))} with npm", present=version >= OLDEST_NODE)


def require_packages(folder: Path) -> Path:
    """Require the packages of a folder's lock, which ``scripts/prepare`` installs; return the path of node_modules."""
    require_node()
    return _require_installed(folder / "node_modules", folder / "package-lock.json")


def require_environment(folder: Path, lock: Path) -> Path:
    """Require the Python environment of a lock, which ``scripts/prepare`` makes; return the path of its programs."""
    return _require_installed(folder, lock) / "bin"


def _require_installed(folder: Path, lock: Path) -> Path:
    installed = folder / "installed.lock"
    current = installed.is_file() and installed.read_bytes() == lock.read_bytes()
    require(f"what scripts/prepare installs by {lock.parent.name}/{lock.name}", present=current)
    return folder
