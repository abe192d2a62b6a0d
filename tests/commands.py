"""The commands that the documents show, and a shell to run them in as a reader would."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "deploy/**/*.md", "tests/*/README.md")
    for path in ROOT.glob(pattern)
    if "node_modules" not in path.parts
)
SHELLS = "sh|bash|shell|console"
PROGRAMS = r"(?:wethod-graphql|python -m app|docker|helm|kubectl) |scripts/[a-z-]+"

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(rf"`((?:[A-Z_]+=\S+ )*(?:{PROGRAMS})[^`\n]*)`")


@dataclass(frozen=True, slots=True)
class Command:
    document: str
    line: str


def commands_of(path: Path) -> list[Command]:
    """Each line of a document's shell blocks, comments and outputs aside, and each command in its sentences."""
    text = path.read_text(encoding="utf-8")
    found: list[str] = []
    for language, block in _FENCE.findall(text):
        lines = block.replace("\\\n", " ").splitlines()
        if language == "console":
            found += [line[2:] for line in lines if line.startswith("$ ")]
        elif re.fullmatch(SHELLS, language):
            found += [re.sub(r"(^|\s+)# .*$", "", line).strip() for line in lines]
    found += _INLINE.findall(_FENCE.sub("", text))
    name = str(path.relative_to(ROOT))
    return [Command(name, line) for line in dict.fromkeys(found) if line]


def shell_environment(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a reader's shell: this Python's commands are on PATH, and no setting of the gateway is set."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("WETHOD_", "GATEWAY_", "OTEL_", "PYTEST_", "COV_")) and name not in {"VENV", "PYTHON"}
    }
    return clean | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **more}


def run(line: str, folder: Path, environ: Mapping[str, str] | None = None) -> str:
    """Run a command, which must succeed, and return its output."""
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=shell_environment(environ or {}),
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout


@contextlib.contextmanager
def serving(line: str, folder: Path, environ: Mapping[str, str], *, seconds: float = 300) -> Iterator[str]:
    """Run a command that serves, yield the URL that it prints, and stop it by SIGTERM, on which it must exit with 0."""
    with (folder / "stderr").open("w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            # `exec` makes the signal the command's own, as a terminal's or a supervisor's is.
            ["timeout", "--foreground", "--kill-after=30", str(seconds), "bash", "-c", f"exec env {line}"],
            cwd=folder,
            env=shell_environment({"GATEWAY_DRAIN_DELAY_SECONDS": "0", **environ}),
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        try:
            yield _address(process, Path(log.name))
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, Path(log.name).read_text(encoding="utf-8")
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(30)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    while True:
        text = log.read_text(encoding="utf-8")
        if match := re.search(r"listens on (http://[\d.]+:\d+)", text):
            return match[1]
        # `timeout` bounds this loop.
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = process.wait(0.1)
            raise AssertionError(f"it ended with {code}: {text}")


def local_wheels() -> dict[str, str]:
    """Settings of pip for an install from the wheels of ``scripts/prepare``.

    Empty where there are none, and where Node would be installed too, which is not among them.
    """
    wheels = ROOT / ".wheels"
    there = (wheels / "installed.lock").is_file() and shutil.which("npm") is not None
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)} if there else {}


def fresh_copy(folder: Path) -> Path:
    """Copy the sources into a folder, as a clone has them, and GraphiQL's bundle: nothing is installed."""
    ignored = shutil.ignore_patterns(
        ".git", ".venv*", ".wheels", ".*_cache", "__pycache__", "node_modules", "dist", ".coverage*"
    )
    return Path(shutil.copytree(ROOT, folder / "wethod-graphql", ignore=ignored))
