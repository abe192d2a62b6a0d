"""What this tree's schema would break for the clients and routers of the published one.

``python -m schema.compatibility`` compares it with ``schema/published.graphql``, and exits 1 where something would
break. ``python -m schema.compatibility VERSION`` publishes it: nothing but this step of a release rewrites that file.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from graphql import (
    BreakingChangeType,
    DangerousChangeType,
    GraphQLSchema,
    GraphQLUnionType,
    build_ast_schema,
    parse,
    print_ast,
)
from graphql.utilities import find_schema_changes

from schema.sdl import subgraph_sdl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import Node

PUBLISHED = Path(__file__).with_name("published.graphql")

_HEADER = "# What version {} published; rewritten by scripts/publish-schema alone."
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
_HEADER_PATTERN = re.compile(re.escape(_HEADER).replace(r"\{\}", f"({_VERSION.pattern})"))
_LINKED = re.compile(r"federation/v([0-9]+)\.([0-9]+)")
_HARMLESS = ("@shareable", "@tag", "@deprecated")


class Changes:
    """The changes from one schema to another that matter to those who use the old one.

    Args:
        old_sdl: the SDL of the old subgraph.
        new_sdl: the SDL of the new one.

    Attributes:
        breaking: an operation that was valid is not any more, an answer may hold what no client could expect, or a
            supergraph may not compose; a sentence each.
        noteworthy: what clients must be prepared for, as the schema's descriptions tell them.
    """

    def __init__(self, old_sdl: str, new_sdl: str) -> None:
        old, new = _build(old_sdl), _build(new_sdl)
        changes = find_schema_changes(old, new)
        self.breaking = [change.description for change in changes if isinstance(change.type, BreakingChangeType)]
        self.noteworthy = [change.description for change in changes if isinstance(change.type, DangerousChangeType)]
        self.breaking += _past_the_default_branch(old, new)
        new_sdl, lowered = _without_lowered_link(old_sdl, new_sdl)
        self.noteworthy += lowered
        before, after = dict(_directives(parse(old_sdl))), dict(_directives(parse(new_sdl)))
        for place in before.keys() & after.keys():
            changed = [f"{place} lost {directive}." for directive in before[place] - after[place]]
            changed += [f"{place} got {directive}." for directive in after[place] - before[place]]
            for change in sorted(changed):
                known = self.noteworthy if any(f" {name}" in change for name in _HARMLESS) else self.breaking
                known.append(change)


def _without_lowered_link(old_sdl: str, new_sdl: str) -> tuple[str, list[str]]:
    """Raise a lowered link to the old version, since every composer of the old schema accepts a lower one."""
    old, new = _LINKED.search(old_sdl), _LINKED.search(new_sdl)
    if old is None or new is None or (int(new[1]), int(new[2])) >= (int(old[1]), int(old[2])):
        return new_sdl, []
    return _LINKED.sub(old[0], new_sdl), [f"The schema links {new[0]} instead of {old[0]}."]


def _build(sdl: str) -> GraphQLSchema:
    # Federation's directives are imported by @link, not defined.
    return build_ast_schema(parse(sdl), assume_valid_sdl=True)


def _past_the_default_branch(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[str]:
    """New members of a union that no interface of its old members covers: clients have no branch for them."""
    for name, union in old.type_map.items():
        successor = new.type_map.get(name)
        if not isinstance(union, GraphQLUnionType) or not isinstance(successor, GraphQLUnionType):
            continue
        members = {member.name for member in union.types}
        branches = {interface.name for member in union.types for interface in member.interfaces}
        for member in successor.types:
            covered = branches & {interface.name for interface in member.interfaces}
            if branches and member.name not in members and not covered:
                yield f"{member.name} was added to {name} and implements none of {', '.join(sorted(branches))}."


def _directives(node: Node, place: str = "") -> Iterator[tuple[str, set[str]]]:
    """The directives applied at each place of a schema that can carry some."""
    for key in ("definitions", "fields", "arguments", "values"):
        for child in getattr(node, key, None) or ():
            name = child.name.value if getattr(child, "name", None) else "The schema"
            inside = f"{place}.{name}" if place else name
            yield inside, {print_ast(directive) for directive in child.directives or ()}
            yield from _directives(child, inside)


def published_version(published: Path = PUBLISHED) -> str:
    """The version that published the schema.

    Raises:
        SystemExit: the file does not say.
    """
    header = _HEADER_PATTERN.match(published.read_text(encoding="utf-8"))
    if not header:
        raise SystemExit(f"schema: {published.name} does not begin as it must: {_HEADER}")
    return header[1]


def check(published: Path = PUBLISHED, sdl: str = "") -> None:
    """Say what has changed since the published schema.

    Args:
        published: the file that holds it.
        sdl: the schema to compare; by default this tree's.

    Raises:
        SystemExit: something would break, or the file is damaged.
    """
    version = published_version(published)
    changes = Changes(published.read_text(encoding="utf-8"), sdl or subgraph_sdl())
    for change in changes.noteworthy:
        print(f"schema: since {version}: {change}")  # noqa: T201 - what the program is for
    if changes.breaking:
        raise SystemExit(
            f"schema: this breaks clients or routers of version {version}:"
            + "".join(f"\n  {change}" for change in changes.breaking)
            + "\nAdd beside what is there and deprecate that, or publish with a new major version."
        )


def publish(version: str, published: Path = PUBLISHED, sdl: str = "") -> None:
    """Make a schema the published one.

    Args:
        version: the version that publishes it.
        published: the file to rewrite.
        sdl: the schema; by default this tree's.

    Raises:
        SystemExit: the version is none, or not new, or it is no major one while something would break.
    """
    sdl = sdl or subgraph_sdl()
    old = published_version(published)
    if not _VERSION.fullmatch(version) or _numbers(version) <= _numbers(old):
        raise SystemExit(f"schema: a version after {old} is expected, not {version}: see app/__init__.py")
    breaking = Changes(published.read_text(encoding="utf-8"), sdl).breaking
    if breaking and not _is_major(_numbers(old), _numbers(version)):
        raise SystemExit(f"schema: {version} is no major version after {old}, and this breaks: {' '.join(breaking)}")
    published.write_text(f"{_HEADER.format(version)}\n{sdl}", encoding="utf-8")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _is_major(old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    """Whether a version may break what the one before promised (Semantic Versioning, items 4 and 8)."""
    return new[0] > old[0] or (old[0] == 0 and new[1] > old[1])


if __name__ == "__main__":
    if sys.argv[1:]:
        publish(sys.argv[1])
    else:
        check()
