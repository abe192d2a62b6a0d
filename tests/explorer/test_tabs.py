"""The explorer's first document runs unchanged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from graphql import GraphQLUnionType, get_variable_values, parse, validate
from graphql.execution.values import VariableValues
from graphql.language import FieldNode, InlineFragmentNode, OperationDefinitionNode

from app.explorer.tabs import DELETE_MANY, DELETE_ONE, default_tabs
from app.settings import load
from schema.root import build_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import SelectionNode

SCHEMA = build_schema()


@pytest.mark.parametrize("sandbox", [True, False], ids=["sandbox", "live"])
def test_every_document_and_its_variables_are_valid(*, sandbox: bool) -> None:
    core = SCHEMA._schema  # noqa: SLF001 - no public name
    for tab in default_tabs(load({}), sandbox=sandbox):
        document = parse(tab["query"])
        assert validate(core, document) == []
        (operation,) = document.definitions
        assert isinstance(operation, OperationDefinitionNode)
        definitions = list(operation.variable_definitions or ())
        assert isinstance(get_variable_values(core, definitions, json.loads(tab["variables"])), VariableValues)


def selections(source: str, *path: str) -> Sequence[SelectionNode]:
    """Find what a document selects below the fields of a path."""
    (operation,) = parse(source).definitions
    assert isinstance(operation, OperationDefinitionNode)
    found: Sequence[SelectionNode] = operation.selection_set.selections
    for name in path:
        field = next(each for each in found if isinstance(each, FieldNode) and each.name.value == name)
        assert field.selection_set
        found = field.selection_set.selections
    return found


@pytest.mark.parametrize(
    ("source", "path"),
    [(DELETE_ONE, ["deleteContact"]), (DELETE_MANY, ["deleteContacts", "result"])],
    ids=["one", "many"],
)
def test_every_member_of_the_union_is_selected(source: str, path: list[str]) -> None:
    core = SCHEMA._schema  # noqa: SLF001 - no public name
    union = core.get_type("DeleteContactResult")
    assert isinstance(union, GraphQLUnionType)
    selected: dict[str, set[str]] = {}
    common: set[str] = set()
    for selection in selections(source, *path):
        if isinstance(selection, FieldNode):
            common.add(selection.name.value)
        elif isinstance(selection, InlineFragmentNode):
            assert selection.type_condition
            names = {part.name.value for part in selection.selection_set.selections if isinstance(part, FieldNode)}
            condition = core.get_type(selection.type_condition.name.value)
            for member in union.types:
                if condition is member or condition in member.interfaces:
                    selected.setdefault(member.name, set()).update(names)
    assert common == {"__typename"}
    # The envelope is for programs; everything else is shown.
    assert selected == {member.name: set(member.fields) - {"response"} for member in union.types}


def variables(*, sandbox: bool, company: str = "") -> list[object]:
    settings = load({"WETHOD_COMPANY": company})
    return [json.loads(tab["variables"]) for tab in default_tabs(settings, sandbox=sandbox)]


def test_outside_the_sandbox_a_first_run_deletes_nothing() -> None:
    assert variables(sandbox=False, company="globex") == [{"id": ""}, {"ids": []}]


def test_the_ids_are_those_of_the_company_in_the_sandbox() -> None:
    assert variables(sandbox=True) == [{"id": "1"}, {"ids": ["2", "10", "999", "x"]}]
    assert variables(sandbox=True, company="globex") == [{"id": "101"}, {"ids": ["102", "110", "999", "x"]}]
