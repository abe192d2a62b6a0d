"""A writer of whole lines to a file descriptor that never blocks its caller."""

from __future__ import annotations

import os
import select
import stat
import threading
import time
from collections import deque
from itertools import islice
from pathlib import Path

_ATOMIC_BYTES = select.PIPE_BUF
"""A pipe takes this much at once or not at all, so that lines of several processes do not mix (POSIX write)."""

_PAUSE_SECONDS = 0.01


class LineWriter:
    """A writer of whole lines in order. One system call writes as many lines as a pipe takes at once.

    A slow reader, a full disk or a missing file neither blocks nor raises: lines that cannot be written are kept, up
    to about ``max_bytes``, and tried again before the next line and by ``retry``. Any thread may write, and so may a
    signal handler that interrupts a write. If a full disk takes a part of a line, the file keeps that part, and the
    next line, perhaps of another process, is appended to it. Both lines are then written again as a whole.

    Args:
        target: a file descriptor that stays open, such as 2, or the path of a file to append to.
        max_bytes: bytes that are kept; beyond that, further lines are dropped and counted.

    Attributes:
        backlog_bytes: bytes that the last write left; 0 if it left nothing.
        dropped: lines dropped since the start.
        problem: the error of the last write; None if it did not fail.

    Raises:
        OSError: the target cannot be opened.
    """

    def __init__(self, target: int | Path, *, max_bytes: int) -> None:
        self._target = target
        self._max_bytes = max_bytes
        self._lines: deque[bytes] = deque()
        self._kept = 0
        self._lock = threading.Lock()
        self.backlog_bytes = 0
        self.dropped = 0
        self.problem: OSError | None = None
        self._fd, self._must_poll, self._reader = _open(target)

    def write(self, line: bytes, *, droppable: bool = True) -> None:
        """Write a line, or keep it.

        Args:
            line: the line, with its newline.
            droppable: False keeps it even beyond ``max_bytes``.
        """
        self.append(line, droppable=droppable)
        # If another thread, or code that a signal interrupted, holds the lock, it checks for lines after the release.
        while self._lines and self.retry():
            pass

    def append(self, line: bytes, *, droppable: bool = True) -> None:
        """Take a line that the next ``write``, ``retry`` or ``flush`` writes, together with others."""
        if droppable and self.backlog_bytes and self.backlog_bytes + len(line) > self._max_bytes:
            self.dropped += 1
        else:
            self._lines.append(line)

    def retry(self) -> bool:
        """Write what was appended or kept, without waiting. Return whether nothing is left."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            return self._write_all()
        finally:
            self._lock.release()

    def flush(self, seconds: float) -> list[bytes]:
        """Wait up to ``seconds`` until everything is written. Remove what is left, and return it."""
        until = time.monotonic() + seconds
        while not self.retry() and time.monotonic() < until:
            time.sleep(_PAUSE_SECONDS)
        with self._lock:
            left = list(self._lines)
            self._lines.clear()
            self.backlog_bytes = self._kept = 0
        return left

    def reopen(self) -> None:
        """Open the file again by its path, after a rotation has moved the old file away.

        Raises:
            OSError: the file cannot be opened; the old one stays in use.
        """
        if isinstance(self._target, Path):
            fd, must_poll, reader = _open(self._target)
            with self._lock:
                self._close()
                self._fd, self._must_poll, self._reader = fd, must_poll, reader

    def close(self) -> None:
        """Close the descriptor. A later line opens the target again, so that no late line is lost."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        for fd in (self._fd, self._reader):
            if fd >= 0:
                os.close(fd)
        self._fd = self._reader = -1

    def _write_all(self) -> bool:
        """Write all lines, several at once. Return whether nothing is left."""
        lines = self._lines
        moved = False
        while lines:
            # The first line, and as many of the next ones as a pipe takes in the same write.
            taken = [lines.popleft()]
            size = len(taken[0])
            while lines and (size := size + len(lines[0])) <= _ATOMIC_BYTES:
                taken.append(lines.popleft())
            data = b"".join(taken)
            written = self._send(data)
            moved = moved or written > 0
            if written < len(data):
                lines.extendleft(reversed(taken) if not written else (data[written:],))
            if not written:
                count = len(lines)  # another thread may append meanwhile
                if moved:
                    self.backlog_bytes = sum(map(len, islice(lines, count)))
                else:
                    # Counting all lines for each new one would be quadratic while nothing is read.
                    self.backlog_bytes += sum(len(lines[number]) for number in range(self._kept, count))
                self._kept = count
                return False
        self.backlog_bytes = self._kept = 0
        return True

    def _send(self, data: bytes) -> int:
        """Write lines without waiting. Return the number of bytes taken; of a file, those of whole lines."""
        try:
            if self._fd < 0:
                self._fd, self._must_poll, self._reader = _open(self._target)
            if self._must_poll:
                if not is_writable(self._fd):
                    return 0
                data = data[:_ATOMIC_BYTES]  # a poll promises room for no more
            written = os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError as problem:
            self.problem = problem
            return 0
        self.problem = None
        whole = written
        if written < len(data) and stat.S_ISREG(os.fstat(self._fd).st_mode):
            whole = data.rfind(b"\n", 0, written) + 1
        if whole and self._reader >= 0 and _follows_part(self._fd, self._reader, data[:written]):
            # The first line was appended to another process's partial line: write it again.
            self._lines.appendleft(data[: data.index(b"\n") + 1])
        return whole


def _open(target: int | Path) -> tuple[int, bool, int]:
    """Open a descriptor of our own. Return it, whether it must be polled before each write, and a file's reader or -1.

    ``O_NONBLOCK`` belongs to the open file, not to the descriptor: set on an inherited one, it would make the writes of
    other processes fail. Linux opens a pipe or a terminal again by its descriptor. Where that is forbidden or
    impossible, as with a socket, the descriptor is polled.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    if isinstance(target, Path):
        # Lines about a company must not be readable by every user of the machine.
        fd = os.open(target, flags | os.O_CREAT, 0o640)
        return fd, False, _open_reader(fd)
    mode = os.fstat(target).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        try:
            return os.open(f"/proc/self/fd/{target}", flags), False, -1
        except OSError:
            return os.dup(target), True, -1
    fd = os.dup(target)
    return fd, not stat.S_ISREG(mode), _open_reader(fd)


def _open_reader(fd: int) -> int:
    """Open a file again for reading. Return -1 if it is no regular file, or may not be read."""
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        return -1
    try:
        return os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1


def _follows_part(fd: int, reader: int, written: bytes) -> bool:
    """Return whether a file has a part of a line directly before the bytes just written.

    Before a write, the end of the file proves nothing: another process may be in the middle of its own write.
    """
    try:
        start = os.lseek(fd, 0, os.SEEK_CUR) - len(written)
        # The position may be that of another process's write, if both have inherited the open file.
        found = os.pread(reader, len(written) + 1, start - 1) if start else b""
        return found[1:] == written and found[:1] != b"\n"
    except OSError:
        return False


def is_writable(fd: int) -> bool:
    """Return whether a short write to a descriptor would not block. A pipe has room for ``PIPE_BUF`` bytes then."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(0))


def milliseconds(seconds: float) -> float:
    """Convert seconds, without fractions of a microsecond. ``round`` with digits takes twenty times as long."""
    return int(seconds * 1_000_000) / 1_000
