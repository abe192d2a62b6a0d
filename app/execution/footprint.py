"""How much memory plans take, counted as they grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

A_PLAN = 10_000
"""Bytes, measured with tracemalloc, as are the others; ``A_CHARACTER`` is what the syntax tree takes."""
A_CHARACTER = 150
A_SELECTION = 600
A_STEP = 200
A_SITE = 4_200
A_NODE = 120


class Footprint:
    """Bytes, about, of one plan or of many.

    A plan grows as its selection sets meet types, long after it was made: ten times over where they meet all.

    Attributes:
        bytes: how many.
    """

    __slots__ = ("_release", "_whole", "bytes")

    def __init__(self) -> None:
        self.bytes = 0
        self._whole: Footprint | None = None
        self._release: list[Callable[[], None]] = []

    def on_leave(self, release: Callable[[], None]) -> None:
        """Have a circle of references opened when the plan is forgotten: it is freed then, and not once it is found."""
        self._release.append(release)

    def grow(self, by: int) -> None:
        """Count more, here and in the whole that this is part of."""
        self.bytes += by
        if self._whole is not None:
            self._whole.bytes += by

    def join(self, whole: Footprint) -> None:
        """Be part of a whole from now on."""
        self._whole = whole
        whole.bytes += self.bytes

    def leave(self) -> None:
        """Be part of it no longer; a plan that was forgotten while it runs still grows."""
        if self._whole is not None:
            self._whole.bytes -= self.bytes
            self._whole = None
        for release in self._release:
            release()
