"""Whole lines to a file descriptor, at once or a little later, without stopping whoever writes them."""

from __future__ import annotations

import os
import select
import stat
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ATOMIC_BYTES = select.PIPE_BUF
"""A pipe takes this much whole or not at all, so that the lines of several processes do not mix (POSIX write)."""

_PAUSE_SECONDS = 0.01


class LineWriter:
    """Writes lines in order, each with one ``write`` of its own while the reader keeps up.

    A reader that does not, a full disk, a file that went away: ``write`` neither blocks nor raises. What cannot be
    written is kept, up to ``most_bytes``, and tried again before the next line and by ``retry``. Any thread may
    write, and so may a signal handler that interrupts a write.

    Args:
        target: a file descriptor that stays open, such as 2, or the path of a file to append to.
        most_bytes: how much is kept; beyond that, lines are dropped and counted.

    Raises:
        OSError: the target cannot be written to at all.
    """

    def __init__(self, target: int | Path, *, most_bytes: int) -> None:
        self._target = target
        self._most_bytes = most_bytes
        self._backlog: deque[bytes] = deque()
        # A signal handler may log while its own thread is in here.
        self._lock = threading.RLock()
        self._busy = False
        self._interjected: deque[bytes] = deque()
        self.backlog_bytes = 0
        self.dropped = 0
        self.problem: OSError | None = None
        self._fd, self._ask_first = _open(target)

    def write(self, line: bytes, *, droppable: bool = True) -> None:
        """Write a line, its newline included, or keep it.

        Args:
            line: the line.
            droppable: False keeps it even beyond ``most_bytes``.
        """
        with self._lock:
            if self._busy:
                # A signal handler, in the midst of the writing below.
                self._interjected.append(line)
                return
            self._busy = True
            try:
                self._take_interjected()
                if self._backlog and not self._drain():
                    self._keep(line, droppable=droppable)
                    return
                written = self._send(line)
                if written < len(line):
                    # What is begun has to be ended before anything else is written.
                    self._keep(line[written:], droppable=droppable and not written)
            finally:
                self._busy = False

    def retry(self) -> bool:
        """Write what was kept, as far as that goes without waiting; whether nothing is left."""
        with self._lock:
            if self._busy:
                return False
            self._busy = True
            try:
                self._take_interjected()
                return self._drain()
            finally:
                self._busy = False

    def flush(self, seconds: float) -> list[bytes]:
        """Wait until everything is written, at most so long. Returns, and forgets, what could not be."""
        until = time.monotonic() + seconds
        while not self.retry() and time.monotonic() < until:
            time.sleep(_PAUSE_SECONDS)
        with self._lock:
            self._take_interjected()
            left = list(self._backlog)
            self._backlog.clear()
            self.backlog_bytes = 0
        return left

    def reopen(self) -> None:
        """Open the file anew, by its path: whoever rotates it has moved the old one away.

        Raises:
            OSError: that failed; the old one is still in use.
        """
        if isinstance(self._target, Path):
            fd, ask_first = _open(self._target)
            with self._lock:
                old, self._fd, self._ask_first = self._fd, fd, ask_first
            if old >= 0:
                os.close(old)

    def close(self) -> None:
        """Close the descriptor. A later line opens it again: a delete that ends late is written all the same."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1

    def _take_interjected(self) -> None:
        """Keep what signal handlers wrote meanwhile. Those that interrupt this add to it, and nothing else."""
        while self._interjected:
            self._keep(self._interjected.popleft(), droppable=True)

    def _keep(self, line: bytes, *, droppable: bool) -> None:
        if droppable and self.backlog_bytes + len(line) > self._most_bytes:
            self.dropped += 1
            return
        self._backlog.append(line)
        self.backlog_bytes += len(line)

    def _drain(self) -> bool:
        """Write what was kept, as many whole lines at a time as stay together; whether nothing is left."""
        while self._backlog:
            lines = list(_together(self._backlog))
            joined = b"".join(lines)
            written = self._send(joined)
            if written == 0:
                return False
            self.backlog_bytes -= written
            for _ in lines:
                self._backlog.popleft()
            if written < len(joined):
                self._backlog.appendleft(joined[written:])
                return False
        return True

    def _send(self, data: bytes) -> int:
        """How many bytes were taken, without waiting."""
        try:
            if self._fd < 0:
                self._fd, self._ask_first = _open(self._target)
            if self._ask_first and not _is_writable(self._fd):
                return 0
            written = os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError as problem:
            self.problem = problem
            return 0
        else:
            self.problem = None
            return written


def _open(target: int | Path) -> tuple[int, bool]:
    """A descriptor of our own, and whether it has to be asked before each write.

    ``O_NONBLOCK`` belongs to what is open, not to the descriptor: set on an inherited one it would make other
    processes' writes fail. Linux opens a pipe or a terminal anew by its descriptor; where that is not allowed, or
    there is no such thing, as with a socket, the descriptor is asked.
    """
    own = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    if isinstance(target, Path):
        # What deletes tell about a company is not for everyone on the machine.
        return os.open(target, own | os.O_CREAT, 0o640), False
    mode = os.fstat(target).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        try:
            return os.open(f"/proc/self/fd/{target}", own), False
        except OSError:
            return os.dup(target), True
    return os.dup(target), not stat.S_ISREG(mode)


def _is_writable(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(0))


def _together(lines: deque[bytes]) -> Iterator[bytes]:
    """The first line, and those behind it as long as all of them are written whole."""
    size = 0
    for line in lines:
        size += len(line)
        if size > _ATOMIC_BYTES and size > len(line):
            return
        yield line
