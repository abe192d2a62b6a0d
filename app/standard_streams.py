"""The descriptors of standard input, output and error."""

from __future__ import annotations

import os


def occupy_closed_streams() -> None:
    """Open the null device on each of the descriptors 0, 1 and 2 that is closed.

    Otherwise the next file or socket would get the number, and libuv aborts the process when it closes one of them. A
    child process finds the stream closed, as this process did: ``sys.__stdin__`` and its siblings stay None.
    """
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it takes the lowest number that is free
