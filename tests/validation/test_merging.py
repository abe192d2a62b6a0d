"""Fields that can be merged: the verdict of graphql-core's rule, and its words."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from graphql import NoUnusedFragmentsRule, OverlappingFieldsCanBeMergedRule, parse, validate
from hypothesis import HealthCheck, given, settings

from app.execution.merging import MergeableFieldsRule
from app.execution.rules import RULES
from tests.validation.documents import merging
from tests.validation.schemas import MEETING, SCHEMAS

if TYPE_CHECKING:
    from graphql import GraphQLSchema

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"


MERGED = {
    "different-fields": "{ dog { name barks } }",
    "the-same-field": "{ dog { name name } }",
    "the-same-arguments": "{ dog { name(surname: true) name(surname: true) } }",
    "the-same-object-in-another-order": (
        "{ place { inhabitants(of: {colour: RED, names: []}) { __typename } "
        "inhabitants(of: {names: [], colour: RED}) { __typename } } }"
    ),
    "arguments-in-another-order": (
        "{ place { inhabitants(first: 1, of: null) { __typename } inhabitants(of: null, first: 1) { __typename } } }"
    ),
    "the-same-variable": "query ($a: Boolean) { dog { name(surname: $a) name(surname: $a) } }",
    "other-arguments-under-aliases": "{ dog { a: name(surname: true) b: name(surname: false) } }",
    "other-directives": "{ dog { name @skip(if: true) name @include(if: false) } }",
    "other-fields-of-two-object-types": "{ pet { ... on Dog { a: name } ... on Cat { a: only } } }",
    "other-arguments-on-two-object-types": (
        "{ pet { ... on Dog { name(surname: true) } ... on Cat { name(surname: false) } } }"
    ),
    "other-fields-below-two-object-types": (
        "{ being { ... on Dog { friend { a: name } } ... on Cat { friend { a: name(surname: true) } } } }"
    ),
    "fields-below-repeated-fields": "{ dog { friend { name } friend { barks } } }",
    "the-same-through-fragments": "{ dog { ...A ...B } } fragment A on Dog { name } fragment B on Dog { name ...A }",
    "a-fragment-in-two-places": ("{ a: dog { ...A } b: dog { ...A name } } fragment A on Dog { name friend { name } }"),
    "composite-types-of-one-shape": "{ being { ... on Dog { home { street } } ... on Cat { home { street } } } }",
    "leaves-of-one-type-below-others": (
        "{ being { ... on Dog { friend { a: name } } ... on Human { friend { a: name(surname: true) } } } }"
    ),
    "a-type-that-is-not-known": "{ pet { ... on Unknown { a: x } ... on Dog { a: x } } }",
    "typename-is-never-compared": "{ any { ... on Dog { a: __typename } ... on Cat { a: age } } }",
}

CONFLICTS: dict[str, tuple[str, str]] = {  # a document, and what is told of it
    "another-field": (
        "{ dog { a: name a: barks } }",
        "Fields 'a' conflict because 'name' and 'barks' are different fields",
    ),
    "an-alias-that-hides-a-field": (
        "{ dog { name: barks name } }",
        "Fields 'name' conflict because 'barks' and 'name' are different fields",
    ),
    "an-argument-more": (
        "{ dog { name name(surname: true) } }",
        "Fields 'name' conflict because they have differing arguments",
    ),
    "an-argument-less": (
        "{ dog { name(surname: true) name } }",
        "Fields 'name' conflict because they have differing arguments",
    ),
    "another-value": (
        "{ dog { name(surname: true) name(surname: false) } }",
        "Fields 'name' conflict because they have differing arguments",
    ),
    "another-argument": (
        "{ place { inhabitants(first: null) { __typename } inhabitants(of: null) { __typename } } }",
        "Fields 'inhabitants' conflict because they have differing arguments",
    ),
    "another-variable": (
        "query ($a: Boolean, $b: Boolean) { dog { name(surname: $a) name(surname: $b) } }",
        "Fields 'name' conflict because they have differing arguments",
    ),
    "another-item": (
        "mutation { feed(id: 1, food: [RED]) { __typename } feed(id: 1, food: [RED, RED]) { __typename } }",
        "Fields 'feed' conflict because they have differing arguments",
    ),
    "a-block-string": (
        'mutation { feed(id: "1") { __typename } feed(id: """1""") { __typename } }',
        "Fields 'feed' conflict because they have differing arguments",
    ),
    "the-second-of-two-object-types": (
        "{ pet { ... on Cat { name } ... on Dog { name name(surname: true) } } }",
        "Fields 'name' conflict because they have differing arguments",
    ),
    "an-interface-and-a-type-of-it": (
        "{ pet { a: name ... on Dog { a: barks } } }",
        "Fields 'a' conflict because 'name' and 'barks' are different fields",
    ),
    "the-last-of-many": (
        "{ dog { name name name ... { name } name(surname: true) } }",
        "Fields 'name' conflict because they have differing arguments",
    ),
    "through-fragments": (
        "{ dog { ...A ...B } } fragment A on Dog { a: name } fragment B on Dog { a: barks }",
        "Fields 'a' conflict because 'name' and 'barks' are different fields",
    ),
    "in-a-fragment": (
        "{ dog { ...A } } fragment A on Dog { a: name a: barks }",
        "Fields 'a' conflict because 'name' and 'barks' are different fields",
    ),
    "below-a-field": (
        "{ a: dog { a: name } a: dog { a: barks } }",
        "Fields 'a' conflict because subfields 'a' conflict because 'name' and 'barks' are different fields",
    ),
    "told-where-the-ways-part": (
        "{ dog { friend { friend { a: name } friend { a: barks } } } }",
        "Fields 'friend' conflict because subfields 'a' conflict because 'name' and 'barks' are different fields",
    ),
    "told-from-where-the-ways-part": (
        "{ dog { friend { friend { a: name } } friend { friend { a: barks } } } }",
        (
            "Fields 'friend' conflict because subfields 'friend' conflict because subfields 'a' conflict because"
            " 'name' and 'barks' are different fields"
        ),
    ),
    "another-leaf-on-another-object-type": (
        "{ pet { ... on Dog { volume } ... on Cat { volume } } }",
        "Fields 'volume' conflict because they return conflicting types 'Int' and 'String'",
    ),
    "another-number-below-two-object-types": (
        "{ being { ... on Dog { home { size } } ... on Cat { home { size } } } }",
        (
            "Fields 'home' conflict because subfields 'size' conflict because they return conflicting types 'Int' and"
            " 'Float'"
        ),
    ),
    "a-leaf-and-an-object": (
        "{ pet { ... on Dog { a: barks } ... on Cat { a: home { street } } } }",
        "Fields 'a' conflict because they return conflicting types 'Boolean' and 'House'",
    ),
    "a-list-and-its-item": (
        "{ pet { ... on Dog { only } ... on Cat { only } } }",
        "Fields 'only' conflict because they return conflicting types '[String!]' and 'String'",
    ),
    "an-object-and-a-list-of-it": (
        "{ pet { ... on Dog { box { flat } } ... on Cat { box { flat } } } }",
        "Fields 'box' conflict because they return conflicting types 'Nested' and '[Nested]'",
    ),
    "items-of-another-type": (
        "{ pet { ... on Dog { tricks } ... on Cat { tricks } } }",
        "Fields 'tricks' conflict because they return conflicting types '[String]' and '[Int]'",
    ),
    "null-or-not": (
        "{ pet { ... on Dog { age } ... on Cat { age } } }",
        "Fields 'age' conflict because they return conflicting types 'Int' and 'Int!'",
    ),
    "null-in-another-place": (
        "{ pet { ... on Dog { best } ... on Cat { best } } }",
        "Fields 'best' conflict because they return conflicting types '[String]!' and '[String!]'",
    ),
    "the-third-object-type": (
        "{ any { ... on Human { a: name } ... on Cat { a: name } ... on Dog { a: age } } }",
        "Fields 'a' conflict because they return conflicting types 'String' and 'Int'",
    ),
    "below-what-is-not-known": (
        "{ dog { x { a: y } x { a: z } } }",
        "Fields 'x' conflict because subfields 'a' conflict because 'y' and 'z' are different fields",
    ),
}
ADVICE = ". Use different aliases on the fields to fetch both if this was intentional."


@pytest.mark.parametrize("text", MERGED.values(), ids=MERGED)
def test_what_can_be_merged_is_taken(text: str) -> None:
    """Nothing is told of it, nor by graphql-core."""
    document = parse(text)
    assert validate(MEETING, document, [MergeableFieldsRule]) == []
    assert validate(MEETING, document, [OverlappingFieldsCanBeMergedRule]) == []


@pytest.mark.parametrize(("text", "told"), CONFLICTS.values(), ids=CONFLICTS)
def test_what_cannot_be_merged_is_told(text: str, told: str) -> None:
    """Once, in graphql-core's words and pointing to graphql-core's places."""
    document = parse(text)
    (error,) = validate(MEETING, document, [MergeableFieldsRule])
    assert error.message == told + ADVICE
    expected = validate(MEETING, document, [OverlappingFieldsCanBeMergedRule])
    assert (error.message, error.locations) in [(each.message, each.locations) for each in expected]


def test_a_conflict_is_told_once_however_many_operations_meet_it() -> None:
    """Fragments are looked at for each operation that spreads them, and are wrong once."""
    text = "query A { dog { ...F } } query B { dog { ...F } } fragment F on Dog { a: name a: barks }"
    assert len(validate(MEETING, parse(text), [MergeableFieldsRule])) == 1


def test_one_conflict_a_response_name_is_told() -> None:
    """Of a hundred fields that conflict with each other one pair shows what is wrong."""
    names = " ".join("a: name a: barks b: name b: age" for _ in range(25))
    errors = validate(MEETING, parse(f"{{ dog {{ {names} }} }}"), [MergeableFieldsRule])
    assert [error.message[:11] for error in errors] == ["Fields 'a' ", "Fields 'b' "]


@pytest.mark.parametrize("text", ["{ dog { ...F } } fragment F on Dog { friend { ...F } a: name a: barks }"])
def test_a_fragment_in_itself_is_left_to_the_rule_against_it(text: str) -> None:
    """It would be unfolded for ever."""
    assert validate(MEETING, parse(text), [MergeableFieldsRule]) == []
    assert "within itself" in validate(MEETING, parse(text), RULES)[0].message


def test_the_schema_has_no_stream() -> None:
    """The one directive that would have fields conflict is not looked at."""
    assert "stream" not in {directive.name for directive in SCHEMAS["contact"].directives}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_what_can_be_merged_is_what_graphql_core_merges(schema: GraphQLSchema) -> None:
    """The same documents are taken and refused, whatever hypothesis thinks of."""
    tally: Counter[bool] = Counter()

    @settings(
        max_examples=30_000 if THOROUGH else 300,
        derandomize=not THOROUGH,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(merging(schema))
    def compare(text: str) -> None:
        document = parse(text)
        # What no operation spreads is not looked at: it is refused for that.
        expected = not validate(schema, document, [OverlappingFieldsCanBeMergedRule, NoUnusedFragmentsRule])
        assert (not validate(schema, document, [MergeableFieldsRule, NoUnusedFragmentsRule])) == expected
        tally[expected] += 1

    compare()
    assert min(tally[True], tally[False]) >= 0.2 * tally.total(), tally
