"""The context of the resolvers of one GraphQL request: their access to Wethod."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.wethod.call import CallContext, CallInProgress

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from app.wethod.call import Arguments
    from app.wethod.caller import CallerReader
    from app.wethod.executor import Executor
    from schema.context import A, WethodContext
    from schema.rest import Outcome, P, RestOperation


class RequestContext(CallContext, kw_only=True):
    """An implementation of ``schema.context.Wethod`` for one request.

    Attributes:
        executor: runs the operations.
        callers: describes the caller.
    """

    executor: Executor
    callers: CallerReader

    def call(self, operation: RestOperation[P, Outcome], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[Outcome]:
        """Call an operation once. A failure of Wethod or of the network is an outcome and raises nothing."""
        return self.executor.execute(CallInProgress(self, operation, bind(operation, args, kwargs)))

    def call_many(
        self, operation: RestOperation[[A], Outcome], arguments: Sequence[A]
    ) -> Awaitable[Sequence[Outcome | Exception | None]]:
        """Call an operation of one parameter for each distinct argument, several at a time."""
        return self.executor.call_many(self, operation, arguments)

    def describe(self) -> WethodContext:
        """Describe the request by its headers."""
        return self.callers.describe(self.caller)


def bind(operation: RestOperation[Any, Any], args: tuple[object, ...], kwargs: dict[str, object]) -> Arguments:
    """Put the arguments of a call in the order of the operation's parameters.

    Raises:
        TypeError: they do not fit the parameters: a bug, which a type checker finds.
    """
    names = operation.parameters
    if not kwargs and len(args) == len(names):
        return args
    if len(args) + len(kwargs) != len(names) or not kwargs.keys() <= set(names[len(args) :]):
        raise TypeError(f"{operation.name} takes {', '.join(names)}")
    return *args, *[kwargs[name] for name in names[len(args) :]]
