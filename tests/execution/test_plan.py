"""Plans: their delegation to graphql-core, their calls of resolvers, and the errors that they report."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from typing import Annotated, Any

import pytest
import strawberry
from strawberry.extensions import FieldExtension
from strawberry.tools import create_type

from app.execution.plan import MAX_CHOICES
from app.execution.request_error import RequestError
from tests.execution.comparison import plan_of, run_graphql_core, run_plan
from tests.execution.contacts import OUTCOMES, StubContacts, build_contact_schema

SCHEMA = build_contact_schema()


def wide(roots: int, selection: str) -> str:
    """Write a mutation of this many deletes that spread one fragment."""
    deletes = " ".join(f"d{number}: deleteContact(id: {number + 1}) {{ ...F }}" for number in range(roots))
    return f"mutation {{ {deletes} }} fragment F on DeleteContactResult {{ {selection} }}"


@pytest.mark.parametrize(
    "source",
    [
        "{ __schema { queryType { name } types { name } } }",
        '{ __typename t: __type(name: "Mutation") { fields { name args { name type { kind } } } } }',
        '{ ...F } fragment F on Query { ... { __type(name: "Nothing") { name } } wethodContext { company } }',
        "{ _service { sdl } }",
        "mutation { a: __typename d: deleteContact(id: 3) { __typename } b: __typename }",
    ],
)
def test_introspection_and_the_sdl_are_answered_as_by_graphql_core(source: str) -> None:
    assert run_plan(plan_of(SCHEMA, source), {}, StubContacts()) == run_graphql_core(SCHEMA, source, {}, StubContacts())


@pytest.mark.parametrize("number", range(len(OUTCOMES)))
def test_a_resolver_is_called_once_even_if_its_value_does_not_fit(number: int) -> None:
    """graphql-core completes the value or the exception without another call."""
    source = wide(3, "__typename ... on WethodError { statusCode }").replace("id: 2", f"id: {number}")
    observed = run_plan(plan_of(SCHEMA, source), {}, StubContacts())
    assert observed == run_graphql_core(SCHEMA, source, {}, StubContacts())
    assert observed.calls == [f"{what} {each}" for each in (1, number, 3) for what in ("called", "answered")]


def test_every_combination_of_conditions_is_answered() -> None:
    """A plan keeps some of them, and makes the others each time."""
    names = "abcd"
    source = (
        f"query ({' '.join(f'${name}: Boolean! = true' for name in names)}) {{ wethodContext {{ company "
        f"{' '.join(f'{name}: version @include(if: ${name})' for name in names)} }} }}"
    )
    plan = plan_of(SCHEMA, source)
    choices = list(itertools.product((True, False), repeat=len(names)))
    assert len(choices) > MAX_CHOICES
    for values in choices * 2:
        variables = dict(zip(names, values, strict=True))
        expected = run_graphql_core(SCHEMA, source, variables, StubContacts())
        assert run_plan(plan, variables, StubContacts()) == expected


@pytest.mark.parametrize(("padding", "count"), [(0, 20), (60_000, 1)], ids=["short", "long"])
def test_a_longer_document_has_fewer_errors_reported(padding: int, count: int) -> None:
    """Each error searches the text for its line."""
    names = [f"v{number}" for number in range(30)]
    definitions = ", ".join(f"${name}: Boolean!" for name in names)
    uses = " ".join(f"{name}: company @skip(if: ${name})" for name in names)
    plan = plan_of(SCHEMA, "\n" * padding + f"query ({definitions}) {{ wethodContext {{ {uses} }} }}")
    with pytest.raises(RequestError) as caught:
        plan.coerce({})
    assert len(caught.value.errors) == count + 1


@strawberry.field
async def shout(words: Annotated[str, strawberry.argument(name="say")] = "a") -> str | None:
    return words.upper()


@strawberry.field
async def fail() -> str | None:
    """Raise."""
    raise RuntimeError("a bug")


@strawberry.field
async def read(info: strawberry.Info, name: str) -> str | None:
    """Begin, let others run, and end."""
    info.context.calls.append(f"begin {name}")
    await asyncio.sleep(0)
    info.context.calls.append(f"end {name}")
    return name


@strawberry.field
def note(info: strawberry.Info, name: str) -> str | None:
    info.context.calls.append(f"note {name}")
    return name


RESOLVERS = strawberry.Schema(create_type("Query", [shout, fail, read, note]))._schema  # noqa: SLF001 - no public way to it


def test_several_resolvers_of_a_query_run_as_on_graphql_core() -> None:
    source = 'query ($s: String) { a: shout b: shout(say: "x") c: shout(say: $s) d: shout(say: "y") @skip(if: true) }'
    for text in (source, source.replace("{", "{ fail", 1)):
        for variables in ({}, {"s": "z"}):
            assert run_plan(plan_of(RESOLVERS, text), variables, None) == run_graphql_core(
                RESOLVERS, text, variables, None
            )


@pytest.mark.parametrize(
    "source",
    [
        '{ read(name: "a") note(name: "b") }',
        '{ note(name: "a") read(name: "b") c: note(name: "c") }',
        '{ a: read(name: "a") note(name: "b") c: read(name: "c") d: note(name: "d") }',
    ],
)
def test_resolvers_of_a_query_are_called_in_the_order_of_graphql_core(source: str) -> None:
    """Synchronous ones first; the answer keeps the order of the names."""
    expected = run_graphql_core(RESOLVERS, source, {}, StubContacts())
    assert run_plan(plan_of(RESOLVERS, source), {}, StubContacts()) == expected


class Capitals(FieldExtension):
    """An extension that changes what a field reads or returns."""

    def resolve(self, next_: Any, source: Any, info: strawberry.Info, **arguments: Any) -> str:
        """Return it in capitals."""
        return str(next_(source, info, **arguments)).upper()


@strawberry.type
class Unusual:
    """Fields that are no plain attributes, beside one that is."""

    plain: str = "a"
    day: dt.date = dt.date(2026, 11, 28)
    extended: str = strawberry.field(default="b", extensions=[Capitals()])

    @strawberry.field
    def computed(self) -> str:
        """Compute a value."""
        return f"{self.plain}{self.plain}"


@strawberry.type
class UnusualQuery:
    """Root fields that Strawberry does more for than to call a function, beside one that it does not."""

    @strawberry.field
    def unusual() -> Unusual | None:
        """Answer."""
        return Unusual()

    @strawberry.field
    def of_root(self) -> Unusual | None:
        """Answer, with the root value."""
        return Unusual()

    @strawberry.field(extensions=[Capitals()])  # type: ignore[untyped-decorator]  # its overloads know no extensions
    def extended() -> str | None:
        """Answer."""
        return "c"


UNUSUAL = strawberry.Schema(query=UnusualQuery)._schema  # noqa: SLF001 - no public way to it


@pytest.mark.parametrize(
    "source",
    [
        "{ unusual { plain } }",
        "{ unusual { plain day } }",
        "{ unusual { plain extended } }",
        "{ unusual { plain computed } }",
        "{ ofRoot { plain } }",
        "{ extended unusual { plain } }",
    ],
)
def test_what_strawberry_computes_is_answered_as_by_graphql_core(source: str) -> None:
    """Resolvers of fields, extensions, and custom scalars."""
    assert run_plan(plan_of(UNUSUAL, source), {}, None) == run_graphql_core(UNUSUAL, source, {}, None)
