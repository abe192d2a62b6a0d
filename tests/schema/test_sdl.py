"""Rules for every type of the SDL, also for those that docs/adding-an-operation.md adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from graphql import specified_scalar_types

from schema import root
from tests.second_operation import root as example

if TYPE_CHECKING:
    from types import ModuleType

ROOTS = pytest.mark.parametrize("module", [root, example], ids=["shipped", "example"])


def types_of(module: ModuleType) -> dict[str, Any]:
    """Our types by name, without those of GraphQL and Federation."""
    types = module.build_schema()._schema.type_map  # noqa: SLF001 - Strawberry has no public way to graphql-core's schema
    return {name: t for name, t in types.items() if name not in specified_scalar_types and "_" not in name}


@ROOTS
def test_every_type_is_named_after_wethod_or_its_operation(module: ModuleType) -> None:
    """All subgraphs of a supergraph share the names of types (docs/adr/0002-wethod-prefix.md)."""
    prefixes = ("Wethod", *(operation.name[0].upper() + operation.name[1:] for operation in module.OPERATIONS))
    others = {name for name in types_of(module) if not name.startswith(prefixes)}
    assert others == {"Query", "Mutation", "Contact", "DeletionEvidence"}


@ROOTS
def test_every_part_of_the_sdl_has_a_description(module: ModuleType) -> None:
    """Except ``Contact``: its owner describes it, and a second description is a hint at composition."""
    without = set()
    for name, type_ in types_of(module).items():
        parts = {name: type_} | getattr(type_, "values", {})
        for field, definition in getattr(type_, "fields", {}).items():
            parts |= {field: definition} | {f"{field}({arg})": found for arg, found in definition.args.items()}
        without |= {f"{name}.{part}" for part, found in parts.items() if not (found.description or part[0] == "_")}
    assert without == {"Contact.Contact", "Contact.id"}
