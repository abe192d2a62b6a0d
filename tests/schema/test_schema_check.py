"""A change of the schema fails scripts/check if it breaks clients or routers, and only then."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from schema.sdl import subgraph_sdl
from scripts.schema_check import PUBLISHED, check, find_changes, publish

ROOT = Path(__file__).parent.parent.parent
SDL = re.sub(r'"""[^"]*"""\n *', "", subgraph_sdl())  # bare, so that passages are easily replaced
UNION = re.findall(r"^union DeleteContactResult = .*\n", SDL, re.MULTILINE)[0]
DELETE_ARGUMENT = "  deleteContact(\n    id: ID!\n"
CONFLICT_FIELDS = "{ key: String! message: String! statusCode: Int response: WethodResponse }"


def changed(old: str, new: str) -> str:
    """Our schema with a passage replaced, which must be there once."""
    assert SDL.count(old) == 1, old
    return SDL.replace(old, new)


BREAKING: dict[str, tuple[str, list[str]]] = {
    "field-removed": (changed("  company: String\n", ""), ["Field WethodContext.company was removed."]),
    "field-nullable": (
        changed("deletedContactId: ID!", "deletedContactId: ID"),
        ["Field DeleteContactSuccess.deletedContactId changed type from ID! to ID."],
    ),
    "member-removed": (
        changed(UNION, UNION.replace(" | WethodUnexpectedResponseError", "")),
        ["WethodUnexpectedResponseError was removed from union type DeleteContactResult."],
    ),
    "member-past-the-default-branch": (
        changed(UNION, UNION.replace("\n", " | Postponed\n")) + "\ntype Postponed { until: String! }\n",
        ["Postponed was added to DeleteContactResult and implements none of WethodError."],
    ),
    "enum-value-removed": (changed("  ABSENCE\n", ""), ["Enum value DeletionEvidence.ABSENCE was removed."]),
    "argument-of-another-type": (
        changed(DELETE_ARGUMENT, DELETE_ARGUMENT.replace("ID!", "Int!")),
        ["Argument Mutation.deleteContact(id:) has changed type from ID! to Int!."],
    ),
    "interface-removed": (
        changed("type WethodNotFoundError implements WethodError", "type WethodNotFoundError"),
        ["WethodNotFoundError no longer implements interface WethodError."],
    ),
    "argument-required": (
        changed(DELETE_ARGUMENT, f"{DELETE_ARGUMENT}    reason: String!\n"),
        ["A required argument Mutation.deleteContact(reason:) was added."],
    ),
    "key-changed": (
        changed('@key(fields: "id", resolvable: false)', '@key(fields: "id")'),
        ['Contact got @key(fields: "id").', 'Contact lost @key(fields: "id", resolvable: false).'],
    ),
    "hidden-from-the-supergraph": (
        changed("  company: String\n", "  company: String @inaccessible\n"),
        ["WethodContext.company got @inaccessible."],
    ),
    "another-federation": (
        changed("/v2.0", "/v2.11"),
        [
            'The schema got @link(url: "https://specs.apollo.dev/federation/v2.11", import: ["@key"]).',
            'The schema lost @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key"]).',
        ],
    ),
}


def baseline(version: str, sdl: str) -> str:
    return f"# The schema of version {version}, as published. Only scripts/publish-schema rewrites this file.\n{sdl}"


def published(folder: Path, version: str = "1.4.2") -> Path:
    file = folder / "published.graphql"
    file.write_text(baseline(version, SDL), encoding="utf-8")
    return file


@pytest.mark.parametrize(("sdl", "sentences"), BREAKING.values(), ids=BREAKING)
def test_a_breaking_change_fails_the_schema_check(tmp_path: Path, sdl: str, sentences: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        check(published(tmp_path), sdl)
    first, *middle, last = str(stop.value.code).split("\n")
    assert first == "schema: this breaks clients or routers of version 1.4.2:"
    assert [line.removeprefix("  ") for line in middle] == sentences
    assert last == "Keep the old form, deprecate it and add the new one, or publish a new major version."


EXPECTED: dict[str, tuple[str, list[str]]] = {
    "nothing": (SDL, []),
    "member-of-the-default-branch": (
        changed(UNION, UNION.replace("\n", " | WethodConflictError\n"))
        + f"\ntype WethodConflictError implements WethodError {CONFLICT_FIELDS}\n",
        ["WethodConflictError was added to union type DeleteContactResult."],
    ),
    "enum-value": (changed("  ABSENCE\n", "  ABSENCE\n  AUDIT\n"), ["Enum value DeletionEvidence.AUDIT was added."]),
    "optional-argument": (
        changed(DELETE_ARGUMENT, f"{DELETE_ARGUMENT}    reason: String\n"),
        ["An optional argument Mutation.deleteContact(reason:) was added."],
    ),
    "field": (changed("  company: String\n", "  company: String\n  region: String\n"), []),
    "field-that-is-never-null-any-more": (
        changed("  version: String\n\n  receivedHeaders", "  version: String!\n\n  receivedHeaders"),
        [],
    ),
    "shareable": (
        changed("type WethodFailure {", "type WethodFailure @shareable {"),
        ["WethodFailure got @shareable."],
    ),
    "deprecated": (
        changed("  company: String\n", '  company: String @deprecated(reason: "x")\n'),
        ['WethodContext.company got @deprecated(reason: "x").'],
    ),
    "description": (subgraph_sdl(), []),
}


@pytest.mark.parametrize(("sdl", "sentences"), EXPECTED.values(), ids=EXPECTED)
def test_a_compatible_change_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sdl: str, sentences: list[str]
) -> None:
    """It is mentioned if a client may notice it."""
    check(published(tmp_path), sdl)
    assert capsys.readouterr().out.splitlines() == [f"schema: since 1.4.2: {sentence}" for sentence in sentences]


def test_a_union_without_a_default_branch_may_grow() -> None:
    """Clients have a default branch only for the members of an interface."""
    old = "type Query { u: U } union U = A type A { a: Int }"
    new = "type Query { u: U } union U = A | B type A { a: Int } type B { b: Int }"
    assert find_changes(old, new) == ([], ["B was added to union type U."])


MAJOR = {"1.4.2": ["2.0.0"], "0.4.2": ["0.5.0", "1.0.0"]}
MINOR = {"1.4.2": ["1.4.3", "1.10.0"], "0.4.2": ["0.4.3"]}


@pytest.mark.parametrize(("old", "new"), [(old, new) for old in MAJOR for new in MAJOR[old]])
def test_a_major_version_may_break(tmp_path: Path, old: str, new: str) -> None:
    file = published(tmp_path, version=old)
    sdl, _ = BREAKING["field-removed"]
    publish(new, file, sdl)
    check(file, sdl)
    assert file.read_text(encoding="utf-8") == baseline(new, sdl)


@pytest.mark.parametrize(("old", "new"), [(old, new) for old in MINOR for new in MINOR[old]])
def test_a_minor_version_may_only_add(tmp_path: Path, old: str, new: str) -> None:
    file = published(tmp_path, version=old)
    before = file.read_text(encoding="utf-8")
    with pytest.raises(
        SystemExit, match=f"{new} is no major version after {old}, and this breaks: Field WethodContext"
    ):
        publish(new, file, BREAKING["field-removed"][0])
    assert file.read_text(encoding="utf-8") == before
    publish(new, file, EXPECTED["field"][0])
    check(file, EXPECTED["field"][0])


@pytest.mark.parametrize("version", ["1.4.2", "1.4.1", "0.9.0", "2.0", "2.0.0rc1", ""])
def test_a_version_publishes_once(tmp_path: Path, version: str) -> None:
    file = published(tmp_path)
    before = file.read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match=re.escape(f"a version after 1.4.2 is expected, not {version}:")):
        publish(version, file)
    assert file.read_text(encoding="utf-8") == before


def test_a_baseline_without_a_version_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "published.graphql"
    file.write_text(SDL, encoding="utf-8")
    with pytest.raises(SystemExit, match=r"published\.graphql must begin with: # The schema of version X\.Y\.Z"):
        check(file)


def test_this_tree_breaks_no_client() -> None:
    """scripts/check runs this command."""
    assert "-m scripts.schema_check" in (ROOT / "scripts" / "check").read_text(encoding="utf-8")
    command = [sys.executable, "-m", "scripts.schema_check"]
    passed = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert (passed.returncode, passed.stderr) == (0, "")
    failed = subprocess.run([*command, "next"], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert failed.returncode == 1
    assert "is expected, not next" in failed.stderr


def test_scripts_schema_does_not_rewrite_the_published_schema() -> None:
    assert PUBLISHED.name not in (ROOT / "scripts" / "schema").read_text(encoding="utf-8")
