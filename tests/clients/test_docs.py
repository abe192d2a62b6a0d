"""docs/clients.md shows the recipes that the tests run, all of them, to the letter."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from schema.sdl import api_sdl
from tests.clients.project import HERE

ROOT = HERE.parent.parent
TEXT = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^<!-- (tests/clients/\S+) -->\n```\w+\n(.*?)\n```$", TEXT, re.MULTILINE | re.DOTALL))
SHOWN = sorted(
    str(path.relative_to(ROOT))
    for path in (
        *(HERE / "recipes").glob("*.*"),
        *(HERE / "relay").glob("delete*.ts"),
        HERE / "codegen.ts",
        *HERE.glob("*.config.json"),
    )
)


def test_the_document_shows_every_recipe_and_nothing_else() -> None:
    assert sorted(BLOCKS) == SHOWN


@pytest.mark.parametrize("name", SHOWN)
def test_a_recipe_is_shown_unchanged(name: str) -> None:
    """If this fails, copy the file into the document."""
    assert f"{BLOCKS[name]}\n" == (ROOT / name).read_text(encoding="utf-8")


def test_the_schema_of_the_recipes_is_the_printed_one() -> None:
    assert "wethod-graphql schema --api > schema.graphql" in TEXT
    printed = subprocess.run(
        [sys.executable, "-m", "app", "schema", "--api"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    )
    assert printed.stdout == api_sdl()
