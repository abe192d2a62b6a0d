"""A selection set on one object type, its fields executed together (GraphQL §6.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from graphql.pyutils import gather_with_cancel
from graphql.type import TypeNameMetaFieldDef

from app.execution.fields import NO_LEAF, Leaf, Reading, field, leaf
from app.execution.footprint import A_SELECTION, A_STEP
from app.execution.leaves import is_within_int
from app.execution.run import is_pending, settle_in_background

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLObjectType
    from graphql.execution.collect_fields import GroupedFieldSet
    from graphql.pyutils import Path

    from app.execution.run import Run, Select
    from app.execution.selections import Selections


class Step(NamedTuple):
    """What executes one response key: an attribute that is read as it is, or a function.

    Attributes:
        key: the response key.
        leaf: the attribute.
        execute: the function; None where there is the attribute.
    """

    key: str
    leaf: Leaf
    execute: Select | None


class Selection:
    """The fields of one object type that a selection set asks for.

    Leaves that are read from the source and go into the response as they are have no function of their own: calling
    one takes longer than reading, and a document of many fields that meets many types would keep megabytes of them.

    Args:
        selections: those of the operation.
        type_: the object type.
        collect: collects the fields.
    """

    __slots__ = ("_blank", "_collect", "_grouped", "_readings", "_selections", "_steps", "_type")

    def __init__(
        self,
        selections: Selections,
        type_: GraphQLObjectType,
        collect: Callable[[], GroupedFieldSet],
    ) -> None:
        self._selections = selections
        self._type = type_
        self._collect = collect
        self._grouped: GroupedFieldSet = {}
        self._readings: dict[str, Reading] = {}
        self._blank: dict[str, Any] = {}
        steps: list[Step] = []
        for key, details in collect().items():
            definition = selections.definition(type_, details)
            if definition is TypeNameMetaFieldDef:
                self._blank[key] = type_.name
            else:
                self._blank[key] = None
                read = leaf(definition)
                execute = field(selections.site(type_, key, definition, details)) if read is NO_LEAF else None
                steps.append(Step(key, read, execute))
        self._steps = tuple(steps)
        selections.footprint.grow(A_SELECTION + A_STEP * len(steps))

    def execute(self, run: Run, source: Any, path: Path | None) -> Any:
        """Execute the fields in order without waiting for any, then wait for those that are pending together."""
        results = self._blank.copy()
        pending: list[str] = []
        try:
            for key, (name, class_, nullable), execute in self._steps:
                if execute is not None:
                    value = execute(run, source, path)
                else:
                    try:
                        value = getattr(source, name)
                    except Exception as error:  # noqa: BLE001 - a property may raise anything
                        value = self._reading(key).fail(run, error, path)
                    else:
                        if type(value) is class_ and (class_ is not int or is_within_int(value)):
                            results[key] = value
                            continue
                        if value is not None or not nullable:
                            value = self._reading(key).complete(run, value, path)
                results[key] = value
                if is_pending(value):
                    pending.append(key)
        except Exception:
            if pending:
                settle_in_background([results[key] for key in pending])
            raise
        return _settle(results, pending) if pending else results

    def _reading(self, key: str) -> Reading:
        """What becomes of a leaf that is not as most are; made when it is first needed."""
        reading = self._readings.get(key)
        if reading is None:
            if not self._grouped:
                self._grouped = self._collect()
            details = self._grouped[key]
            definition = self._selections.definition(self._type, details)
            reading = self._readings[key] = Reading(self._selections.site(self._type, key, definition, details))
        return reading


async def _settle(results: dict[str, Any], pending: list[str]) -> dict[str, Any]:
    """Await the fields that are still pending, together where there are several."""
    if len(pending) == 1:
        # As graphql-core does: a task for one would shift its turn in the event loop, and so the order of errors.
        results[pending[0]] = await results[pending[0]]
        return results
    results.update(zip(pending, await gather_with_cancel(*(results[key] for key in pending)), strict=True))
    return results
