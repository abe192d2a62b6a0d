"""Imports run one way."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent


def imported_packages(folder: str) -> set[str]:
    """The top-level packages that the modules of a folder import."""
    found: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found


def test_the_schema_imports_nothing_of_the_app() -> None:
    """``app`` sees ``schema``; ``schema`` sees Wethod through its Protocol alone."""
    assert "app" not in imported_packages("schema")
    assert "schema" in imported_packages("app")


def test_nothing_shipped_imports_the_tests() -> None:
    """The distribution installs ``app`` and ``schema`` and needs nothing else of the tree."""
    assert "tests" not in imported_packages("app") | imported_packages("schema")
