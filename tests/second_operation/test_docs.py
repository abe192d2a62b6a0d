"""The page that explains how to add an operation shows the code that is tested."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent
PAGE = (ROOT / "docs" / "adding-an-operation.md").read_text(encoding="utf-8")
OPERATIONS = ("update_email.py", "read_contact.py")
CODE = "".join((FOLDER / name).read_text(encoding="utf-8") for name in (*OPERATIONS, "root.py"))


def test_every_block_of_the_page_is_tested_code() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) >= 6
    for block in blocks:
        assert block in CODE, block


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_code_passes_ruff_in_schema(name: str) -> None:
    """Its rules are stricter there than in tests."""
    command = [sys.executable, "-m", "ruff", "check", "--stdin-filename", f"schema/{name}", "-"]
    text = (FOLDER / name).read_text(encoding="utf-8")
    done = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout
