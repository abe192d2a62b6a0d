"""Numbers that all processes of one start share: each worker writes its own row, and any of them reads all."""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from pathlib import Path

_CELL_BYTES = 8


class Board:
    """Rows of numbers in shared memory.

    A row has one writer, so that writing needs no lock; a successor takes over the row of a worker that died, and
    what was counted stays counted. An aligned cell of eight bytes is written and read whole.

    Pickled, it crosses a process border by its address, as long as the process that made it lives. The memory itself
    lives until the last process lets go of it.

    Args:
        rows: how many workers.
        columns: how many numbers each.
        address: path of a board that another process made; None makes one.

    Raises:
        OSError: there is none at the address, or no memory to be had.
    """

    def __init__(self, rows: int, columns: int, address: str | None = None) -> None:
        self.rows = rows
        self.columns = columns
        size = rows * columns * _CELL_BYTES
        if address is None:
            fd, self.address = _make(size)
            # The address leads to this descriptor.
            weakref.finalize(self, os.close, fd)
            memory = mmap.mmap(fd, size)
        else:
            self.address = address
            with Path(address).open("r+b") as file:
                memory = mmap.mmap(file.fileno(), size)
        self._cells = memoryview(memory).cast("d")

    def __reduce__(self) -> tuple[type[Board], tuple[int, int, str]]:
        return Board, (self.rows, self.columns, self.address)

    def row(self, index: int) -> memoryview[float]:
        """The cells of one worker."""
        return self._cells[index * self.columns : (index + 1) * self.columns]

    def column(self, column: int) -> list[float]:
        """One number of every worker."""
        return [*self._cells[column :: self.columns]]


def _make(size: int) -> tuple[int, str]:
    if hasattr(os, "memfd_create"):
        # No file system is needed, and nothing is left behind, however the processes end.
        fd = os.memfd_create("wethod-graphql-metrics")
        os.ftruncate(fd, size)
        return fd, f"/proc/{os.getpid()}/fd/{fd}"
    fd, path = tempfile.mkstemp(prefix="wethod-graphql-")
    os.ftruncate(fd, size)
    return fd, path
