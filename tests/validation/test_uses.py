"""Variables and their uses: the verdict of graphql-core's three rules, and their words."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from graphql import (
    NoUndefinedVariablesRule,
    NoUnusedVariablesRule,
    VariablesInAllowedPositionRule,
    parse,
    validate,
)
from hypothesis import HealthCheck, given, settings

from app.execution.uses import VariableUsesRule
from tests.validation.documents import using
from tests.validation.schemas import SCHEMAS

if TYPE_CHECKING:
    from graphql import GraphQLSchema

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
RULES = (NoUndefinedVariablesRule, NoUnusedVariablesRule, VariablesInAllowedPositionRule)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_the_uses_of_variables_are_judged_as_graphql_core_does(schema: GraphQLSchema) -> None:
    """The same is told of the same operations, whatever hypothesis thinks of; only no use is told twice."""
    tally: Counter[str] = Counter()

    @settings(
        max_examples=30_000 if THOROUGH else 200,
        derandomize=not THOROUGH,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(using(schema))
    def compare(text: str) -> None:
        document = parse(text)
        expected = {error.message for error in validate(schema, document, RULES)}
        assert {error.message for error in validate(schema, document, [VariableUsesRule])} == expected
        tally["valid"] += not expected
        for kind in ("not defined", "never used", "expecting type", "OneOf"):
            tally[kind] += any(kind in message for message in expected)

    compare()
    assert tally.pop("valid") >= 10, tally
    assert min(tally["not defined"], tally["never used"], tally["expecting type"]) >= 8, tally
    if schema is SCHEMAS["meeting"]:
        assert tally["OneOf"] >= 1, tally
