"""The project never reads a file or a program's output in the encoding of the locale."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
ENCODING_POSITION = {"read_text": 0, "write_text": 1}


def sources() -> Iterator[Path]:
    yield ROOT / "hatch_build.py"
    for folder in ("app", "schema", "tests", "scripts"):
        for path in (ROOT / folder).rglob("*.py"):
            if not {"node_modules", ".venv"} & set(path.parts):
                yield path


def depends_on_the_locale(call: ast.Call) -> bool:
    """Return true if a call reads or writes text without an encoding."""
    given = {keyword.arg for keyword in call.keywords}
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name in ENCODING_POSITION:
        return "encoding" not in given and len(call.args) <= ENCODING_POSITION[name]
    if name == "open" and isinstance(call.func, ast.Name):
        mode = call.args[1] if len(call.args) > 1 else ast.Constant("r")
        return "encoding" not in given and not (isinstance(mode, ast.Constant) and "b" in str(mode.value))
    return "text" in given and "encoding" not in given and name in {"run", "Popen", "check_output"}


def test_every_call_names_its_encoding() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call) and depends_on_the_locale(node)
    ]
    assert found == []


def test_the_schema_prints_in_a_legacy_locale() -> None:
    environ = os.environ | {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    command = [sys.executable, "-X", "warn_default_encoding", "-W", "error::EncodingWarning", "-m", "app", "schema"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == (ROOT / "schema" / "schema.graphql").read_bytes()
