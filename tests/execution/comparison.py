"""Runs one operation on graphql-core and compiled, and says everything that a client or a resolver could tell apart."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import OperationDefinitionNode, parse, print_ast, validate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graphql import DocumentNode, ExecutionResult, GraphQLError, GraphQLSchema
    from graphql.execution.values import VariableValueSource

    from app.execution.plan import Plan

SECONDS = 10.0
"""An execution that takes longer hangs."""


@dataclass(frozen=True, slots=True)
class Case:
    """One document of a schema, and the variables of each of its runs in turn."""

    source: str
    variables: tuple[Mapping[str, object], ...] = ({},)
    name: str = ""
    hide_suggestions: bool = True


@dataclass
class Observation:
    """What one run showed."""

    data: str = ""
    errors: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    variables: str = ""


def operation_of(document: DocumentNode) -> OperationDefinitionNode:
    """The first operation of a document."""
    return next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))


def parsed(schema: GraphQLSchema, source: str) -> DocumentNode | None:
    """The document, if it is valid."""
    document = parse(source)
    return None if validate(schema, document) else document


def observe(
    plan: Plan, variables: tuple[Mapping[str, object], ...], make_context: Callable[[], Any]
) -> list[Observation]:
    """Run an operation once for each set of variables, in one event loop."""

    async def run_all() -> list[Observation]:
        return [await asyncio.wait_for(_observe(plan, each, make_context()), SECONDS) for each in variables]

    return asyncio.run(run_all())


async def _observe(plan: Plan, variables: Mapping[str, object], context: Any) -> Observation:
    coerced = plan.coerce(variables)
    if isinstance(coerced, list):
        return Observation(errors=[_shown(error) for error in coerced])
    observation = Observation(variables=f"{coerced.coerced!r} {[_source(each) for each in coerced.sources.items()]}")
    _show(observation, await plan.execute(coerced, context))
    # What graphql-core leaves to finish in the background still calls resolvers.
    for _ in range(20):
        await asyncio.sleep(0)
    observation.calls = getattr(context, "calls", [])
    return observation


def _source(item: tuple[str, VariableValueSource]) -> str:
    name, (signature, value) = item
    default = signature.default and signature.default.literal and print_ast(signature.default.literal)
    return f"{name} {signature.name}: {signature.type} = {default} was {value!r}"


def _show(observation: Observation, result: ExecutionResult) -> None:
    observation.data = json.dumps(result.data, default=repr)
    observation.errors = [_shown(error) for error in result.errors or []]
    assert result.errors is None or result.errors


def _shown(error: GraphQLError) -> dict[str, Any]:
    return {
        **error.formatted,
        "class": type(error).__name__,
        "nodes": [node.loc and node.loc.start for node in error.nodes or []],
        "original": repr(error.original_error),
        "cause": repr(error.__cause__),
        "context": type(error.__context__).__name__,
    }
