"""One run of a compiled operation, and the question every step of it asks."""

from __future__ import annotations

import asyncio
from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from graphql.execution.executor import CollectedErrors
from graphql.pyutils import is_awaitable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from graphql import GraphQLError
    from graphql.pyutils import Path

    from app.execution.core import Variables

    Select: TypeAlias = Callable[["Run", Any, Path | None], Any]
    """Executes a field or a selection set: run, source, path of the source → a result or an awaitable of one."""

    Complete: TypeAlias = Callable[["Run", Any, Path, Path], Any]
    """Completes a value (§6.4.3): run, value, its path, the path of its field → a result or an awaitable of one.

    The two paths differ inside lists, where the resolver's ``info`` still speaks of the field.
    """

SETTLED = frozenset({type(None), bool, int, float, str, bytes, list, tuple, dict})
"""Classes without awaitable instances: asking ``is_awaitable`` of every value costs more than completing it does."""


class Run:
    """What differs from one run of an operation to the next."""

    __slots__ = ("collected", "context", "variables")

    def __init__(self, variables: Variables, context: object) -> None:
        self.variables = variables
        self.context = context
        self.collected: CollectedErrors | None = None

    def add(self, error: GraphQLError, path: Path | None) -> None:
        """Keep an error, unless a position above it has already become null."""
        if self.collected is None:
            self.collected = CollectedErrors()
        self.collected.add(error, path)

    @property
    def errors(self) -> list[GraphQLError] | None:
        """The errors in the order in which they came; None where there were none."""
        return self.collected.errors if self.collected is not None else None


def is_pending(value: object) -> TypeGuard[Awaitable[Any]]:
    """Whether a value has to be awaited."""
    kind = type(value)
    return kind not in SETTLED and (kind is CoroutineType or is_awaitable(value))


_background: set[asyncio.Future[Any]] = set()
"""What the event loop would otherwise be free to forget."""


def settle_in_background(awaitables: Sequence[Awaitable[Any]]) -> None:
    """Let awaitables finish whose results nobody wants any more, since an error above them is already on its way."""
    future = asyncio.gather(*awaitables, return_exceptions=True)
    _background.add(future)
    future.add_done_callback(_background.discard)
