"""A cache that keeps the values that were used last."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


class LruCache(Generic[K, V]):
    """A cache bounded by the number of its values and by their weight together.

    Args:
        max_items: the maximum number of values.
        max_weight: the maximum weight of all values together.
    """

    def __init__(self, max_items: int, max_weight: int) -> None:
        self._max_items = max_items
        self._max_weight = max_weight
        self._items: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: K) -> V | None:
        """Find a value, which then counts as used last."""
        item = self._items.get(key)
        if item is None:
            return None
        self._items.move_to_end(key)
        return item[0]

    def put(self, key: K, value: V, weight: int) -> None:
        """Keep a value in place of an earlier one of its key; a value that is too heavy alone is not kept."""
        _, replaced = self._items.pop(key, (None, 0))
        self._weight -= replaced
        if weight > self._max_weight:
            return
        self._items[key] = value, weight
        self._weight += weight
        while len(self._items) > self._max_items or self._weight > self._max_weight:
            _, (_, evicted) = self._items.popitem(last=False)
            self._weight -= evicted
