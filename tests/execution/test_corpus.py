"""The compiler answers as graphql-core does, case by case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.execution.plan import CompiledPlan, plan_operation
from tests.execution.comparison import Case, observe, operation_of, parsed
from tests.execution.contacts import StubContacts, build_contact_schema
from tests.execution.corpus import CONTACT_CASES, RICH_CASES
from tests.execution.rich_schema import Context, build_rich_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLSchema

SCHEMAS: dict[str, tuple[GraphQLSchema, Callable[[], Any]]] = {
    "contact": (build_contact_schema(), StubContacts),
    "rich": (build_rich_schema(), Context),
}


@pytest.mark.parametrize(
    ("schema_name", "case"),
    [
        *(pytest.param("contact", case, id=f"contact-{case.name}") for case in CONTACT_CASES),
        *(pytest.param("rich", case, id=f"rich-{case.name}") for case in RICH_CASES),
    ],
)
def test_a_compiled_operation_shows_nothing_of_being_compiled(schema_name: str, case: Case) -> None:
    """Data, order of keys, errors, their order, what resolvers saw and when: all as on graphql-core."""
    schema, make_context = SCHEMAS[schema_name]
    document = parsed(schema, case.source)
    assert document is not None
    operation = operation_of(document)
    hide = case.hide_suggestions
    core = plan_operation(schema, document, operation, hide_suggestions=hide, compiled=False)
    compiled = plan_operation(schema, document, operation, hide_suggestions=hide)
    assert type(compiled) is CompiledPlan
    assert compiled.operation is operation.operation
    expected = observe(core, case.variables, make_context)
    assert observe(compiled, case.variables, make_context) == expected
