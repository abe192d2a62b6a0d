"""From a validated operation to closures that call the schema's own resolvers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from graphql import ExecutionResult, GraphQLError, OperationType

from app.execution.run import Run, is_pending
from app.execution.selections import Selections
from app.execution.variables import coercion

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from graphql import GraphQLObjectType

    from app.execution.core import CorePlan, Variables

    Execute = Callable[[Run], Awaitable[Any] | dict[str, Any]]

MAX_CHOICES = 16
"""How many choices of ``@skip`` and ``@include`` are compiled for one operation; further ones run on graphql-core."""


class CompiledPlan:
    """One operation of a validated document, compiled.

    The result is graphql-core's in everything a client can see, and for every order in which resolvers finish.

    Args:
        core: the operation, and what runs it where the compiler must not.
        conditions: the variables that ``@skip`` and ``@include`` look at.
    """

    def __init__(self, core: CorePlan, conditions: tuple[str, ...]) -> None:
        self.operation: OperationType = core.operation
        self.footprint = core.footprint
        self.coerce = coercion(core)
        self._core = core
        self._conditions = conditions
        self._choices: dict[tuple[bool, ...], Execute] = {}
        self._only = None if conditions else self._compile(())

    @property
    def choices(self) -> int:
        """How many choices of ``@skip`` and ``@include`` are compiled."""
        return len(self._choices)

    async def execute(self, variables: Variables, context: object) -> ExecutionResult:
        """Run once. Errors of fields are in the result; nothing is raised for them (§6.4.4)."""
        execute = self._only or self._choice(variables)
        if execute is None:
            return await self._core.execute(variables, context)
        run = Run(variables, context)
        try:
            result = execute(run)
            data: Any = await result if is_pending(result) else result
        except GraphQLError as error:
            run.add(error, None)
            data = None
        return ExecutionResult(data, run.errors)

    def _choice(self, variables: Variables) -> Execute | None:
        """What runs for these values of the conditions; None where that is graphql-core."""
        coerced = variables.coerced
        values = tuple(cast("bool", coerced.get(name)) for name in self._conditions)
        execute = self._choices.get(values)
        # Null and absent are errors, and graphql-core words them.
        if execute is None and len(self._choices) < MAX_CHOICES and all(type(value) is bool for value in values):
            execute = self._choices[values] = self._compile(values)
        return execute

    def _compile(self, values: tuple[bool, ...]) -> Execute:
        core = self._core
        root_type = cast("GraphQLObjectType", core.schema.get_root_type(core.operation))
        selections = Selections(core, dict(zip(self._conditions, values, strict=True)))
        if core.operation is OperationType.MUTATION:
            return selections.serial_root(root_type)
        select = selections.root(root_type)
        return lambda run: select(run, None, None)
