"""The built distribution, in an environment that has nothing of the source tree."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.explorer.page import STATIC
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
    """The wheel, built as an installer would."""
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
    """GraphiQL, its licenses, nothing to build from, and no more than it must weigh."""
    names = zipfile.ZipFile(wheel).namelist()
    static = [name for name in names if name.startswith("app/explorer/static/")]
    assert {"app/explorer/static/index.html", "app/explorer/static/licenses.md"} <= set(static)
    assert {f"app/sandbox/example/{name}" for name in ("index.html", "page.css", "page.js")} <= set(names)
    assert len([name for name in static if name.endswith(".js.gz")]) >= 10
    assert {name.split("/")[0] for name in names} == {"app", "schema", wheel.name.rsplit("-py3", 1)[0] + ".dist-info"}
    assert not [name for name in names if "/web/" in name or "node_modules" in name]
    assert wheel.stat().st_size < 5 * MEBIBYTE


def test_the_packages_are_the_wheels_own(environment: Path, tmp_path: Path) -> None:
    """The tests below speak of what was installed, not of the source tree."""
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
    """Installed where nothing of the source tree is in reach, the gateway serves them and a first delete works."""
    program = await asyncio.create_subprocess_exec(
        *(environment / "bin/wethod-graphql", "serve", "--sandbox", "--port", "0"),
        cwd=tmp_path,
        env=PATH,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        url = await find_url(program)
        async with browse(browser, url.removesuffix("/graphql")) as explorer:
            await explorer.open(url)
            answer = await explorer.run()
            assert answer["data"]["deleteContact"]["__typename"] == "DeleteContactSuccess"
            explorer.assert_content()
        async with browse_example(browser, url.removesuffix("/graphql")) as example:
            assert (await example.delete("Bruno Berger")).label == "Deleted"
            example.assert_content()
    finally:
        program.terminate()
        await program.communicate()  # reads on, or a full pipe would keep it from ending


async def find_url(program: asyncio.subprocess.Process) -> str:
    """Read the address that a program prints."""
    assert program.stdout
    said = ""
    async with asyncio.timeout(60):
        while line := (await program.stdout.readline()).decode():
            said += line
            if found := re.search(r"listens on (http://\S+)", line):
                return found[1]
    pytest.fail(f"it ended before it listened:\n{said}")
