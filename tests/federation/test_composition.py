"""Our SDL in a supergraph: alone, beside compatible neighbours, and beside incompatible ones."""

from __future__ import annotations

import re

import pytest

from tests.federation.composition import COMPOSERS, COSMO, FOLDER, Composition, compose, neighbour, ours

WELCOME: dict[str, tuple[str, ...]] = {
    "alone": (),
    "owner-of-contact": ("contact_owner",),
    "owner-of-contact-by-two-keys": ("contact_keyed_twice",),
    "own-errors": ("own_errors",),
    "owner-and-own-errors": ("contact_owner", "own_errors"),
}
SHARED = ("INVALID_FIELD_SHARING", 'Non-shareable field "Contact.id" is resolved from multiple subgraphs')
UNREACHABLE = ("SATISFIABILITY_ERROR", 'cannot move to subgraph "contact_keyed_otherwise" using @key(fields: "email")')
TYPED = ("FIELD_TYPE_MISMATCH", 'it has type "Int!" in subgraph "contact_with_int_id" but type "ID!" in subgraph')
TAKEN = ("INVALID_FIELD_SHARING", 'Non-shareable field "Mutation.deleteContact" is resolved from multiple subgraphs')
COSMO_SHARED = ("", 'The Object "Contact" defines the same fields in multiple subgraphs without the "@shareable"')
COSMO_UNREACHABLE = ("", 'does not satisfy the key field set "email" to access subgraph "contact_keyed_otherwise"')
COSMO_TYPED = ("", 'The field "Contact.id" could not be federated due to incompatible types across subgraphs')
COSMO_TAKEN = ("", 'The Object "Mutation" defines the same fields in multiple subgraphs without the "@shareable"')

KIND = (
    "TYPE_KIND_MISMATCH",
    'it is defined as Interface Type in subgraph "contact_entity_interface" but Object Type in',
)
COSMO_KIND = ("", 'It is defined as type "Object" in subgraph "wethod" but type "Interface" in subgraph')

# neighbour: (code, part of the message) of an error that all composers but Cosmo's report, and of Cosmo's
REFUSED: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "contact_without_key": (SHARED, COSMO_SHARED),
    "contact_keyed_otherwise": (UNREACHABLE, COSMO_UNREACHABLE),
    "contact_with_int_id": (TYPED, COSMO_TYPED),
    "contact_entity_interface": (KIND, COSMO_KIND),
    "own_delete_contact": (TAKEN, COSMO_TAKEN),
}


@pytest.fixture(scope="module")
def compositions() -> dict[tuple[str, str], Composition]:
    cases = WELCOME | {name: (name,) for name in REFUSED}
    return compose({case: [ours(), *map(neighbour, neighbours)] for case, neighbours in cases.items()})


@pytest.mark.parametrize("composer", COMPOSERS)
@pytest.mark.parametrize("case", WELCOME)
def test_the_sdl_composes_without_errors_or_hints(
    compositions: dict[tuple[str, str], Composition], case: str, composer: str
) -> None:
    composition = compositions[case, composer]
    assert composition.errors == ()
    assert composition.hints == ()
    assert {"deleteContact", "deleteContacts"} <= set(composition.mutations)
    assert ("renameProject" in composition.mutations) == ("own_errors" in WELCOME[case])


@pytest.mark.parametrize("composer", COMPOSERS)
@pytest.mark.parametrize("name", REFUSED)
def test_a_conflict_is_an_error_of_the_composer(
    compositions: dict[tuple[str, str], Composition], name: str, composer: str
) -> None:
    composition = compositions[name, composer]
    code, part = REFUSED[name][composer == COSMO]
    assert composition.supergraph == ""
    assert [message for found, message in composition.errors if found == code and part in message], composition.errors


@pytest.mark.parametrize("name", REFUSED)
def test_the_documentation_has_a_row_for_each_conflict(name: str) -> None:
    text = (FOLDER.parents[1] / "docs" / "federation.md").read_text(encoding="utf-8")
    section = text.split("## What cannot compose, and what to do")[1]
    rows = [line for line in section.splitlines() if f"/{name}.graphql)" in line]
    assert len(rows) == 1, f"{name} has {len(rows)} rows"
    assert REFUSED[name][0][0] in rows[0]


def test_the_sdl_links_federation_2_0() -> None:
    """An older composer refuses a newer version, and only ``@key`` is used."""
    links = re.findall(r"@link\(url: \"([^\"]+)\", import: \[(.*?)\]\)", ours().sdl)
    assert links == [("https://specs.apollo.dev/federation/v2.0", '"@key"')]


def test_every_neighbour_is_used() -> None:
    composed = {name for names in WELCOME.values() for name in names} | set(REFUSED)
    assert {path.stem for path in (FOLDER / "neighbours").iterdir()} == composed
