"""Delegation to graphql-core's executor. Results of root resolvers that have already run are replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from graphql import execute
from graphql.pyutils import is_awaitable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from graphql import DocumentNode, ExecutionResult, GraphQLResolveInfo, GraphQLSchema


class Raised(NamedTuple):
    """The exception that a resolver raised."""

    error: Exception


async def delegate(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation_name: str | None,
    variables: Mapping[str, object],
    context: object,
    *,
    outcomes: Mapping[str, object],
    hide_suggestions: bool,
) -> ExecutionResult:
    """Run an operation of a valid document by graphql-core.

    Args:
        schema: the schema that validated the document.
        document: the whole document.
        operation_name: the operation; None if the document has one only.
        variables: their values before coercion.
        context: the context of the request.
        outcomes: by response name, what resolvers of root fields returned, or ``Raised``. These do not run again.
        hide_suggestions: messages leave out names of the schema that the client did not write.
    """

    def replay(resolve: Callable[..., Any], source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        key = info.path.key
        if info.path.prev is not None or key not in outcomes:
            return resolve(source, info, **arguments)
        outcome = outcomes[cast("str", key)]
        if isinstance(outcome, Raised):
            raise outcome.error
        return outcome

    result = execute(
        schema,
        document,
        context_value=context,
        variable_values=cast("dict[str, Any]", variables),
        operation_name=operation_name,
        middleware=[replay] if outcomes else None,
        hide_suggestions=hide_suggestions,
    )
    if is_awaitable(result):
        return await cast("Awaitable[ExecutionResult]", result)
    return cast("ExecutionResult", result)
