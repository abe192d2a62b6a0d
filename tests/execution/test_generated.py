"""A plan answers as graphql-core does, for every generated operation."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

from graphql import parse, validate
from hypothesis import HealthCheck, given, settings

from app.execution.request_error import RequestError
from schema.root import OPERATIONS
from tests.execution.comparison import plan_of, run_graphql_core, run_plan
from tests.execution.contacts import SUCCESSES, StubContacts, build_contact_schema
from tests.execution.operations import Case, cases

if TYPE_CHECKING:
    from app.execution.plan import Plan

SCHEMA = build_contact_schema()
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
"""Set the variable to try a hundred times as many operations, other ones each time."""


def coerce(plan: Plan, case: Case) -> tuple[str, bool]:
    """Coerce the variables of a case: the code of the error, if any, and if the operation is projected."""
    try:
        return "", plan.coerce(case.variables).fields.is_projected
    except RequestError as error:
        return error.code, False


def test_every_operation_has_its_successes() -> None:
    """Without them, the field fails in both executions below, which are then equal."""
    assert SUCCESSES.keys() == {operation.name for operation in OPERATIONS}


def test_every_operation_runs_as_on_graphql_core() -> None:
    """Data, order of names, errors and calls of resolvers are equal; mistakes in variables are found earlier."""
    tally: Counter[str] = Counter()

    @settings(
        max_examples=30_000 if THOROUGH else 300,
        derandomize=not THOROUGH,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(cases(SCHEMA))
    def compare(case: Case) -> None:
        assert validate(SCHEMA, parse(case.source)) == [], case.source
        tally["all"] += 1
        plan = plan_of(SCHEMA, case.source)
        expected = run_graphql_core(SCHEMA, case.source, case.variables, StubContacts())
        code, is_projected = coerce(plan, case)
        if code:
            tally[code] += 1
            # graphql-core finds a wrong null only when it executes the field, if it does (docs/adr/0020-variables.md).
            assert code == "LIMIT_EXCEEDED" or expected.errors or None in case.variables.values()
            return
        tally["projected"] += is_projected
        tally["failed" if expected.errors else "clean"] += 1
        for _ in range(2):  # the second run finds every class known
            assert run_plan(plan, case.variables, StubContacts()) == expected

    compare()
    assert tally["projected"] >= 0.8 * (tally["all"] - tally["BAD_USER_INPUT"] - tally["LIMIT_EXCEEDED"]), tally
    assert min(tally["BAD_USER_INPUT"], tally["failed"], tally["clean"]) >= 0.03 * tally["all"], tally
