"""The parts of Strawberry and graphql-core that execution relies on; an upgrade that moves one fails here."""

from __future__ import annotations

import ast
import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import strawberry
from graphql import (
    GraphQLObjectType,
    GraphQLResolveInfo,
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
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import create_type
from strawberry.types.info import Info

import schema as contract
from app.documents.limits import Limits, parse_within
from app.execution.graphql_core import OUT_OF_BUDGET, bound_validation
from app.execution.strawberry_types import (
    has_default_configuration,
    object_type_of,
    plain_attribute,
    resolver_of,
)
from tests.execution.comparison import plan_of, run_graphql_core, run_plan
from tests.execution.contacts import StubContacts, build_contact_schema

if TYPE_CHECKING:
    from collections.abc import Coroutine

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
    """A field that is not would silently cost ten times more."""
    class_ = type_.extensions["strawberry-definition"].origin
    assert object_type_of(class_, type_, SCHEMA) is type_
    assert [name for name, field in type_.fields.items() if plain_attribute(field) is None] == []
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


@pytest.mark.parametrize("field", ROOTS.values(), ids=ROOTS)
def test_every_root_resolver_of_ours_is_called_directly(field: GraphQLField) -> None:
    """The way through Strawberry costs 6 µs more."""
    assert resolver_of(field) is not None


def test_our_schema_has_strawberry_s_default_configuration() -> None:
    """Another configuration may change what a resolver receives or what an attribute means."""
    assert has_default_configuration(SCHEMA)

    class OtherInfo(strawberry.Info):
        """Another class of info."""

    @strawberry.type
    class Query:
        """One field."""

        one: int = 1

    for config in (
        StrawberryConfig(info_class=OtherInfo),
        StrawberryConfig(default_resolver=lambda source, name: (source, name)),
    ):
        assert not has_default_configuration(strawberry.Schema(query=Query, config=config)._schema)  # noqa: SLF001 - no public way


def test_no_type_of_ours_is_cast() -> None:
    """``strawberry.cast`` gives a value a type that its class does not tell."""
    for path in Path(contract.__path__[0]).glob("*.py"):
        names = {
            node.attr
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Attribute)
        }
        assert "cast" not in names, path


def test_a_resolver_receives_the_info_that_strawberry_would_pass() -> None:
    """The same class, and every part of it that does not belong to one run."""
    seen: list[Info[Any, Any]] = []

    @strawberry.field
    def look(info: strawberry.Info, name: str = "a") -> str | None:
        """Keep the info."""
        seen.append(info)
        return name

    made = strawberry.Schema(query=create_type("Query", [look]))._schema  # noqa: SLF001 - no public way
    source = 'query ($n: String! = "b") { x: look(name: $n) }'
    assert run_plan(plan_of(made, source), {}, "context") == run_graphql_core(made, source, {}, "context")
    ours, theirs = seen
    assert type(ours) is type(theirs) is Info
    assert (ours.context, ours.path, ours.variable_values, ours.field_name, ours.python_name) == (
        theirs.context,
        theirs.path,
        theirs.variable_values,
        theirs.field_name,
        theirs.python_name,
    )
    raw: GraphQLResolveInfo[Any] = ours._raw_info  # noqa: SLF001 - graphql-core's info
    assert type(raw) is GraphQLResolveInfo
    for name in ("return_type", "parent_type", "schema", "root_value", "abort_signal"):
        assert getattr(raw, name) == getattr(theirs._raw_info, name), name  # noqa: SLF001 - graphql-core's info


WIDE = "{ wethodContext { " + "company " * 200 + "} }"
SPREAD = (
    " ".join(f"query Q{number} {{ ...F0 ...S{number} }}" for number in range(40))
    + " ".join(f" fragment S{number} on Query {{ __typename }}" for number in range(40))
    + " ".join(f" fragment F{number} on Query {{ ...F{number + 1} }}" for number in range(60))
    + " fragment F60 on Query { __typename }"
)


@pytest.mark.parametrize("document", [WIDE, SPREAD], ids=["merging", "fragments"])
def test_the_budgets_of_validation_take_effect(monkeypatch: pytest.MonkeyPatch, document: str) -> None:
    """A document that graphql-core takes by default is refused once the budgets are lowered."""
    monkeypatch.setattr(overlapping_fields_can_be_merged, "MAX_COMPLEXITY_BUDGET", 500_000)
    monkeypatch.setattr(validation_context, "MAX_FRAGMENT_WORK", 50_000)

    def errors() -> list[GraphQLError]:
        rules = [rule for rule in specified_rules if rule.__name__ != "LoneAnonymousOperationRule"]
        return validate(SCHEMA, parse(document), rules)

    assert errors() == []
    bound_validation()
    assert [error.message for error in errors()] == [OUT_OF_BUDGET]


ALL = "__typename ... on WethodError { key message statusCode response { version } }"
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
def test_legitimate_documents_keep_within_the_budgets(document: str) -> None:
    """Tools, routers and clients send these."""
    bound_validation()
    assert validate(SCHEMA, parse(document)) == []


def test_a_parsed_document_is_freed_at_once() -> None:
    """Its tokens do not refer to each other: an evicted plan does not wait for the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        before = sum(type(each) is Token for each in gc.get_objects())
        document = parse_within("{ __typename }", Limits(1_000, 20, 20))
        assert sum(type(each) is Token for each in gc.get_objects()) > before
        del document
        assert sum(type(each) is Token for each in gc.get_objects()) == before
    finally:
        gc.enable()


def test_a_run_makes_no_task() -> None:
    """The resolver of a mutation is awaited in the task of the request."""
    source = "mutation { deleteContact(id: 2) { __typename } }"
    plan = plan_of(SCHEMA, source)
    coroutine = plan.execute(plan.coerce({}), StubContacts())
    assert _drive(coroutine).data == {"deleteContact": {"__typename": "WethodValidationError"}}


def _drive(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine outside an event loop, where no task can be made."""
    while True:
        try:
            coroutine.send(None)
        except StopIteration as stopped:
            return stopped.value
