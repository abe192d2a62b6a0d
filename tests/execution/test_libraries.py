"""The parts of Strawberry and graphql-core that execution relies on; an upgrade that moves one fails here."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest
from graphql import (
    GraphQLObjectType,
    get_introspection_query,
    get_named_type,
    is_composite_type,
    is_object_type,
    parse,
    specified_rules,
    validate,
)
from graphql.language import Token
from graphql.validation import validation_context
from graphql.validation.rules import overlapping_fields_can_be_merged

from app.documents.limits import check_limits, parse_within
from app.execution.graphql_core import OUT_OF_BUDGET, bound_validation
from app.settings import load
from tests.execution.comparison import plan_of
from tests.execution.contacts import build_contact_schema

if TYPE_CHECKING:
    from graphql import GraphQLError, GraphQLField

SCHEMA = build_contact_schema()
OBJECTS = {
    name: type_
    for name, type_ in SCHEMA.type_map.items()
    if is_object_type(type_) and not name.startswith("_") and name not in ("Query", "Mutation")
}
ROOTS: dict[str, GraphQLField] = {
    f"{root.name}.{name}": field
    for root in (SCHEMA.query_type, SCHEMA.mutation_type)
    if root is not None
    for name, field in root.fields.items()
    if not name.startswith("_")
}


@pytest.mark.parametrize("type_", OBJECTS.values(), ids=OBJECTS)
def test_every_class_and_field_of_our_schema_is_projected(type_: GraphQLObjectType) -> None:
    """The slow path costs ten times more."""
    text = _select_all(type_)
    for root, field in ROOTS.items():
        returned = get_named_type(field.type)
        if returned is type_ or (is_composite_type(returned) and type_ in _possible(returned)):
            kind, name = root.split(".")
            arguments = "(" + ", ".join(f'{each}: "1"' for each in field.args) + ")" if field.args else ""
            plan = plan_of(SCHEMA, f"{kind.lower()} {{ {name}{arguments} {{ ... on {type_} {text} }} }}")
            assert plan.coerce({}).fields.is_projected


def _possible(type_: Any) -> list[Any]:
    return [type_] if is_object_type(type_) else list(SCHEMA.get_possible_types(type_))


def _select_all(type_: GraphQLObjectType) -> str:
    fields = []
    for name, field in type_.fields.items():
        named = get_named_type(field.type)
        fields.append(f"{name} {_select_all(named)}" if isinstance(named, GraphQLObjectType) else name)
    return "{ " + " ".join(fields) + " }"


WIDE = "{ wethodContext { " + "company " * 200 + "} }"
SPREAD = (
    " ".join(f"query Q{number} {{ ...F0 ...S{number} }}" for number in range(40))
    + " ".join(f" fragment S{number} on Query {{ __typename }}" for number in range(40))
    + " ".join(f" fragment F{number} on Query {{ ...F{number + 1} }}" for number in range(60))
    + " fragment F60 on Query { __typename }"
)


@pytest.mark.parametrize("document", [WIDE, SPREAD], ids=["merging", "fragments"])
def test_the_budgets_of_validation_take_effect(monkeypatch: pytest.MonkeyPatch, document: str) -> None:
    """The document is valid with the defaults of graphql-core."""
    monkeypatch.setattr(overlapping_fields_can_be_merged, "MAX_COMPLEXITY_BUDGET", 500_000)
    monkeypatch.setattr(validation_context, "MAX_FRAGMENT_WORK", 50_000)

    def errors() -> list[GraphQLError]:
        rules = [rule for rule in specified_rules if rule.__name__ != "LoneAnonymousOperationRule"]
        return validate(SCHEMA, parse(document), rules)

    assert errors() == []
    bound_validation()
    assert [error.message for error in errors()] == [OUT_OF_BUDGET]


ALL = "__typename ... on WethodError { key message statusCode response { version } }"
SETTINGS = load({})
LEGITIMATE = {
    "introspection": get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    ),
    "every-member-expanded": "mutation { deleteContact(id: 1) { __typename "
    + " ".join(
        f"... on {member} {{ __typename key message statusCode response {{ content version statusCode }} }}"
        for member in OBJECTS
        if member.endswith("Error")
    )
    + " } }",
    "twenty-aliases-of-a-fragment": "mutation { "
    + " ".join(f"d{number}: deleteContact(id: {number}) {{ ...F }}" for number in range(20))
    + f" }} fragment F on DeleteContactResult {{ {ALL} }}",
}


@pytest.mark.parametrize("document", LEGITIMATE.values(), ids=LEGITIMATE)
def test_documents_of_tools_routers_and_clients_keep_within_the_budgets_and_limits(document: str) -> None:
    bound_validation()
    assert validate(SCHEMA, parse(document)) == []
    assert check_limits(parse_within(document, SETTINGS.gateway_max_tokens)[0], SETTINGS) > 0


def test_a_parsed_document_is_freed_at_once() -> None:
    """Its tokens must not refer to each other."""
    gc.collect()
    gc.disable()
    try:
        before = sum(type(each) is Token for each in gc.get_objects())
        document, _ = parse_within("{ __typename }", SETTINGS.gateway_max_tokens)
        assert sum(type(each) is Token for each in gc.get_objects()) > before
        del document
        assert sum(type(each) is Token for each in gc.get_objects()) == before
    finally:
        gc.enable()
