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

from app.execution.rules import RULES as DOCUMENT_RULES
from app.execution.uses import VariableUsesRule
from tests.validation.documents import using
from tests.validation.schemas import MEETING, SCHEMAS

if TYPE_CHECKING:
    from graphql import GraphQLSchema

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
RULES = (NoUndefinedVariablesRule, NoUnusedVariablesRule, VariablesInAllowedPositionRule)


USES = {
    "used": "query ($a: Boolean) { dog { name(surname: $a) } }",
    "used-in-a-directive": "query ($a: Boolean!) { dog @skip(if: $a) { age } }",
    "used-in-an-object": "query ($a: Filter) { place { inhabitants(of: {not: $a}) { __typename } } }",
    "used-in-a-list": "mutation ($a: Colour!) { feed(id: 1, food: [$a]) { __typename } }",
    "used-in-a-fragment": "query ($a: Boolean) { dog { ...F } } fragment F on Dog { name(surname: $a) }",
    "used-far-below": (
        "query ($a: Boolean) { ...F } fragment H on Dog { name(surname: $a) } fragment F on Query { dog { ...G } } "
        "fragment G on Dog { ...H age }"
    ),
    "used-by-both-operations": (
        "query A($a: Boolean) { dog { ...F } } query B($a: Boolean) { dog { ...F } } "
        "fragment F on Dog { name(surname: $a) }"
    ),
    "used-by-one-operation": (
        "query A($a: Boolean) { dog { ...F } } query B($a: Boolean) { dog { age } } "
        "fragment F on Dog { name(surname: $a) }"
    ),
    "defined-by-one-operation": (
        "query A($a: Boolean) { dog { ...F } } query B { dog { ...F } } fragment F on Dog { name(surname: $a) }"
    ),
    "of-another-type-in-one-operation": (
        "query A($a: Boolean) { dog { ...F } } query B($a: Int) { dog { ...F } } "
        "fragment F on Dog { name(surname: $a) }"
    ),
    "not-used": "query ($a: Boolean) { dog { age } }",
    "not-used-in-a-named-operation": "query Named($a: Boolean, $b: Int) { dog { name(surname: $a) } }",
    "not-defined": "{ dog { name(surname: $a) } }",
    "not-defined-in-a-named-operation": "query Named($a: Boolean) { dog { name(surname: $a) volume(at: $b) } }",
    "not-defined-far-below": "{ dog { ...F } } fragment F on Dog { ...G } fragment G on Dog { name(surname: $a) }",
    "of-another-type": "query ($a: Int) { dog { name(surname: $a) } }",
    "of-another-type-in-one-place": "query ($a: Int) { dog { name(surname: $a) volume(at: $a) } }",
    "of-no-known-type": "query ($a: Unknown) { dog { name(surname: $a) } }",
    "in-no-known-place": "query ($a: Int) { dog { name(unknown: $a) } }",
    "null-where-it-may-not-be": "query ($a: ID) { __typename } mutation B($a: ID) { feed(id: $a) { __typename } }",
    "null-with-a-default": 'mutation ($a: ID = "7") { feed(id: $a) { __typename } }',
    "null-with-null-for-a-default": "mutation ($a: ID = null) { feed(id: $a) { __typename } }",
    "null-where-the-place-has-a-default": "query ($a: Int) { place(or: $a) { street } }",
    "never-null-where-it-may-be": "query ($a: Boolean!) { dog { name(surname: $a) } }",
    "a-list-for-an-item": "mutation ($a: [Colour!]) { feed(id: 1, food: [$a]) { __typename } }",
    "an-item-for-a-list": "mutation ($a: Colour!) { feed(id: 1, food: $a) { __typename } }",
    "one-of-that-may-be-null": "query ($a: String) { place(at: {name: $a}) { street } }",
    "one-of-that-is-never-null": "query ($a: String!) { place(at: {name: $a}) { street } }",
    "any-of-that-may-be-null": "query ($a: Colour) { place { inhabitants(of: {colour: $a}) { __typename } } }",
}


@pytest.mark.parametrize("text", USES.values(), ids=USES)
def test_a_use_is_judged_as_graphql_core_does(text: str) -> None:
    """In the same words and pointing to the same places."""
    document = parse(text)
    expected = {(error.message, str(error.locations)) for error in validate(MEETING, document, RULES)}
    assert {
        (error.message, str(error.locations)) for error in validate(MEETING, document, [VariableUsesRule])
    } == expected


def test_a_use_is_told_once() -> None:
    """However often an undefined variable is used, one place shows what is wrong."""
    uses = " ".join(f"a{number}: name(surname: $a)" for number in range(9))
    assert len(validate(MEETING, parse(f"{{ dog {{ {uses} }} }}"), [VariableUsesRule])) == 1


def test_a_fragment_in_itself_is_left_to_the_rule_against_it() -> None:
    """What it uses has no end."""
    text = "{ dog { ...F } } fragment F on Dog { name(surname: $a) ...F }"
    assert validate(MEETING, parse(text), [VariableUsesRule]) == []
    assert "within itself" in validate(MEETING, parse(text), DOCUMENT_RULES)[0].message


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
