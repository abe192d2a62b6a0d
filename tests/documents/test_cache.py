"""The documents that are kept: bounded by number, and by the memory that they take once they have run."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc

import pytest

from app.execution.documents import Documents
from app.execution.limits import Limits
from tests.execution.contacts import OUTCOMES, StubContacts, build_contact_schema

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
