"""README agrees with the code: its commands, its members, its example."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from graphql import GraphQLUnionType

from app.sandbox import serve_sandbox
from schema.root import build_schema
from schema.sdl import subgraph_sdl
from tests.gateway import gateway

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_sdl_snapshot_is_up_to_date() -> None:
    """``scripts/schema`` updates it."""
    assert (ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8") == subgraph_sdl()


def test_the_readme_has_a_row_for_every_member() -> None:
    union = build_schema()._schema.type_map["DeleteContactResult"]  # noqa: SLF001
    assert isinstance(union, GraphQLUnionType)
    for member in union.types:
        assert re.search(rf"^\| .*`{member.name}`.* \|$", README, re.MULTILINE), member.name


def test_the_two_commands_are_on_the_first_screen() -> None:
    first = "\n".join(README.splitlines()[:24])
    assert "scripts/demo" in first
    assert "scripts/test" in first
    assert "not affiliated with" in first


def test_every_named_script_and_file_exists() -> None:
    named = set(re.findall(r"\]\((?!http)([^)#]+)\)", README)) | set(re.findall(r"`?(scripts/[a-z-]+)", README))
    missing = [name for name in sorted(named) if not (ROOT / name).exists()]
    assert missing == []


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


async def test_the_example_has_the_shown_answer() -> None:
    (document,) = blocks("graphql")
    (shown,) = blocks("json")
    headers = {"Authorization": "Bearer demo-editor", "Wethod-Company": "acme"}
    with serve_sandbox() as url:
        async with gateway(url, sandbox=True) as client:
            response = await client.graphql(document, {"id": "1"}, headers)
    assert response.json() == json.loads(shown)


@pytest.mark.parametrize("name", ["CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"])
def test_the_usual_files_are_not_empty(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8").strip()


def test_the_changelog_has_an_unreleased_section() -> None:
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
