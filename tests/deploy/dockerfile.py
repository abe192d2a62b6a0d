"""A Dockerfile's instructions, and its build in an empty folder, for machines without a container engine.

A path in an instruction is a path in the folder: `/venv` is `FOLDER/venv`. Instructions that would change the
machine itself, the users of the last stage, are left out. pip keeps its cache and installs from local wheels.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.commands import local_wheels

ROOT = Path(__file__).parents[2]
PLACES = ("/usr/local/", "/venv", "/build", "/src")
BUILD_SECONDS = 900


@dataclass(slots=True)
class Stage:
    """One stage: its base, its name, its instructions in order."""

    base: str
    name: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def last(self, keyword: str) -> str:
        """The arguments of an instruction that counts once."""
        return [arguments for name, arguments in self.instructions if name == keyword][-1]

    def environment(self) -> dict[str, str]:
        text = " ".join(arguments for name, arguments in self.instructions if name == "ENV")
        return dict(re.findall(r"(\w+)=(\S+)", text))


def stages() -> list[Stage]:
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    found: list[Stage] = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        keyword, _, arguments = line.partition(" ")
        if keyword == "FROM":
            base, _, name = arguments.partition(" AS ")
            found.append(Stage(base, name))
        elif keyword:
            found[-1].instructions.append((keyword, arguments.strip()))
    return found


def context(folder: Path) -> None:
    """The files that `COPY . .` copies: the sources without those that .dockerignore names."""
    patterns = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()

    def ignored(where: str, names: list[str]) -> set[str]:
        here = Path(where).relative_to(ROOT)
        return {
            name
            for name in names
            for pattern in patterns
            if fnmatch.fnmatchcase(str(here / name), pattern)
            or (pattern.startswith("**/") and fnmatch.fnmatchcase(name, pattern[3:]))
        }

    shutil.copytree(ROOT, folder, ignore=ignored, dirs_exist_ok=True)


def build(folder: Path) -> None:
    """Run the RUN lines of the stage `build` unchanged, except for the place of `/`."""
    (stage,) = [stage for stage in stages() if stage.name == "build"]
    programs = folder / "usr/local/bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys._base_executable)  # type: ignore[attr-defined]  # noqa: SLF001 - what a venv is of
    directory = folder
    for keyword, arguments in stage.instructions:
        words = arguments.split()
        if keyword == "WORKDIR":
            directory = Path(relocated(arguments, folder))
            directory.mkdir(parents=True)
        elif keyword == "RUN":
            keep = {
                name: value for name, value in os.environ.items() if name.lower().startswith(("pip_", "npm_", "home"))
            }
            done = subprocess.run(
                ["sh", "-ec", relocated(arguments.replace(" --no-cache-dir", ""), folder)],
                cwd=directory,
                env=keep | local_wheels() | {"PATH": f"{programs}:/usr/bin:/bin"},
                capture_output=True,
                encoding="utf-8",
                timeout=BUILD_SECONDS,
                check=False,
            )
            assert done.returncode == 0, f"{arguments}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        elif words[0] == "--from=node":
            there = {"bin/node": shutil.which("node"), "lib/node_modules": npm_root()}
            place = words[2].removeprefix("/usr/local/")
            target = folder / "usr/local" / place
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(str(there[place]))
        elif words == [".", "."]:
            context(directory)
        else:
            assert keyword == "COPY", keyword
            assert words[-1] == "./"
            for name in words[:-1]:
                shutil.copy(ROOT / name, directory)


def npm_root() -> str:
    """The directory of Node's global packages on this machine."""
    done = subprocess.run(["npm", "root", "-g"], capture_output=True, encoding="utf-8", check=True)
    return done.stdout.strip()


def relocated(text: str, folder: Path) -> str:
    """A command with the places of the image's root in a folder instead."""
    places = "|".join(re.escape(place) for place in PLACES)
    return re.sub(rf"(?<![\w.])({places})", lambda match: f"{folder}{match[1]}", text)
