"""Which operations are compiled, and what compiling and running them costs."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING, Any

import pytest
from graphql import DirectiveLocation, GraphQLDirective, GraphQLSchema, OperationType, build_schema, parse, validate

from app.execution.compiler import MAX_CHOICES
from app.execution.plan import CompiledPlan, CorePlan, Plan, plan_operation
from tests.execution.comparison import observe, operation_of, parsed
from tests.execution.contacts import OUTCOMES, StubContacts, build_contact_schema
from tests.execution.rich_schema import Context, build_rich_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

CONTACT = build_contact_schema()
RICH = build_rich_schema()
USUAL = """mutation ($id: ID!) { deleteContact(id: $id) {
  __typename
  ... on DeleteContactSuccess { deletedContactId message }
  ... on WethodError { key message statusCode }
  ... on WethodValidationError { failures { field message } }
} }"""


def plan(schema: GraphQLSchema, source: str, *, compiled: bool = True) -> Plan:
    """The plan of a valid document's first operation."""
    document = parsed(schema, source)
    assert document is not None
    return plan_operation(schema, document, operation_of(document), hide_suggestions=True, compiled=compiled)


@pytest.mark.parametrize(
    "source",
    [
        "{ __schema { queryType { name } } }",
        '{ __type(name: "Mutation") { name } }',
        '{ ...F } fragment F on Query { ... { __type(name: "Nothing") { name } } }',
        "{ __typename ...F } fragment F on Query { s: __schema { description } }",
    ],
)
def test_introspection_runs_on_graphql_core(source: str) -> None:
    """Introspection is left to graphql-core, wherever in the document it hides, and is answered."""
    chosen = plan(CONTACT, source)
    assert type(chosen) is CorePlan
    (observation,) = observe(chosen, ({},), StubContacts)
    assert observation.errors == []


def test_introspection_of_another_operation_does_not_matter() -> None:
    """Only what the operation itself reaches decides."""
    source = (
        "query A { ...F } query B { ...G } "
        "fragment F on Query { __typename } fragment G on Query { __schema { description } }"
    )
    assert type(plan(CONTACT, source)) is CompiledPlan


@pytest.mark.parametrize(
    "source",
    [
        "query @mark { answer }",
        "query ($a: Int @mark) { answer(a: $a) }",
        "{ answer @mark }",
        "{ ... @mark { answer } }",
        "{ ...F @mark } fragment F on Query { answer }",
        "{ ...F } fragment F on Query @mark { answer }",
        "subscription { ticks }",
    ],
)
def test_what_the_compiler_does_not_know_runs_on_graphql_core(source: str) -> None:
    """Directives of the application's own may mean anything, and subscriptions are not one answer."""
    schema = build_schema("type Query { answer(a: Int): Int } type Subscription { ticks: Int }")
    kwargs = schema.to_kwargs()
    kwargs["directives"] = (*kwargs["directives"], GraphQLDirective("mark", list(DirectiveLocation)))
    schema = GraphQLSchema(**kwargs)
    assert type(plan(schema, source)) is CorePlan


def test_fragments_with_variables_run_on_graphql_core() -> None:
    """graphql-core's experiment with arguments of fragments is not the compiler's."""
    source = "{ ...F(a: 1) } fragment F($a: Int) on Query { answer(a: $a) }"
    schema = build_schema("type Query { answer(a: Int): Int }")
    document = parse(source, experimental_fragment_arguments=True)
    assert validate(schema, document) == []
    chosen = plan_operation(schema, document, operation_of(document), hide_suggestions=True)
    assert type(chosen) is CorePlan
    (observation,) = observe(chosen, ({},), Context)
    assert (observation.data, observation.errors) == ('{"answer": null}', [])


def test_an_operation_that_the_schema_has_no_type_for_is_refused_as_by_graphql_core() -> None:
    """Validation does not let it come so far; were it to, the answer would be graphql-core's error."""
    schema = build_schema("type Query { answer: Int }")
    document = parse("mutation { anything }")
    chosen = plan_operation(schema, document, operation_of(document), hide_suggestions=True)
    assert type(chosen) is CorePlan
    (observation,) = observe(chosen, ({},), Context)
    assert [error["message"] for error in observation.errors] == [
        "Schema is not configured to execute mutation operation."
    ]


def test_a_variable_of_no_input_type_is_refused_as_by_graphql_core() -> None:
    """Validation does not let it come so far; were it to, the answer would be graphql-core's error."""
    schema = build_schema("type Query { answer: Int }")
    document = parse("query ($a: Query) { answer }")
    observations = [
        observe(
            plan_operation(schema, document, operation_of(document), hide_suggestions=True, compiled=compiled),
            ({},),
            Context,
        )
        for compiled in (True, False)
    ]
    assert observations[0] == observations[1]
    assert len(observations[0][0].errors) == 1


@pytest.mark.parametrize("source", ["{ answer }", "{ answer list { a } }"])
def test_a_schema_without_resolvers_is_compiled(source: str) -> None:
    """graphql-core's default resolver stands in where a schema has none."""
    schema = build_schema("type Query { answer: Int list: [Item!] } type Item { a: Int }")
    compiled, core = plan(schema, source), plan(schema, source, compiled=False)
    assert type(compiled) is CompiledPlan
    assert observe(compiled, ({},), Context) == observe(core, ({},), Context)


def test_graphql_core_can_be_forced() -> None:
    """To compare with, everything can run on graphql-core."""
    forced = plan(CONTACT, USUAL, compiled=False)
    assert type(forced) is CorePlan
    assert forced.operation is OperationType.MUTATION


def test_choices_of_conditions_are_bounded() -> None:
    """Clients choose the values of conditions; beyond a number of choices graphql-core runs the rest, all the same."""
    names = "abcde"
    source = (
        f"query ({' '.join(f'${name}: Boolean!' for name in names)}) "
        f"{{ cell {{ text {' '.join(f'{name}: number @include(if: ${name})' for name in names)} }} }}"
    )
    compiled, core = plan(RICH, source), plan(RICH, source, compiled=False)
    assert isinstance(compiled, CompiledPlan)
    variables = tuple(
        dict(zip(names, values, strict=True)) for values in itertools.product((True, False), repeat=len(names))
    )
    assert len(variables) > MAX_CHOICES
    assert observe(compiled, variables, Context) == observe(core, variables, Context)
    assert compiled.choices == MAX_CHOICES


def test_fragments_that_unfold_exponentially_are_not_unfolded() -> None:
    """Forty fragments that spread each other twice name a tree of 2⁴⁰ fields; only what is answered is compiled."""
    fragments = " ".join(
        f"fragment F{level} on Cell {{ a: childLater(mode: NULL) {{ ...F{level + 1} }} "
        f"b: childLater(mode: NULL) {{ ...F{level + 1} }} }}"
        for level in range(40)
    )
    document = parse(f"{{ cellRequired {{ ...F0 }} }} {fragments} fragment F40 on Cell {{ text }}")
    started = time.process_time()
    chosen = plan_operation(RICH, document, operation_of(document), hide_suggestions=True)
    (observation,) = observe(chosen, ({},), Context)
    assert time.process_time() - started < 1
    assert type(chosen) is CompiledPlan
    assert observation.data == '{"cellRequired": {"a": null, "b": null}}'


def drive(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never has to wait, outside any event loop."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waited")


class Gone:
    """Contacts of which each is gone at once."""

    async def delete(self, contact_id: str) -> Any:
        """Nothing to wait for."""
        del contact_id
        return OUTCOMES[0]()


def fastest(function: Callable[[], object]) -> float:
    """The CPU time of one call, undisturbed."""
    best = float("inf")
    for _ in range(7):
        started = time.process_time()
        for _ in range(200):
            function()
        best = min(best, (time.process_time() - started) / 200)
    return best


def test_a_compiled_delete_costs_a_fraction_of_graphql_core() -> None:
    """Coercing and executing the usual mutation takes less than a fifth of the CPU time that graphql-core takes."""
    compiled, core = plan(CONTACT, USUAL), plan(CONTACT, USUAL, compiled=False)
    context = Gone()

    def run(chosen: Plan) -> object:
        variables = chosen.coerce({"id": "7"})
        assert not isinstance(variables, list)
        return drive(chosen.execute(variables, context))

    assert run(compiled) == run(core)
    assert fastest(lambda: run(compiled)) < fastest(lambda: run(core)) / 5


def test_a_single_resolver_makes_no_task() -> None:
    """One asynchronous root field is awaited where it stands, and fields that do not wait take no turn of the loop."""
    compiled = plan(CONTACT, USUAL)
    made = []

    async def execute() -> object:
        loop = asyncio.get_running_loop()

        def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **kwargs: Any) -> asyncio.Task[Any]:
            made.append(coroutine)
            return asyncio.Task(coroutine, loop=loop, **kwargs)

        loop.set_task_factory(factory)
        variables = compiled.coerce({"id": "2"})
        assert not isinstance(variables, list)
        result = await compiled.execute(variables, StubContacts())
        loop.set_task_factory(None)
        return result.data

    assert asyncio.run(execute()) == {
        "deleteContact": {
            "__typename": "WethodValidationError",
            "key": "key",
            "message": "message",
            "statusCode": 400,
            "failures": [
                {"field": "id", "message": "not found"},
                {"field": "Wethod-Company", "message": "blank"},
            ],
        }
    }
    assert made == []


def test_runs_at_the_same_time_do_not_see_each_other() -> None:
    """One plan serves any number of requests at once, each with its own variables, context, data and errors."""
    compiled = plan(CONTACT, USUAL)

    async def run(number: int) -> tuple[object, list[str], list[str]]:
        variables = compiled.coerce({"id": str(number)})
        assert not isinstance(variables, list)
        contacts = StubContacts()
        result = await compiled.execute(variables, contacts)
        return result.data, [error.message for error in result.errors or []], contacts.calls

    async def run_all(*, together: bool) -> list[tuple[object, list[str], list[str]]]:
        numbers = range(64)
        if together:
            return await asyncio.gather(*(run(number) for number in numbers))
        return [await run(number) for number in numbers]

    alone = asyncio.run(run_all(together=False))
    assert asyncio.run(run_all(together=True)) == alone
    assert [calls for _, _, calls in alone] == [[f"delete {number}", f"deleted {number}"] for number in range(64)]


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "graphql-core"])
def test_a_cancelled_run_cancels_its_resolver(*, compiled: bool) -> None:
    """Cancellation is no error of a field: it reaches the resolver and leaves no result."""
    chosen = plan(CONTACT, USUAL, compiled=compiled)
    seen: list[str] = []

    class Hanging:
        """Contacts that never answer."""

        async def delete(self, contact_id: str) -> None:
            """Wait for ever."""
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append(contact_id)
                raise

    async def run() -> None:
        variables = chosen.coerce({"id": "7"})
        assert not isinstance(variables, list)
        task = asyncio.ensure_future(chosen.execute(variables, Hanging()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert seen == ["7"]
