"""The engine is independent of the operation: nothing in ``app`` names a contact or a delete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXEMPT = ("app/sandbox/", "app/explorer/", "app/settings.py", "app/cli.py")
"""The sandbox, the explorer's example, the settings, and the texts of the command line."""

ALLOWED = re.compile(r"gateway_max_deletes|GATEWAY_MAX_DELETES|\bDELETE\b")
"""Reads of a setting, its name in a message, and the HTTP method."""

NAMED = re.compile(r"contact|delet", re.IGNORECASE)
MODULES = [path for path in sorted((ROOT / "app").rglob("*.py")) if not str(path.relative_to(ROOT)).startswith(EXEMPT)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_engine_names_no_contact_and_no_delete(path: Path) -> None:
    """A second operation must change nothing here."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if NAMED.search(ALLOWED.sub("", line))] == []
