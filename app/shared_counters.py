"""Numbers that all processes of one start share: each worker writes its own row, and every process reads all rows."""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from pathlib import Path

_CELL_BYTES = 8


class SharedCounters:
    """Rows of numbers in shared memory.

    A row has one writer, so no lock is needed: an aligned cell of eight bytes is written and read whole. The successor
    of a worker that died takes over its row, so counts are kept.

    A pickled object opens the same memory in another process, as long as the process that made it lives.

    Args:
        rows: the number of workers.
        columns: the numbers that each worker has.
        address: path of memory that another process made; None makes new memory.

    Raises:
        OSError: there is no memory at the address, or none can be made.
    """

    def __init__(self, rows: int, columns: int, address: str | None = None) -> None:
        self.rows = rows
        self.columns = columns
        size = rows * columns * _CELL_BYTES
        if address is None:
            memory = self._make(size)
        else:
            self.address = address
            with Path(address).open("r+b") as file:
                memory = mmap.mmap(file.fileno(), size)
        self._cells = memoryview(memory).cast("d")

    def __reduce__(self) -> tuple[type[SharedCounters], tuple[int, int, str]]:
        return SharedCounters, (self.rows, self.columns, self.address)

    def _make(self, size: int) -> mmap.mmap:
        if hasattr(os, "memfd_create"):
            # It needs no file system, and no file remains, however the processes end.
            fd = os.memfd_create("wethod-graphql-metrics")
            self.address = f"/proc/{os.getpid()}/fd/{fd}"
        else:
            fd, self.address = tempfile.mkstemp(prefix="wethod-graphql-")
            weakref.finalize(self, os.unlink, self.address)
        # The address names this descriptor, so it stays open.
        weakref.finalize(self, os.close, fd)
        os.ftruncate(fd, size)
        return mmap.mmap(fd, size)

    def row(self, index: int) -> memoryview[float]:
        """Return the cells of one worker."""
        return self._cells[index * self.columns : (index + 1) * self.columns]

    def column(self, column: int) -> list[float]:
        """Return one number of every worker."""
        return [*self._cells[column :: self.columns]]
