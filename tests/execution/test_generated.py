"""The compiler answers as graphql-core does, for whatever operation hypothesis thinks of."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings

from app.execution.plan import CompiledPlan, plan_operation
from tests.execution.comparison import Case, observe, operation_of, parsed
from tests.execution.contacts import StubContacts, build_contact_schema
from tests.execution.operations import cases
from tests.execution.rich_schema import Context, build_rich_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLSchema

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
"""Set the variable to try a hundred times as many operations, other ones each time."""


# Like graphql-core, the compiler cancels what an error beside it made pointless, at times before it has begun.
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
# Python cannot even say so where it collects such a coroutine in a named tuple's constructor, which has no builtins.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <coroutine:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("schema", "make_context", "examples"),
    [
        pytest.param(build_contact_schema(), StubContacts, 100, id="contact"),
        pytest.param(build_rich_schema(), Context, 250, id="rich"),
    ],
)
def test_every_operation_runs_as_on_graphql_core(
    schema: GraphQLSchema, make_context: Callable[[], Any], examples: int
) -> None:
    """Data, order of keys, errors, their order, what resolvers saw and when: all the same for any valid operation."""
    tally: Counter[str] = Counter()

    @settings(
        max_examples=examples * 100 if THOROUGH else examples,
        derandomize=not THOROUGH,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(cases(schema))
    def compare(case: Case) -> None:
        tally["all"] += 1
        document = parsed(schema, case.source)
        if document is None:
            return
        operation = operation_of(document)
        hide = case.hide_suggestions
        core = plan_operation(schema, document, operation, hide_suggestions=hide, compiled=False)
        compiled = plan_operation(schema, document, operation, hide_suggestions=hide)
        tally["compiled"] += type(compiled) is CompiledPlan
        expected = observe(core, case.variables, make_context)
        assert observe(compiled, case.variables, make_context) == expected
        tally["refused"] += any(not observation.variables for observation in expected)
        tally["failed"] += any(observation.variables and observation.errors for observation in expected)
        tally["clean"] += any(not observation.errors for observation in expected)

    compare()
    # What is compared must be worth it: most operations valid and compiled, and every kind of end among them.
    assert tally["compiled"] >= 0.7 * tally["all"]
    assert min(tally["refused"], tally["failed"], tally["clean"]) >= 0.03 * tally["all"], tally
