"""Helm, Kubernetes' schemas and the compose specification, in an environment of their own: .venv-deploy."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from tests.system_parts import require

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements-deploy.lock"
ENVIRONMENT = ROOT / ".venv-deploy"
INSTALL_SECONDS = 900


@cache
def tools_python() -> Path:
    """The Python of the tools, installed by their lock unless they are there."""
    require("Linux, for which Helm's library is built", present=sys.platform == "linux")
    python, stamp = ENVIRONMENT / "bin" / "python", ENVIRONMENT / ".lock.sha256"
    digest = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != digest:
        subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True, timeout=INSTALL_SECONDS)
        install: list[str | Path] = [
            python,
            "-m",
            "pip",
            "install",
            "-qq",
            "--disable-pip-version-check",
            "--require-hashes",
            "-r",
            LOCK,
        ]
        done = subprocess.run(install, capture_output=True, encoding="utf-8", timeout=INSTALL_SECONDS, check=False)
        assert done.returncode == 0, done.stderr
        stamp.write_text(digest, encoding="utf-8")
    return python


def judge(chart: Path, cases: dict[str, dict[str, Any]], compose: str) -> dict[str, Any]:
    """What the tools say: see ``rendering``."""
    done = subprocess.run(
        [tools_python(), Path(__file__).with_name("rendering.py")],
        input=json.dumps({"chart": str(chart), "cases": cases, "compose": compose}),
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
