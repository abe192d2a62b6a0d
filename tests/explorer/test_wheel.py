"""The built wheel, in an environment without the source tree."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.explorer.page import STATIC
from tests.commands import serving
from tests.explorer.browser import browse
from tests.explorer.example_page import browse_example
from tests.system_parts import require

if TYPE_CHECKING:
    from playwright.async_api import Browser

ROOT = Path(__file__).parents[2]
MEBIBYTE = 1024 * 1024
PATH = {"PATH": "/usr/bin:/bin"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("GraphiQL's bundle (scripts/explorer)", present=STATIC.is_dir())
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel in it, and its dependencies within reach."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    install = [*pip, "install", "-qq", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=120)
    # Locked dependencies are those of this environment; the tree's own packages are not in its site-packages.
    site = next((folder / "lib").glob("python*/site-packages"))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder


def test_the_wheel_holds_the_bundle_and_not_its_source(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    static = [name for name in names if name.startswith("app/explorer/static/")]
    assert {"app/explorer/static/index.html", "app/explorer/static/licenses.md"} <= set(static)
    assert {f"app/sandbox/example/{name}" for name in ("index.html", "page.css", "page.js")} <= set(names)
    assert len([name for name in static if name.endswith(".js.gz")]) >= 10
    assert {name.split("/")[0] for name in names} == {"app", "schema", wheel.name.rsplit("-py3", 1)[0] + ".dist-info"}
    assert not [name for name in names if "/web/" in name or "node_modules" in name]
    assert wheel.stat().st_size < 5 * MEBIBYTE


def test_the_environment_uses_the_packages_of_the_wheel(environment: Path, tmp_path: Path) -> None:
    """Otherwise the other tests here would test the source tree."""
    command: list[str | Path] = [
        environment / "bin/python",
        "-c",
        "import app, schema; print(app.__file__); print(schema.__file__)",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env=PATH, check=True, capture_output=True, encoding="utf-8", timeout=60
    )
    assert [Path(line).is_relative_to(environment) for line in done.stdout.splitlines()] == [True, True]


async def test_both_pages_open_from_the_wheel_alone(environment: Path, browser: Browser, tmp_path: Path) -> None:
    command = f"{environment}/bin/wethod-graphql serve --sandbox --port 0"
    with serving(command, tmp_path, {}) as url:
        async with browse(browser, url) as explorer:
            await explorer.open()
            answer = await explorer.run()
            assert answer["data"]["deleteContact"]["__typename"] == "DeleteContactSuccess"
            explorer.assert_no_warnings()
        async with browse_example(browser, url) as example:
            assert (await example.delete("Bruno Berger")).label == "Deleted"
            example.assert_no_warnings()
