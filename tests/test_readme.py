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


def test_the_sdl_snapshot_is_what_the_code_prints() -> None:
    """The snapshot is the SDL that is served; ``scripts/schema`` brings it up to date."""
    assert (ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8") == subgraph_sdl()


def test_every_member_has_a_row() -> None:
    """Every outcome is explained."""
    union = build_schema()._schema.type_map["DeleteContactResult"]  # noqa: SLF001
    assert isinstance(union, GraphQLUnionType)
    for member in union.types:
        assert re.search(rf"^\| .*`{member.name}`.* \|$", README, re.MULTILINE), member.name


def test_the_two_commands_are_on_the_first_screen() -> None:
    """Demo and test, one command each, before anything else."""
    first = "\n".join(README.splitlines()[:24])
    assert "scripts/demo" in first
    assert "scripts/test" in first
    assert "not affiliated with" in first


def test_every_script_and_file_that_is_named_is_there() -> None:
    """No link and no command leads nowhere."""
    named = set(re.findall(r"\]\((?!http)([^)#]+)\)", README)) | set(re.findall(r"`?(scripts/[a-z-]+)", README))
    missing = [name for name in sorted(named) if not (ROOT / name).exists()]
    assert missing == []


def blocks(language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


async def test_the_example_is_answered_as_it_says() -> None:
    """The mutation that selects every case, against the sandbox, with the answer that README shows."""
    (document,) = blocks("graphql")
    (shown,) = blocks("json")
    headers = {"Authorization": "Bearer demo-editor", "Wethod-Company": "acme"}
    with serve_sandbox() as url:
        async with gateway(url, sandbox=True) as client:
            response = await client.graphql(document, {"id": "1"}, headers)
    assert response.json() == json.loads(shown)


@pytest.mark.parametrize("name", ["CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"])
def test_what_a_project_has_is_there(name: str) -> None:
    """The usual files, none of them empty."""
    assert (ROOT / name).read_text(encoding="utf-8").strip()


def test_the_changelog_has_an_unreleased_section() -> None:
    """Keep a Changelog."""
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
