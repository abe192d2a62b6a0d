"""The built distribution, in an environment that has nothing of the source tree."""

from __future__ import annotations

import asyncio
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
from tests.system_parts import require

if TYPE_CHECKING:
    from playwright.async_api import Browser

ROOT = Path(__file__).parents[2]
MEBIBYTE = 1024 * 1024
# Nothing but what the wheel installs; prints where its packages are, then where it listens.
PROGRAM = """
import asyncio, pathlib, uvicorn, app, schema
from app.main import create_app
from app.sandbox.server import serve_sandbox
from app.server.context import WorkerContext
from app.settings import load

async def main():
    print(pathlib.Path(app.__file__).parents[1], pathlib.Path(schema.__file__).parents[1], flush=True)
    async with serve_sandbox() as wethod:
        settings = load({"WETHOD_BASE_URL": wethod, "GATEWAY_AUDIT_LOG": "off", "WETHOD_TRANSPORT": "httpx"})
        context = WorkerContext(settings=settings, audit_key=b"a key for tests only", sandbox=True)
        context.lifecycle.state = "serving"
        server = uvicorn.Server(uvicorn.Config(create_app(context), port=0, log_config=None, ws="none"))
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        print(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", flush=True)
        await serving

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as an installer would."""
    require("GraphiQL's bundle (python hatch_build.py)", present=STATIC.is_dir())
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
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def test_the_wheel_holds_the_bundle_and_not_its_source(wheel: Path) -> None:
    """GraphiQL, its licenses, nothing to build from, and no more than it must weigh."""
    names = zipfile.ZipFile(wheel).namelist()
    static = [name for name in names if name.startswith("app/explorer/static/")]
    assert {"app/explorer/static/index.html", "app/explorer/static/licenses.md"} <= set(static)
    assert len([name for name in static if name.endswith(".js.br")]) >= 10
    assert {name.split("/")[0] for name in names} == {"app", "schema", wheel.name.rsplit("-py3", 1)[0] + ".dist-info"}
    assert not [name for name in names if "/web/" in name or "node_modules" in name]
    assert wheel.stat().st_size < 5 * MEBIBYTE


async def test_graphiql_opens_from_the_wheel_alone(environment: Path, browser: Browser, tmp_path: Path) -> None:
    """Installed where nothing of the source tree is in reach, the gateway serves the page and a first run works."""
    program = await asyncio.create_subprocess_exec(
        environment / "bin/python", "-c", PROGRAM, cwd=tmp_path, stdout=subprocess.PIPE, env={"PATH": "/usr/bin:/bin"}
    )
    assert program.stdout
    try:
        async with asyncio.timeout(60):
            packages = (await program.stdout.readline()).decode().split()
            origin = (await program.stdout.readline()).decode().strip()
        assert {Path(folder).is_relative_to(environment) for folder in packages} == {True}
        async with browse(browser, origin) as explorer:
            await explorer.open(f"{origin}/graphql")
            answer = await explorer.run()
            assert answer["data"]["deleteContact"]["__typename"] == "DeleteContactSuccess"
            explorer.assert_content()
    finally:
        program.terminate()
        await program.wait()
