"""The selection sets of an operation, collected once for each object type they meet (GraphQL §6.3.2)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from graphql.execution.collect_fields import collect_fields, collect_subfields
from graphql.execution.values import VariableValues
from graphql.type import TypeNameMetaFieldDef

from app.execution.fields import field
from app.execution.footprint import A_NODE, A_SITE
from app.execution.run import is_pending
from app.execution.selection import Selection
from app.execution.site import Site

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from graphql import GraphQLField, GraphQLObjectType
    from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet

    from app.execution.core import CorePlan
    from app.execution.run import Run, Select


class Selections:
    """The selection sets of an operation for one choice of what ``@skip`` and ``@include`` let through.

    They are collected by graphql-core itself, each when it first meets a type: what no answer ever needed costs
    nothing, and a document whose fragments unfold exponentially is not unfolded.

    Args:
        core: the operation.
        conditions: the value of every variable that a ``@skip`` or an ``@include`` looks at.
    """

    def __init__(self, core: CorePlan, conditions: Mapping[str, bool]) -> None:
        self._core = core
        self.footprint = core.footprint
        self._conditions = VariableValues({}, dict(conditions))
        self._selections: dict[tuple[str, tuple[int, ...]], Selection] = {}
        core.footprint.on_leave(self._selections.clear)  # they hold these, by their sites

    def root(self, type_: GraphQLObjectType) -> Select:
        """What executes the root fields of the operation together."""
        return Selection(self, type_, partial(self._collect_root, type_)).execute

    def serial_root(self, type_: GraphQLObjectType) -> Callable[[Run], Awaitable[dict[str, Any]]]:
        """What executes the root fields of the operation, each only once the one before it is complete (§6.2.2)."""
        blank: dict[str, Any] = {}
        fields: list[tuple[str, Select]] = []
        for key, details in self._collect_root(type_).items():
            definition = self.definition(type_, details)
            if definition is TypeNameMetaFieldDef:
                blank[key] = type_.name
            else:
                blank[key] = None
                fields.append((key, field(self.site(type_, key, definition, details))))

        async def execute(run: Run) -> dict[str, Any]:
            results = blank.copy()
            for key, execute_field in fields:
                value = execute_field(run, None, None)
                results[key] = await value if is_pending(value) else value
            return results

        return execute

    def select(self, details: FieldDetailsList, type_: GraphQLObjectType) -> Select:
        """What executes the merged selection sets of these nodes on a source of this type."""
        # The nodes live as long as the document, so their addresses name them.
        key = type_.name, tuple(id(detail.node) for detail in details)
        selection = self._selections.get(key)
        if selection is None:
            selection = self._selections[key] = Selection(self, type_, partial(self._collect, details, type_))
        return selection.execute

    def site(self, type_: GraphQLObjectType, key: str, definition: GraphQLField, details: FieldDetailsList) -> Site:
        """One response key of one of them."""
        self.footprint.grow(A_SITE + A_NODE * len(details))
        select = partial(self.select, details)
        return Site(core=self._core, parent=type_, key=key, field=definition, details=details, select=select)

    def definition(self, type_: GraphQLObjectType, details: FieldDetailsList) -> GraphQLField:
        """The field that these nodes select; a valid document selects none that is not there."""
        return cast("GraphQLField", self._core.schema.get_field(type_, details[0].node.name.value))

    def _collect_root(self, type_: GraphQLObjectType) -> GroupedFieldSet:
        core = self._core
        return collect_fields(
            core.schema, core.details, self._conditions, type_, core.definition, core.hide_suggestions
        ).grouped_field_set

    def _collect(self, details: FieldDetailsList, type_: GraphQLObjectType) -> GroupedFieldSet:
        core = self._core
        return collect_subfields(
            core.schema, core.details, self._conditions, core.definition, type_, details, core.hide_suggestions
        ).grouped_field_set
