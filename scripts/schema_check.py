"""Compare this tree's schema with the published one, for its clients and routers.

``python -m scripts.schema_check`` exits with 1 if a change would break them. With a VERSION as its argument, it copies
this tree's schema to ``schema/published.graphql``. Nothing else rewrites that file.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from graphql import GraphQLSchema, GraphQLUnionType, build_ast_schema, parse, print_ast
from graphql.utilities import find_breaking_changes, find_dangerous_changes

from schema.sdl import subgraph_sdl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import Node

PUBLISHED = Path(__file__).parent.parent / "schema/published.graphql"
HEADER = "# The schema of version {}, as published. Only scripts/publish-schema rewrites this file."
VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
LINK = re.compile(r"https://specs\.apollo\.dev/federation/v([0-9.]+)")
HARMLESS = re.compile(r" @(shareable|tag|deprecated)\b")


def find_changes(old_sdl: str, new_sdl: str) -> tuple[list[str], list[str]]:
    """Find the changes that break clients or the composition of a supergraph, and those that clients should know of.

    Returns:
        The breaking and the other noteworthy changes, one sentence each.
    """
    # Federation's directives are imported by @link, not defined.
    old, new = (build_ast_schema(parse(sdl), assume_valid_sdl=True) for sdl in (old_sdl, new_sdl))
    breaking = [change.description for change in find_breaking_changes(old, new)]
    breaking += find_uncovered_members(old, new)
    noteworthy = [change.description for change in find_dangerous_changes(old, new)]
    for change in find_changed_directives(old_sdl, new_sdl):
        (noteworthy if HARMLESS.search(change) else breaking).append(change)
    return breaking, noteworthy


def find_uncovered_members(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[str]:
    """Find new members of a union that no interface of its old members covers: clients have no branch for them."""
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


def find_changed_directives(old_sdl: str, new_sdl: str) -> list[str]:
    """Find directives that an element of both schemas lost or got; graphql-core does not compare them."""
    old_link, new_link = (LINK.search(sdl) for sdl in (old_sdl, new_sdl))
    if old_link and new_link and parts(new_link[1]) < parts(old_link[1]):
        # A lower version of Federation composes wherever the higher one does.
        old_sdl = old_sdl.replace(old_link[0], new_link[0])
    before, after = (dict(applied_directives(parse(sdl))) for sdl in (old_sdl, new_sdl))
    changes: list[str] = []
    for place in before.keys() & after.keys():
        changes += [f"{place} lost {directive}." for directive in before[place] - after[place]]
        changes += [f"{place} got {directive}." for directive in after[place] - before[place]]
    return sorted(changes)


def applied_directives(node: Node, place: str = "") -> Iterator[tuple[str, set[str]]]:
    """Walk the elements of a schema that can have directives, and yield the path and the directives of each."""
    for key in ("definitions", "fields", "arguments", "values"):
        for child in getattr(node, key, None) or ():
            name = child.name.value if getattr(child, "name", None) else "The schema"
            inside = f"{place}.{name}" if place else name
            yield inside, {print_ast(directive) for directive in child.directives or ()}
            yield from applied_directives(child, inside)


def published_version(published: Path) -> str:
    """The version of the published schema, from the first line of its file."""
    first, _, _ = published.read_text(encoding="utf-8").partition("\n")
    version = VERSION.search(first)
    if version is None or first != HEADER.format(version[0]):
        raise SystemExit(f"schema: {published.name} must begin with: {HEADER.format('X.Y.Z')}")
    return version[0]


def check(published: Path = PUBLISHED, sdl: str = "") -> None:
    """Print the changes since the published schema, and exit with 1 if one of them would break."""
    version = published_version(published)
    breaking, noteworthy = find_changes(published.read_text(encoding="utf-8"), sdl or subgraph_sdl())
    for change in noteworthy:
        print(f"schema: since {version}: {change}")
    if breaking:
        raise SystemExit(
            "\n  ".join([f"schema: this breaks clients or routers of version {version}:", *breaking])
            + "\nKeep the old form, deprecate it and add the new one, or publish a new major version."
        )


def publish(version: str, published: Path = PUBLISHED, sdl: str = "") -> None:
    """Publish a schema. Only a new major version may break clients (Semantic Versioning, items 4 and 8)."""
    sdl = sdl or subgraph_sdl()
    old = published_version(published)
    if not VERSION.fullmatch(version) or parts(version) <= parts(old):
        raise SystemExit(f"schema: a version after {old} is expected, not {version}: see app/__init__.py")
    breaking, _ = find_changes(published.read_text(encoding="utf-8"), sdl)
    # Before 1.0.0, a new minor version may break clients.
    major = slice(2) if parts(old)[0] == 0 else slice(1)
    if breaking and parts(version)[major] == parts(old)[major]:
        raise SystemExit(f"schema: {version} is no major version after {old}, and this breaks: {' '.join(breaking)}")
    published.write_text(f"{HEADER.format(version)}\n{sdl}", encoding="utf-8")


def parts(version: str) -> list[int]:
    """The numbers of a version."""
    return [int(part) for part in version.split(".")]


if __name__ == "__main__":
    publish(sys.argv[1]) if sys.argv[1:] else check()
