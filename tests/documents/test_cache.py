"""The documents that are kept: bounded by number, and by the memory that they take once they have run."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from graphql.language import Token

from app.documents.cache import Documents
from app.documents.limits import Limits, parse_within
from app.execution.site import Site
from tests.execution.contacts import OUTCOMES, StubContacts, build_contact_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = build_contact_schema()
LIMITS = Limits(1_000, 20, 20)


def delete(name: str, selection: str) -> str:
    """A delete of a name of its own."""
    return f"mutation {name}($id: ID!) {{ deleteContact(id: $id) {{ {selection} }} }}"


def run(documents: Documents, text: str, outcomes: int) -> None:
    """Find a document, and run it once for each of so many outcomes."""
    plan = documents.find(text, None)

    async def execute() -> None:
        for number in range(outcomes):
            variables = plan.coerce({"id": str(number)})
            assert not isinstance(variables, list)
            await plan.execute(variables, StubContacts())

    asyncio.run(execute())


def each(text: str, count: int) -> str:
    """A selection under so many aliases."""
    return " ".join(f"a{number}: {text}" for number in range(count))


SELECTIONS = {
    "typename": ("__typename", 20),
    "leaves": (f"... on WethodError {{ {each('key', 300)} }}", 2),
    "one-leaf-again-and-again": (f"... on WethodError {{ {'key ' * 900} }}", 2),
    "objects": (f"... on WethodError {{ {each('response { version }', 150)} }}", 2),
    "one-object-again-and-again": (f"... on WethodError {{ {'response { version } ' * 200} }}", 2),
    "through-fragments": (f"... on WethodError {{ {each('response { ...F }', 100)} }}", 2),
}


@pytest.mark.parametrize("outcomes", [1, len(OUTCOMES)], ids=["one-outcome", "every-outcome"])
@pytest.mark.parametrize(("selection", "count"), SELECTIONS.values(), ids=SELECTIONS)
def test_what_plans_take_is_counted(selection: str, count: int, outcomes: int) -> None:
    """No less than two thirds and no more than twice what Python has allocated, however much of a plan has run."""
    fragment = " fragment F on WethodResponse { version }" if "...F" in selection else ""
    texts = [delete(f"Q{number}", selection) + fragment for number in range(count)]
    # What is made once, whichever document comes first, is made before.
    run(Documents(SCHEMA, LIMITS, introspection=False), delete("First", selection) + fragment, outcomes)
    documents = Documents(SCHEMA, LIMITS, introspection=False, most_bytes=2**40)
    gc.collect()
    tracemalloc.start()
    try:
        for text in texts:
            run(documents, text, outcomes)
        gc.collect()
        allocated, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(documents) == count
    assert allocated / 2 <= documents.bytes * 0.75
    assert documents.bytes <= 2 * allocated


def test_the_oldest_documents_are_forgotten() -> None:
    """By number: the one that was not asked for longest goes first."""
    documents = Documents(SCHEMA, LIMITS, introspection=False, most_documents=2)
    texts = [delete(name, "__typename") for name in "ABC"]
    for index in (0, 1, 0, 2, 0, 1):
        documents.find(texts[index], None)
    assert (documents.hits, documents.misses, len(documents)) == (2, 4, 2)


def test_a_document_that_grows_drives_out_others() -> None:
    """A plan grows while it runs; the next look, be it for what is kept, makes room for it."""
    documents = Documents(SCHEMA, LIMITS, introspection=False, most_bytes=500_000)
    small = [delete(f"Q{number}", "__typename") for number in range(10)]
    large = delete("Large", f"... on WethodError {{ {each('response { version }', 40)} }}")
    for text in (*small, large):
        documents.find(text, None)
    assert len(documents) == 11
    run(documents, large, 3)
    assert documents.bytes > 500_000
    documents.find(large, None)
    assert documents.bytes <= 500_000
    assert 1 <= len(documents) < 11
    hits = documents.hits
    documents.find(large, None)
    assert documents.hits == hits + 1


def test_a_document_that_is_too_large_by_itself_is_not_kept() -> None:
    """It runs, each time anew, and what was forgotten is counted no longer, though it may still run."""
    documents = Documents(SCHEMA, LIMITS, introspection=False, most_bytes=20_000)
    large = delete("Large", f"... on WethodError {{ {each('key', 200)} }}")
    for _ in range(2):
        run(documents, large, 3)
    assert (documents.hits, documents.misses, len(documents), documents.bytes) == (0, 2, 0, 0)


@contextmanager
def without_collector() -> Iterator[None]:
    """Only what nothing refers to is freed."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def alive(class_: type) -> int:
    """How many instances there are."""
    return sum(type(each) is class_ for each in gc.get_objects())


def test_a_forgotten_plan_is_freed_at_once() -> None:
    """No circle of references keeps it until the collector comes by: too late where documents are ever new."""
    documents = Documents(SCHEMA, LIMITS, introspection=False, most_documents=1)
    large = delete("Large", f"... on WethodError {{ {each('response { version }', 100)} }}")
    with without_collector():
        before = alive(Site)
        run(documents, large, 3)
        assert alive(Site) >= before + 100
        documents.find(delete("Small", "__typename"), None)
        assert alive(Site) <= before + 1


def test_a_parsed_document_is_freed_at_once() -> None:
    """Its tokens do not hold each other."""
    with without_collector():
        before = alive(Token)
        document = parse_within(delete("A", "__typename"), LIMITS)
        assert alive(Token) > before
        del document
        assert alive(Token) == before


def test_a_plan_that_was_forgotten_still_runs() -> None:
    """A request that is in progress meanwhile is answered in full."""
    documents = Documents(SCHEMA, LIMITS, introspection=False, most_documents=1)
    plan = documents.find(delete("A", "__typename ... on WethodError { key response { version } }"), None)
    documents.find(delete("B", "__typename"), None)
    variables = plan.coerce({"id": "2"})
    assert not isinstance(variables, list)
    for _ in range(2):
        result = asyncio.run(plan.execute(variables, StubContacts()))
        assert result.errors is None
        assert result.data == {
            "deleteContact": {"__typename": "WethodValidationError", "key": "key", "response": {"version": None}}
        }
