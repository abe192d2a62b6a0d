"""Plans: their delegation to graphql-core, their calls of resolvers, and the bounds that they set before any call."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Annotated

import pytest
import strawberry
from strawberry.tools import create_type

from app.execution.plan import MAX_CHOICES
from app.execution.request_error import RequestError
from tests.execution.comparison import plan_of, run_graphql_core, run_plan
from tests.execution.contacts import OUTCOMES, StubContacts, build_contact_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLSchema

SCHEMA = build_contact_schema()
USUAL = """mutation ($id: ID!) { deleteContact(id: $id) {
  __typename
  ... on DeleteContactSuccess { deletedContactId message contact { __typename id } confirmedBy }
  ... on WethodError { key message statusCode response { headers { name values } content } }
  ... on WethodValidationError { failures { field message } }
} }"""


def wide(roots: int, selection: str) -> str:
    """Write a mutation of this many deletes that spread one fragment."""
    deletes = " ".join(f"d{number}: deleteContact(id: {number + 1}) {{ ...F }}" for number in range(roots))
    return f"mutation {{ {deletes} }} fragment F on DeleteContactResult {{ {selection} }}"


def aliases(count: int, field: str, length: int = 0) -> str:
    """Select a field of an error under this many aliases of a length."""
    names = (f"a{number}".ljust(length, "_") for number in range(count))
    return "... on WethodError { " + " ".join(f"{name}: {field}" for name in names) + " }"


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
    assert observed.calls == [f"{what} {each}" for each in (1, number, 3) for what in ("delete", "deleted")]


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


def bounds(source: str, variables: Mapping[str, object] = {}, schema: GraphQLSchema = SCHEMA) -> int | str:
    """Read the bytes of words for each call of an operation, or the limit that it exceeds."""
    try:
        coerced = plan_of(schema, source).coerce(variables)
    except RequestError as error:
        return error.limit
    return coerced.max_words


NESTED = " ".join(f"f{number}: failures {{ a: message b: message }}" for number in range(10))

BOUNDS: dict[str, tuple[str, int | str]] = {
    "query": ("{ wethodContext { company } }", 16_384),
    "typename": ("mutation { __typename }", 16_384),
    "one": (wide(1, "__typename"), 16_384),
    "usual": (USUAL.replace("$id: ID!", "$id: ID! = 1"), 16_384),
    "twenty": (wide(20, "... on WethodError { message }"), 16_384),
    "twenty-of-two-names": (wide(20, aliases(2, "message")), 10_000),
    "other-fields-do-not-add-up": (wide(20, aliases(2, "message") + aliases(2, "message")), 10_000),
    "nested-names-multiply": (wide(2, f"... on WethodValidationError {{ {NESTED} }}"), 10_000),
    "left-out": (wide(101, "__typename").replace("{ ...F }", "@skip(if: true) { ...F }", 1), 4_000),
    "usual-twenty-times": (wide(20, USUAL[USUAL.index("__typename") : USUAL.rindex("}", 0, -2)]), 16_384),
    "shortest-words": (wide(20, aliases(39, "message")), 512),
    "one-name-too-many": (wide(20, aliases(40, "message")), "words"),
    "long-names-of-items": (
        wide(1, f"... on WethodValidationError {{ failures {{ {'m' * 4_000}: message }} }}"),
        9_969,
    ),
    "too-many-calls": (wide(101, "__typename"), "calls"),
}


@pytest.mark.parametrize(("source", "expected"), BOUNDS.values(), ids=BOUNDS)
def test_calls_and_words_are_bounded_before_a_resolver_runs(source: str, expected: int | str) -> None:
    """400 KB of words for all calls and names, and 1 MB of answer."""
    assert bounds(source) == expected


def build(query: type, mutation: type) -> GraphQLSchema:
    return strawberry.Schema(query=query, mutation=mutation)._schema  # noqa: SLF001 - no public way to it


@strawberry.field(metadata={"calls": "ids"})  # type: ignore[untyped-decorator]  # its overloads know no metadata
async def delete_many(info: strawberry.Info, ids: list[strawberry.ID], note: str | None = None) -> list[str] | None:
    return [f"{info.context}-{each}" for each in ids]


@strawberry.field
async def shout(words: Annotated[str, strawberry.argument(name="say")] = "a") -> str | None:
    return words.upper()


BULK = build(create_type("Query", [shout]), create_type("Mutation", [delete_many]))


@pytest.mark.parametrize(
    ("source", "variables", "expected"),
    [
        ("mutation { deleteMany(ids: [1, 2, 3]) }", {}, 16_384),
        ("mutation { deleteMany(ids: 1) }", {}, 16_384),
        ("mutation { deleteMany(ids: []) }", {}, 16_384),
        ("mutation ($i: [ID!]!) { deleteMany(ids: $i) }", {"i": [1] * 50}, 8_000),
        ("mutation ($i: [ID!]!) { a: deleteMany(ids: $i) b: deleteMany(ids: [1, 2]) }", {"i": [1] * 98}, 4_000),
        ("mutation ($i: [ID!]!) { a: deleteMany(ids: $i) b: deleteMany(ids: [1, 2]) }", {"i": [1] * 99}, "calls"),
    ],
)
def test_a_field_declares_how_many_calls_it_makes(
    source: str, variables: dict[str, object], expected: int | str
) -> None:
    """The length of the list argument that its metadata names."""
    assert bounds(source, variables, BULK) == expected
    if not isinstance(expected, str):
        assert run_plan(plan_of(BULK, source), variables, "c") == run_graphql_core(BULK, source, variables, "c")


def test_several_resolvers_of_a_query_run_as_on_graphql_core() -> None:
    source = 'query ($s: String) { a: shout b: shout(say: "x") c: shout(say: $s) d: shout(say: "y") @skip(if: true) }'
    for variables in ({}, {"s": "z"}):
        assert run_plan(plan_of(BULK, source), variables, None) == run_graphql_core(BULK, source, variables, None)
