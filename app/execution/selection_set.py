"""The selection sets of one operation: which fields they select on an object (GraphQL §6.3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from graphql import BooleanValueNode, FieldNode, FragmentDefinitionNode, FragmentSpreadNode, VariableNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from graphql import (
        DocumentNode,
        GraphQLAbstractType,
        GraphQLObjectType,
        GraphQLSchema,
        InlineFragmentNode,
        NamedTypeNode,
        SelectionNode,
        SelectionSetNode,
    )

_CONDITIONS = {"skip": False, "include": True}
"""The value of ``if`` that keeps a selection, by directive."""


def next_fragment(
    selection: SelectionNode, fragments: Mapping[str, FragmentDefinitionNode], visited: set[str]
) -> FragmentDefinitionNode | InlineFragmentNode | None:
    """Return the fragment that a selection other than a field selects; None if it is in ``visited`` (GraphQL §6.3.2).

    Args:
        selection: a fragment spread or an inline fragment.
        fragments: the fragments of the document by name.
        visited: the names of the fragments that were spread before; the one that is returned is added.
    """
    if not isinstance(selection, FragmentSpreadNode):
        return cast("InlineFragmentNode", selection)
    name = selection.name.value
    if name in visited:
        return None
    visited.add(name)
    return fragments[name]


class Selections:
    """The selection sets of an operation, under one choice of its ``@skip`` and ``@include``.

    Args:
        schema: the schema that validated the document.
        fragments: the fragments of the document by name.
        conditions: the value of each Boolean variable, for ``@skip`` and ``@include``; None to ignore these directives.
    """

    __slots__ = ("_conditions", "fragments", "schema")

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: dict[str, FragmentDefinitionNode],
        conditions: Mapping[str, bool | None] | None,
    ) -> None:
        self.schema = schema
        self.fragments = fragments
        self._conditions = conditions

    def collect(self, sets: Iterable[SelectionSetNode], type_: GraphQLObjectType) -> dict[str, list[FieldNode]]:
        """Collect the fields of merged selection sets on an object type, by response name."""
        fields: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        for selection_set in sets:
            self._collect(selection_set, type_, fields, visited)
        return fields

    def _collect(
        self,
        selection_set: SelectionSetNode,
        type_: GraphQLObjectType,
        fields: dict[str, list[FieldNode]],
        visited: set[str],
    ) -> None:
        for selection in selection_set.selections:
            if (
                selection.directives
                and self._conditions is not None
                and not self._is_included(selection, self._conditions)
            ):
                continue
            if isinstance(selection, FieldNode):
                key = (selection.alias or selection.name).value
                fields.setdefault(key, []).append(selection)
                continue
            fragment = next_fragment(selection, self.fragments, visited)
            if fragment is not None and self._applies(fragment.type_condition, type_):
                self._collect(fragment.selection_set, type_, fields, visited)

    @staticmethod
    def _is_included(selection: SelectionNode, conditions: Mapping[str, bool | None]) -> bool:
        for directive in selection.directives or ():
            value = (directive.arguments or ())[0].value
            given = (
                conditions[value.name.value]
                if isinstance(value, VariableNode)
                else cast("BooleanValueNode", value).value
            )
            if given is not _CONDITIONS[directive.name.value]:
                return False
        return True

    def _applies(self, condition: NamedTypeNode | None, type_: GraphQLObjectType) -> bool:
        if condition is None or condition.name.value == type_.name:
            return True
        named = self.schema.type_map[condition.name.value]
        return self.schema.is_sub_type(cast("GraphQLAbstractType", named), type_)


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """Index the fragments of a document by name."""
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
