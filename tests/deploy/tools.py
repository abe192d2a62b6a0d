"""Helm, Kubernetes' schemas and the compose specification, in an environment of their own: .venv-deploy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.system_parts import require, require_environment

ROOT = Path(__file__).parents[2]


def judge(chart: Path, cases: dict[str, dict[str, Any]], compose: str) -> dict[str, Any]:
    require("Linux, for which Helm's library is built", present=sys.platform == "linux")
    programs = require_environment(ROOT / ".venv-deploy", ROOT / "requirements-deploy.lock")
    done = subprocess.run(
        [programs / "python", Path(__file__).with_name("rendering.py")],
        input=json.dumps({"chart": str(chart), "cases": cases, "compose": compose}),
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
