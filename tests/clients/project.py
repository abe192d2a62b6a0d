"""The npm project of these tests, built once: generated code, type-checked recipes, compiled checks."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from graphql import build_schema, introspection_from_schema

from tests.system_parts import require_packages

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).parent
SOURCES = (
    "package.json",
    "codegen.ts",
    "apollo-manifest.config.json",
    "relay.config.json",
    "relay_transform.mjs",
    "tsconfig.json",
)
FOLDERS = ("recipes", "relay", "checks")
STEP_SECONDS = 120


class StepError(Exception):
    """A command failed; the message is its output."""


@dataclass(frozen=True, slots=True)
class Project:
    """A copy of the project outside the tree, so that generated files stay out of the tree.

    Attributes:
        folder: the folder of the copy.
    """

    folder: Path

    async def run(self, *command: str, environ: Mapping[str, str] | None = None) -> str:
        """Run one command in it, and return its output.

        Raises:
            StepError: the command failed.
        """
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self.folder,
            env={**os.environ, **(environ or {})},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(), STEP_SECONDS)
        finally:
            if process.returncode is None:
                process.kill()
        text = said.decode()
        if process.returncode:
            raise StepError(f"{' '.join(command)}:\n{text}")
        return text

    async def generate(self) -> None:
        """Generate typed documents and the manifests with graphql-codegen and Apollo's tool."""
        await self.run(self._program("graphql-codegen"), "--config", "codegen.ts")
        await self.run(self._program("generate-persisted-query-manifest"), "--config", "apollo-manifest.config.json")

    async def compile_relay(self, config: str) -> None:
        """Relay's artifacts, by a configuration of that name."""
        await self.run(self._program("relay-compiler"), config)

    async def compile(self) -> None:
        """Compile everything to JavaScript, strictly typed; Relay's artifacts replace its documents, as in bundlers."""
        modules = sorted(str(path) for path in self.folder.glob("relay*/delete*.ts"))
        # Without this the plugin adds a check that is for developers alone.
        await self.run("node", "relay_transform.mjs", *modules, environ={"NODE_ENV": "production"})
        await self.run(self._program("tsc"), "--project", ".")

    def _program(self, name: str) -> str:
        return str(HERE / "node_modules" / ".bin" / name)


def copy_project(folder: Path, sdl: str) -> Project:
    """A copy with the schema, as SDL and as JSON, and without generated files."""
    modules = require_packages(HERE)
    for name in SOURCES:
        shutil.copy(HERE / name, folder)
    for name in FOLDERS:
        shutil.copytree(HERE / name, folder / name)
    (folder / "node_modules").symlink_to(modules)
    (folder / "schema.graphql").write_text(sdl, encoding="utf-8")
    introspection = json.dumps(introspection_from_schema(build_schema(sdl)))
    (folder / "schema.json").write_text(introspection, encoding="utf-8")
    return Project(folder)
