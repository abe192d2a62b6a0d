"""A field as one place of a document selects it: all that is known of it before it runs."""

from __future__ import annotations

from types import CoroutineType
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, GraphQLResolveInfo, GraphQLResolveInfoHelpers, located_error
from graphql.pyutils import gather_with_cancel, inspect, is_awaitable
from graphql.type import is_non_null_type

from app.execution.run import SETTLED, is_pending, settle_in_background

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from graphql import GraphQLAbstractType, GraphQLField, GraphQLObjectType, GraphQLOutputType
    from graphql.execution.collect_fields import FieldDetailsList
    from graphql.pyutils import Path

    from app.execution.core import CorePlan
    from app.execution.run import Complete, Run, Select


def _gather(values: Sequence[Awaitable[Any]]) -> Awaitable[list[Any]]:
    return gather_with_cancel(*values)


def _track(values: Sequence[Any]) -> None:
    awaitables = [value for value in values if is_pending(value)]
    if awaitables:
        settle_in_background(awaitables)


_HELPERS = GraphQLResolveInfoHelpers(gather=_gather, track=_track)
"""graphql-core's for resolvers, one for all runs: only its hooks, which nobody sets, would tell runs apart."""


class Site:
    """One response key of one object type, with every node that selects it.

    Attributes:
        core: the operation.
        parent: the object type that has the field.
        key: the response key.
        field: the definition in the schema.
        details: the nodes as graphql-core collects them; the first one has the arguments.
        select: the selection set of these nodes on an object type.
        nodes: the nodes.
        name: the field as messages write it.
        info: graphql-core's ``info`` for a run and the path of the field.
    """

    __slots__ = ("core", "details", "field", "info", "key", "name", "nodes", "parent", "select")

    def __init__(
        self,
        *,
        core: CorePlan,
        parent: GraphQLObjectType,
        key: str,
        field: GraphQLField,
        details: FieldDetailsList,
        select: Callable[[GraphQLObjectType], Select],
    ) -> None:
        self.core = core
        self.parent = parent
        self.key = key
        self.field = field
        self.details = details
        self.select = select
        self.nodes = [detail.node for detail in details]
        self.name = f"{parent}.{self.nodes[0].name.value}"
        self.info = self._info()

    def _info(self) -> Callable[[Run, Path], GraphQLResolveInfo[Any]]:
        before = (self.nodes[0].name.value, self.nodes, self.field.type, self.parent)
        schema, fragments, operation = self.core.schema, self.core.fragments, self.core.definition
        after = (is_awaitable, None, _HELPERS)
        new = tuple.__new__

        def info(run: Run, path: Path) -> GraphQLResolveInfo[Any]:
            # Straight to the tuple: the constructor with its fourteen names takes twice as long (0.8 µs).
            return new(
                GraphQLResolveInfo,
                (*before, path, schema, fragments, None, operation, run.variables, run.context, *after),
            )

        return info

    def fail(self, run: Run, error: Exception, path: Path, type_: GraphQLOutputType) -> None:
        """Put null in a value's place and keep the error, or hand it on where null may not stand (§6.4.4).

        Raises:
            GraphQLError: located, where the type is non-null.
        """
        located = located_error(error, self.nodes, path.as_list())
        if is_non_null_type(type_):
            raise located
        run.add(located, path)

    def protect(self, type_: GraphQLOutputType, complete: Complete) -> Complete:
        """What takes a value to its result, waits where there is something to wait for, and meets every error.

        The value is a field's or a list item's, and the type decides where an error stops.
        """
        fail = self.fail

        def protected(run: Run, value: Any, path: Path, at: Path) -> Any:
            try:
                kind = type(value)
                if kind is CoroutineType or (kind not in SETTLED and is_awaitable(value)):
                    return complete_awaited(run, value, path, at)
                completed = complete(run, value, path, at)
                if type(completed) not in SETTLED and is_awaitable(completed):
                    return wait(run, completed, path)
            except Exception as error:  # noqa: BLE001 - whatever a resolver raises belongs into the response
                return fail(run, error, path, type_)
            return completed

        async def complete_awaited(run: Run, value: Awaitable[Any], path: Path, at: Path) -> Any:
            try:
                completed = complete(run, await value, path, at)
                return await completed if is_pending(completed) else completed
            except Exception as error:  # noqa: BLE001 - the same
                return fail(run, error, path, type_)

        async def wait(run: Run, completed: Awaitable[Any], path: Path) -> Any:
            try:
                return await completed
            except Exception as error:  # noqa: BLE001 - the same
                return fail(run, error, path, type_)

        return protected

    def object_type(self, name: object, abstract: GraphQLAbstractType, run: Run, at: Path, value: object) -> Any:
        """The object type that a ``resolve_type`` named.

        Raises:
            GraphQLError: graphql-core's own, where it named no object type of the abstract one.
        """
        executor = self.core.executor(run.variables, run.context)
        return executor.ensure_valid_runtime_type(name, abstract, self.details, self.info(run, at), value)

    def wrong_type(self, type_: GraphQLObjectType, value: object) -> GraphQLError:
        """What graphql-core says of a value that its type's ``is_type_of`` disowns."""
        return GraphQLError(f"Expected value of type '{type_}' but got: {inspect(value)}.", self.nodes)
