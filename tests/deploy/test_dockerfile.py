"""The Dockerfile's commands, run in an empty folder, and their result, run as the image runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from app.sandbox import serve_sandbox
from tests.commands import serving
from tests.deploy.dockerfile import build, relocated, stages
from tests.support import free_port
from tests.system_parts import require, require_node

if TYPE_CHECKING:
    from collections.abc import Iterator

LAST = stages()[-1]
UNPRIVILEGED = "setpriv --reuid 10001 --regid 10001 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs"


def _runs_for_others(python: str) -> bool:
    return subprocess.run([*UNPRIVILEGED.split(), python, "-c", ""], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    """The folder for the image's root. Other users may not enter pytest's own folders."""
    require_node()
    with tempfile.TemporaryDirectory(prefix="wethod-graphql-image-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        build(folder)
        yield folder


def test_the_last_stage_copies_only_the_environment() -> None:
    copies = [arguments for name, arguments in LAST.instructions if name == "COPY"]
    assert copies == ["--from=build /venv /venv"]
    order = [name for name, _ in LAST.instructions]
    assert order.index("RUN") < order.index("USER")
    assert LAST.last("USER") == "10001:10001"


def test_the_environment_has_no_build_tools_and_no_tests(image: Path) -> None:
    names = {path.name for path in (image / "venv" / "bin").iterdir()}
    assert "wethod-graphql" in names
    assert not {name for name in names if name.startswith(("pip", "gcc", "cc", "node", "npm"))}
    (site,) = (image / "venv" / "lib").glob("python*/site-packages")
    packages = {path.name for path in site.iterdir()}
    assert {"app", "schema"} <= packages
    assert not packages & {"pip", "setuptools", "tests", "pytest", "hatchling"}
    assert (site / "app" / "explorer" / "static" / "index.html").is_file()
    weight = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    assert weight < 80 * 1024 * 1024, weight


def test_the_entry_point_serves_and_the_health_check_passes(image: Path, tmp_path: Path) -> None:
    """As the image's user, on a read-only root."""
    require("root, unshare and setpriv", present=os.geteuid() == 0 and bool(shutil.which("unshare")))
    require("a Python that another user may run", present=_runs_for_others(sys._base_executable))  # type: ignore[attr-defined]  # noqa: SLF001 - what a venv is of
    command = [*json.loads(LAST.last("ENTRYPOINT")), *json.loads(LAST.last("CMD"))]
    check = json.loads(LAST.last("HEALTHCHECK").partition(" CMD ")[2])
    environment = {name: relocated(value, image) for name, value in LAST.environment().items()}
    environment["PATH"] = environment["PATH"].replace("$PATH", os.environ["PATH"])
    assert environment["GATEWAY_HOST"] == "0.0.0.0"
    environment |= {"GATEWAY_HOST": "127.0.0.1", "GATEWAY_PORT": str(free_port())}
    program = shutil.which(command[0], path=environment["PATH"])
    assert program == str(image / "venv" / "bin" / "wethod-graphql")
    closed = f"unshare -m sh -c 'mount -o remount,bind,ro / && exec {UNPRIVILEGED} {' '.join(command)}'"
    with serve_sandbox() as wethod:
        with serving(closed, tmp_path, {"WETHOD_BASE_URL": wethod, **environment}) as url:
            headers = {"Authorization": "Bearer demo-editor", "Wethod-Company": "acme"}
            query = "mutation { deleteContact(id: 1) { __typename } }"
            answer = httpx.post(f"{url}/graphql", json={"query": query}, headers=headers)
            assert answer.json() == {"data": {"deleteContact": {"__typename": "DeleteContactSuccess"}}}
            assert healthy(check, environment | {"HTTP_PROXY": "http://127.0.0.1:1"})
        assert not healthy(check, environment)


def test_the_health_check_uses_the_default_port_if_the_setting_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the gateway does. Port 8000 of this machine may be taken, so nothing is sent."""
    urls: list[str] = []
    monkeypatch.setattr("urllib.request.OpenerDirector.open", lambda _, url, **__: urls.append(url))
    monkeypatch.setenv("GATEWAY_PORT", "")
    exec(json.loads(LAST.last("HEALTHCHECK").partition(" CMD ")[2])[2], {})  # noqa: S102 - it is our own code
    assert urls == ["http://127.0.0.1:8000/health/ready"]


def healthy(check: list[str], environment: dict[str, str]) -> bool:
    program = shutil.which(check[0], path=environment["PATH"])
    assert program is not None
    return subprocess.run([program, *check[1:]], env=environment, capture_output=True, check=False).returncode == 0
