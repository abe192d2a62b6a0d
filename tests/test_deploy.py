"""The deployment files agree with the code: names of settings, order of timeouts, no name of a registry."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from app import __version__
from app.server.config import EXIT_SECONDS, GRACE_SECONDS, SHUTDOWN_SECONDS
from app.settings import Settings
from tests.system_parts import require

ROOT = Path(__file__).parent.parent
CHART = ROOT / "deploy" / "helm" / "wethod-graphql"
KNOWN = {name.upper() for name in Settings.model_fields}
FILES = sorted(
    path
    for folder in ("deploy", "docs", ".github")
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and path.suffix in {".yaml", ".yml", ".md", ".tpl", ".json"} and "node_modules" not in path.parts
)


@pytest.mark.parametrize("path", [*FILES, ROOT / "Dockerfile"], ids=lambda path: str(path.relative_to(ROOT)))
def test_only_settings_that_exist_are_named(path: Path) -> None:
    named = set(
        re.findall(r"(?<![A-Z_$])(?:WETHOD|GATEWAY)_[A-Z]+(?:_[A-Z]+)*\b(?![*_])", path.read_text(encoding="utf-8"))
    )
    assert named - KNOWN <= {"GATEWAY_URL"}


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_chart_has_the_version_of_the_code() -> None:
    chart = load(CHART / "Chart.yaml")
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


def test_compose_gives_the_gateway_time_to_drain() -> None:
    """tests/deploy checks the chart."""
    compose = load(ROOT / "deploy" / "compose.yaml")
    grace = int(compose["services"]["gateway"]["stop_grace_period"].removesuffix("s"))
    settings = Settings()
    drain = settings.gateway_drain_delay_seconds + settings.gateway_drain_seconds
    assert grace > drain + GRACE_SECONDS + SHUTDOWN_SECONDS + EXIT_SECONDS + 1


def test_the_compose_file_gives_settings_that_are_valid() -> None:
    environment = load(ROOT / "deploy" / "compose.yaml")["services"]["gateway"]["environment"]
    Settings.model_validate({name.lower(): value for name, value in environment.items()})


@pytest.mark.parametrize("name", ["audit.yml", "ci.yml", "release.yml"])
def test_workflows_pin_what_they_run(name: str) -> None:
    path = ROOT / ".github" / "workflows" / name
    workflow = load(path)
    assert workflow["permissions"] in ({}, {"contents": "read"})
    used = re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8"))
    assert used
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) for action in used), used


def test_the_job_that_signs_runs_no_test() -> None:
    """It must have nothing of what the tests install."""
    jobs = load(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    runs = {name: [step.get("run", "") for step in job["steps"]] for name, job in jobs.items()}
    assert jobs["build"]["needs"] == "test"
    assert jobs["test"]["permissions"] == {"contents": "read"}
    assert any(".ci/run" in line for line in runs["test"])
    assert not any(".ci/run" in line or "scripts/test" in line for line in runs["build"])


def test_the_image_runs_without_privileges() -> None:
    last = (ROOT / "Dockerfile").read_text(encoding="utf-8").rpartition("\nFROM ")[2]
    assert "USER 10001:10001" in last
    assert "apt-get" not in last
    assert "pip" not in last
    assert "/health/ready" in last
    assert 'ENTRYPOINT ["wethod-graphql"]' in last


def test_the_dockerfile_passes_its_linter() -> None:
    program = Path(sys.executable).parent / "hadolint"
    require("hadolint", present=program.exists())
    done = subprocess.run([program, ROOT / "Dockerfile"], capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (0, "")
