"""Lists: each item is completed on its own, and those that wait do so together (GraphQL §6.4.3)."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, located_error
from graphql.pyutils import Path, Undefined, gather_with_cancel, is_iterable
from graphql.pyutils.is_awaitable import is_async_iterable

from app.execution.leaves import is_within_int, unchanged_class
from app.execution.run import is_pending, settle_in_background

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator

    from graphql import GraphQLOutputType

    from app.execution.run import Complete, Run
    from app.execution.site import Site


class ListCompletion:
    """What completes the lists of one field.

    Args:
        item_type: the type of their items.
        complete_item: what completes one of them.
        site: the field.
    """

    __slots__ = ("_complete_item", "_site", "_unchanged")

    def __init__(self, item_type: GraphQLOutputType, complete_item: Complete, site: Site) -> None:
        self._complete_item = site.protect(item_type, complete_item)
        self._unchanged = unchanged_class(item_type)
        self._site = site

    def complete(self, run: Run, value: Any, path: Path, at: Path) -> Any:
        """Complete a list, or whatever else can be iterated over, asynchronously or not."""
        if isinstance(value, Exception):
            raise value
        if value is None or value is Undefined:
            return None
        if type(value) is not list:
            if is_async_iterable(value):
                return self._complete_async(run, value.__aiter__(), path, at)
            if not is_iterable(value):
                message = f"Expected Iterable, but did not find one for field '{self._site.name}'."
                raise GraphQLError(message)
        return self._complete_items(run, value, path, at)

    def _complete_items(self, run: Run, items: Iterable[Any], path: Path, at: Path) -> Any:
        complete, unchanged, new = self._complete_item, self._unchanged, tuple.__new__
        results: list[Any] = []
        pending: list[int] = []
        iterator = iter(items)
        try:
            for index, item in enumerate(iterator):
                if type(item) is unchanged and (unchanged is not int or is_within_int(item)):
                    results.append(item)
                    continue
                result = complete(run, item, new(Path, (path, index, None)), at)
                if is_pending(result):
                    pending.append(index)
                results.append(result)
        except Exception:
            # What the iterator still holds must not be left unawaited either.
            waiting = [*(results[index] for index in pending), *_awaitables(iterator)]
            if waiting:
                settle_in_background(waiting)
            raise
        return _settle(results, pending) if pending else results

    async def _complete_async(self, run: Run, iterator: AsyncIterator[Any], path: Path, at: Path) -> list[Any]:
        results: list[Any] = []
        pending: list[int] = []
        close = getattr(iterator, "aclose", None)
        try:
            while True:
                try:
                    item = await anext(iterator)
                except StopAsyncIteration:
                    break
                except Exception as error:
                    raise located_error(error, self._site.nodes, path.as_list()) from error
                result = self._complete_item(run, item, Path(path, len(results), None), at)
                if is_pending(result):
                    pending.append(len(results))
                results.append(result)
        except Exception:
            if close is not None:
                with contextlib.suppress(Exception):
                    await close()
            if pending:
                settle_in_background([results[index] for index in pending])
            raise
        return await _settle(results, pending) if pending else results


async def _settle(results: list[Any], pending: list[int]) -> list[Any]:
    """Await the items that are still pending, together where there are several."""
    if len(pending) == 1:
        # As graphql-core does: a task for one would shift its turn in the event loop, and so the order of errors.
        results[pending[0]] = await results[pending[0]]
        return results
    for index, result in zip(pending, await gather_with_cancel(*(results[index] for index in pending)), strict=True):
        results[index] = result
    return results


def _awaitables(iterator: Iterator[Any]) -> list[Awaitable[Any]]:
    """Drain an iterator for what in it is awaitable, whether it raises or not."""
    found: list[Awaitable[Any]] = []
    with contextlib.suppress(Exception):
        found.extend(item for item in iterator if is_pending(item))
    return found
