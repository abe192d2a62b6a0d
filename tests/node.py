"""Node and the packages of a folder's lock, for tests that run what frontends and routers run."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.system_parts import require

if TYPE_CHECKING:
    from pathlib import Path

OLDEST_NODE = (20, 19)
INSTALL_SECONDS = 300


def require_packages(folder: Path) -> Path:
    """Install the packages of a folder's lock, unless they are there; the path of its node_modules.

    Skips the test, or in CI fails it, where there is no Node of at least 20.19 with npm.
    """
    require(f"Node >= {'.'.join(map(str, OLDEST_NODE))} with npm", present=node_version() >= OLDEST_NODE)
    modules = folder / "node_modules"
    stamp = modules / ".lock.sha256"
    digest = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != digest:
        done = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            timeout=INSTALL_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        stamp.write_text(digest, encoding="utf-8")
    return modules


def node_version() -> tuple[int, ...]:
    """The version of the Node on PATH; zeros where Node or npm is missing."""
    if not shutil.which("node") or not shutil.which("npm"):
        return (0,)
    shown = subprocess.run(["node", "--version"], capture_output=True, encoding="utf-8", check=True).stdout
    return tuple(int(part) for part in shown.strip().removeprefix("v").split(".")[:2])
