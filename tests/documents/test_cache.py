"""The plans that are kept: bounded by number and weight, freed at once when they are evicted."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING

from app.documents.plan_cache import PlanCache
from app.settings import load
from tests.execution.contacts import OUTCOMES, StubContacts, build_contact_schema

if TYPE_CHECKING:
    from app.execution.plan import Plan

SCHEMA = build_contact_schema()
SETTINGS = load({})


def delete(name: str, selection: str) -> str:
    return f"mutation {name}($id: ID!) {{ deleteContact(id: $id) {{ {selection} }} }}"


def run(plan: Plan) -> None:
    async def execute() -> None:
        for number in range(len(OUTCOMES)):
            await plan.execute(plan.coerce({"id": str(number)}), StubContacts())

    asyncio.run(execute())


def test_the_least_recently_used_plan_is_evicted() -> None:
    plans = PlanCache(SCHEMA, SETTINGS, introspection=False, max_documents=2)
    texts = [delete(name, "__typename") for name in "ABC"]
    for index in (0, 1, 0, 2, 0, 1):
        plans.find(texts[index], None)
    assert (plans.hits, plans.misses, len(plans)) == (2, 4, 2)


def test_a_plan_that_expands_costs_more_than_its_text() -> None:
    """A plan that exceeds the limit alone runs and is not kept."""
    aliases = " ".join(f"a{number}: response {{ ...F }}" for number in range(40))
    spread = f"... on WethodError {{ {aliases} }}"
    fragment = " fragment F on WethodResponse { version charset callback content }"
    heavy = delete("Heavy", spread) + fragment
    plans = PlanCache(SCHEMA, SETTINGS, introspection=False, max_weight=len(heavy) + 1_000)
    for _ in range(2):
        run(plans.find(heavy, None))
    assert (plans.hits, plans.misses, len(plans)) == (0, 2, 0)
    variables = ", ".join(f"${name}: Boolean!" for name in "abc")
    plain = delete("Plain", " ".join(f"{name}: __typename" for name in "abcdefghijkl"))
    chosen = plain.replace("ID!)", f"ID!, {variables})")
    for name in "abc":
        chosen = chosen.replace(f"{name}: __typename", f"{name}: __typename @skip(if: ${name})")
    plans.find(chosen, None)
    assert len(plans) == 0
    plans.find(plain, None)
    assert len(plans) == 1


def test_literals_count_although_they_are_no_selections() -> None:
    """Each one stays in memory as a node of graphql-core."""
    literals = f"mutation {{ deleteContacts(ids: [{'1 ' * 900}]) {{ __typename }} }}"
    plans = PlanCache(SCHEMA, SETTINGS, introspection=False, max_weight=2 * len(literals))
    plans.find(literals, None)
    assert len(plans) == 0


def test_an_evicted_plan_is_freed_at_once() -> None:
    """With new documents only, garbage collection would come too late."""
    plans = PlanCache(SCHEMA, SETTINGS, introspection=False, max_documents=1)
    plan = plans.find(delete("A", "... on WethodError { key response { headers { name } } }"), None)
    run(plan)
    gc.collect()
    gc.disable()
    try:
        freed = weakref.ref(plan)
        del plan
        assert freed() is not None
        plans.find(delete("B", "__typename"), None)
        assert freed() is None
    finally:
        gc.enable()
