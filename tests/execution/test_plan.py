"""Plans: what they delegate, how often they call a resolver, and the bounds that they set before any resolver runs."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import pytest
import strawberry
from strawberry.extensions import FieldExtension
from strawberry.tools import create_type

from app.execution.plan import MAX_CHOICES
from app.execution.request_error import RequestError
from app.headers import Headers
from app.wethod.sender import ReadableResponse
from schema.delete_contact import from_response
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
    """Write a mutation of so many deletes that spread one fragment."""
    deletes = " ".join(f"d{number}: deleteContact(id: {number + 1}) {{ ...F }}" for number in range(roots))
    return f"mutation {{ {deletes} }} fragment F on DeleteContactResult {{ {selection} }}"


def aliases(count: int, field: str, length: int = 0) -> str:
    """Select a field of an error under so many aliases of a length."""
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
    """Wherever in the document they stand."""
    assert run_plan(plan_of(SCHEMA, source), {}, StubContacts()) == run_graphql_core(SCHEMA, source, {}, StubContacts())


@pytest.mark.parametrize("number", range(len(OUTCOMES)))
def test_whatever_a_resolver_does_it_is_called_once(number: int) -> None:
    """A value that does not fit, or an exception, is answered as by graphql-core, and nothing runs again."""
    source = wide(3, "__typename ... on WethodError { statusCode }").replace("id: 2", f"id: {number}")
    observed = run_plan(plan_of(SCHEMA, source), {}, StubContacts())
    assert observed == run_graphql_core(SCHEMA, source, {}, StubContacts())
    assert observed.calls == [f"{what} {each}" for each in (1, number, 3) for what in ("delete", "deleted")]


def test_runs_at_the_same_time_do_not_see_each_other() -> None:
    """One plan serves any number of requests at once."""
    plan = plan_of(SCHEMA, USUAL)

    async def run(number: int) -> tuple[object, list[str], list[str]]:
        contacts = StubContacts()
        result = await plan.execute(plan.coerce({"id": str(number)}), contacts)
        return result.data, [error.message for error in result.errors or []], contacts.calls

    async def run_all(*, together: bool) -> list[tuple[object, list[str], list[str]]]:
        if together:
            return await asyncio.gather(*(run(number) for number in range(64)))
        return [await run(number) for number in range(64)]

    alone = asyncio.run(run_all(together=False))
    assert asyncio.run(run_all(together=True)) == alone
    assert [calls for _, _, calls in alone] == [[f"delete {number}", f"deleted {number}"] for number in range(64)]


def test_a_cancelled_run_cancels_its_resolver() -> None:
    """Cancellation is not an error of a field: it reaches the resolver, no later one starts, and no answer is left."""
    plan = plan_of(SCHEMA, wide(2, "__typename"))
    seen: list[str] = []

    class Hanging:
        """Contacts that never answer."""

        async def delete(self, contact_id: str) -> None:
            """Wait until cancelled."""
            try:
                await asyncio.Event().wait()
            finally:
                seen.append(contact_id)

        async def call(self, _operation: object, /, *, contact_id: str) -> None:
            """Wait until cancelled."""
            await self.delete(contact_id)

    async def run() -> None:
        task = asyncio.ensure_future(plan.execute(plan.coerce({}), Hanging()))
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert seen == ["1"]


def test_every_choice_of_conditions_is_answered() -> None:
    """Those that a plan keeps, and those beyond."""
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
def test_the_longer_a_document_the_fewer_errors_are_reported(padding: int, count: int) -> None:
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
    """Build graphql-core's schema of two types."""
    return strawberry.Schema(query=query, mutation=mutation)._schema  # noqa: SLF001 - no public way to it


@strawberry.field(metadata={"calls": "ids"})  # type: ignore[untyped-decorator]  # its overloads know no metadata
async def delete_many(info: strawberry.Info, ids: list[strawberry.ID], note: str | None = None) -> list[str] | None:
    """Delete several."""
    return [f"{info.context}-{each}" for each in ids]


@strawberry.field
async def shout(words: Annotated[str, strawberry.argument(name="say")] = "a") -> str | None:
    """Answer in capitals."""
    return words.upper()


@strawberry.field
async def fail() -> str | None:
    """Raise."""
    raise RuntimeError("a bug")


BULK = build(create_type("Query", [shout, fail]), create_type("Mutation", [delete_many]))


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
def test_a_field_can_declare_how_many_calls_it_makes(
    source: str, variables: dict[str, object], expected: int | str
) -> None:
    """The length of the list argument that its metadata names."""
    assert bounds(source, variables, BULK) == expected
    if not isinstance(expected, str):
        assert run_plan(plan_of(BULK, source), variables, "c") == run_graphql_core(BULK, source, variables, "c")


def test_several_resolvers_of_a_query_run_as_on_graphql_core() -> None:
    """At the same time, with arguments by the names that Python gives them."""
    source = 'query ($s: String) { a: shout b: shout(say: "x") c: shout(say: $s) d: shout(say: "y") @skip(if: true) }'
    for text in (source, source.replace("{", "{ fail", 1)):
        for variables in ({}, {"s": "z"}):
            assert run_plan(plan_of(BULK, text), variables, None) == run_graphql_core(BULK, text, variables, None)


class Capitals(FieldExtension):
    """Changes what a field reads or returns."""

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
    """Resolvers of fields, extensions, and scalars of other kinds."""
    assert run_plan(plan_of(UNUSUAL, source), {}, None) == run_graphql_core(UNUSUAL, source, {}, None)


@pytest.mark.parametrize("roots", [1, 5, 20])
@pytest.mark.parametrize(
    "selection",
    [
        "... on WethodError { message } ... on WethodValidationError { failures { field message } }",
        f"... on WethodValidationError {{ {' '.join(f'f{i}: failures {{ m: message }}' for i in range(20))} }}",
        f"... on WethodValidationError {{ failures {{ {'n' * 300}: field {'m' * 300}: message }} }}",
        aliases(30, "message", 200),
    ],
    ids=["usual", "failures", "long-names-of-items", "long-aliases"],
)
def test_an_answer_is_at_most_one_megabyte(roots: int, selection: str) -> None:
    """Whatever Wethod sends: as many words as are allowed, each to be escaped, in as many items as fit."""
    plan = plan_of(SCHEMA, wide(roots, selection))
    try:
        coerced = plan.coerce({})
    except RequestError as error:
        assert error.limit == "words"  # noqa: PT017 - some of these are refused
        return
    for failures in ([], [{"field": "", "message": '"' * size} for size in (1, 50, 1_000) for _ in range(100)]):
        body = msgspec.json.encode({"key": "k", "message": '"' * 1_000, "failures": failures})
        outcome = from_response(ReadableResponse(400, Headers(), body, coerced.max_words), "7")
        data = asyncio.run(plan.execute(coerced, _Same(outcome))).data
        assert len(msgspec.json.encode({"data": data})) <= 1_000_000


class _Same:
    """Contacts that all end the same way."""

    def __init__(self, outcome: Any) -> None:
        self._outcome = outcome

    async def delete(self, contact_id: str) -> Any:
        """Answer at once."""
        return self._outcome

    async def call(self, _operation: object, /, *, contact_id: str) -> Any:
        """Answer at once."""
        return await self.delete(contact_id)
