"""One operation, run by a plan and by graphql-core: every effect that a client or a resolver can see."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import OperationDefinitionNode, execute, parse
from graphql.pyutils import is_awaitable

from app.execution.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from graphql import ExecutionResult, GraphQLSchema

SECONDS = 10.0
"""An execution that takes longer hangs."""


@dataclass
class Observation:
    """The result of one run: the data with the order of its names, the errors, and the calls of resolvers."""

    data: str
    errors: list[dict[str, Any]]
    calls: list[str] = field(default_factory=list)


def plan_of(schema: GraphQLSchema, source: str) -> Plan:
    document = parse(source)
    operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    return Plan(schema, document, operation, hide_suggestions=True, max_calls=100, max_refusal_bytes=1_000_000)


def run_plan(plan: Plan, variables: Mapping[str, object], context: Any) -> Observation:
    """Run a plan.

    Raises:
        RequestError: the variables are wrong.
    """
    coerced = plan.coerce(variables)
    return _observe(lambda: plan.execute(coerced, context), context)


def run_graphql_core(schema: GraphQLSchema, source: str, variables: Mapping[str, object], context: Any) -> Observation:
    """Run the only operation of a document by ``graphql.execute``."""

    async def run() -> ExecutionResult:
        result: Any = execute(
            schema, parse(source), variable_values=dict(variables), context_value=context, hide_suggestions=True
        )
        finished: ExecutionResult = await result if is_awaitable(result) else result
        return finished

    return _observe(run, context)


def _observe(start: Callable[[], Awaitable[ExecutionResult]], context: Any) -> Observation:
    async def run() -> Observation:
        result = await asyncio.wait_for(start(), SECONDS)
        errors = [dict(error.formatted) for error in result.errors or ()]
        return Observation(json.dumps(result.data, default=repr), errors, list(getattr(context, "calls", ())))

    return asyncio.run(run())
