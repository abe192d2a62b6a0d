"""Selection sets: collected once for each object type they meet, executed together (GraphQL §6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from graphql.execution.collect_fields import collect_fields, collect_subfields
from graphql.execution.values import VariableValues
from graphql.pyutils import gather_with_cancel
from graphql.type import TypeNameMetaFieldDef

from app.execution.fields import field
from app.execution.run import is_pending, settle_in_background
from app.execution.site import Site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLObjectType
    from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
    from graphql.pyutils import Path

    from app.execution.core import CorePlan
    from app.execution.run import Run, Select


@dataclass(frozen=True, slots=True)
class Selection:
    """The fields of one object type that a selection set asks for.

    Attributes:
        blank: every response key in its place, with the type's name under those of ``__typename``.
        fields: what executes each of the others, in order.
    """

    blank: dict[str, Any]
    fields: tuple[tuple[str, Select], ...]


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
        self._conditions = VariableValues({}, dict(conditions))
        self._selects: dict[tuple[str, tuple[int, ...]], Select] = {}

    def root(self, type_: GraphQLObjectType) -> Selection:
        """The root fields of the operation."""
        core = self._core
        collected = collect_fields(
            core.schema, core.details, self._conditions, type_, core.definition, core.hide_suggestions
        )
        return self._selection(type_, collected.grouped_field_set)

    def select(self, details: FieldDetailsList, type_: GraphQLObjectType) -> Select:
        """What executes the merged selection sets of these nodes on a source of this type."""
        # The nodes live as long as the document, so their addresses name them.
        key = type_.name, tuple(id(detail.node) for detail in details)
        select = self._selects.get(key)
        if select is None:
            core = self._core
            collected = collect_subfields(
                core.schema, core.details, self._conditions, core.definition, type_, details, core.hide_suggestions
            )
            select = self._selects[key] = together(self._selection(type_, collected.grouped_field_set))
        return select

    def _selection(self, type_: GraphQLObjectType, grouped: GroupedFieldSet) -> Selection:
        blank: dict[str, Any] = {}
        fields: list[tuple[str, Select]] = []
        for key, details in grouped.items():
            definition = self._core.schema.get_field(type_, details[0].node.name.value)
            if definition is TypeNameMetaFieldDef:
                blank[key] = type_.name
            elif definition is not None:
                blank[key] = None
                select = partial(self.select, details)
                site = Site(core=self._core, parent=type_, key=key, field=definition, details=details, select=select)
                fields.append((key, field(site)))
        return Selection(blank, tuple(fields))


def together(selection: Selection) -> Select:
    """Executes fields in order without waiting for any, then waits for those that are pending together."""
    blank, fields = selection.blank, selection.fields

    def select(run: Run, source: Any, path: Path | None) -> Any:
        results = blank.copy()
        pending: list[str] = []
        try:
            for key, execute in fields:
                value = execute(run, source, path)
                results[key] = value
                if is_pending(value):
                    pending.append(key)
        except Exception:
            if pending:
                settle_in_background([results[key] for key in pending])
            raise
        return wait(results, pending) if pending else results

    async def wait(results: dict[str, Any], pending: list[str]) -> dict[str, Any]:
        if len(pending) == 1:
            # As graphql-core does: a task for one would shift its turn in the event loop, and so the order of errors.
            results[pending[0]] = await results[pending[0]]
            return results
        results.update(zip(pending, await gather_with_cancel(*(results[key] for key in pending)), strict=True))
        return results

    return select
