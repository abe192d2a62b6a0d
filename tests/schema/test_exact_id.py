"""No number that lost a digit becomes a contact's id."""

from __future__ import annotations

import pytest
from graphql import get_variable_values, parse, validate
from graphql.language import OperationDefinitionNode

from schema.root import build_schema

SCHEMA = build_schema()._schema  # noqa: SLF001 - Strawberry has no public way to graphql-core's schema


@pytest.mark.parametrize("literal", ["9007199254740993.0", "1e3", "1.5", "true", "null", "[1]", "{a: 1}", "RED"])
def test_a_literal_that_is_no_string_and_no_integer_is_refused(literal: str) -> None:
    """A literal with fraction or exponent fails validation instead of naming another contact (design, *id*)."""
    document = parse(f"mutation {{ deleteContact(id: {literal}) {{ __typename }} }}")
    assert len(validate(SCHEMA, document)) == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [("7", "7"), (7, "7"), (9007199254740993, "9007199254740993"), ("x", "x")],
    ids=["string", "integer", "beyond-double", "any-string"],
)
def test_a_variable_is_taken_by_its_digits(value: object, expected: str) -> None:
    """Strings and JSON integers arrive digit for digit, however large."""
    document = parse("mutation ($id: ID!) { deleteContact(id: $id) { __typename } }")
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    values = get_variable_values(SCHEMA, operation.variable_definitions or (), {"id": value})
    assert not isinstance(values, list)
    assert values.coerced == {"id": expected}


@pytest.mark.parametrize("value", [9007199254740993.0, 1e3, 1.5, True, None, [1, 2], {"id": 1}])
def test_a_variable_that_is_no_string_and_no_integer_is_refused(value: object) -> None:
    """A JSON number with fraction or exponent is refused, not rounded."""
    document = parse("mutation ($id: ID!) { deleteContact(id: $id) { __typename } }")
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    errors = get_variable_values(SCHEMA, operation.variable_definitions or (), {"id": value})
    assert isinstance(errors, list)
    assert len(errors) == 1
