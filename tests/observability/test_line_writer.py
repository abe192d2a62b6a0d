"""Lines reach a file descriptor whole and in order, and writing never blocks."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.line_writer import LineWriter
from tests.system_parts import require

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE = b"x" * 99 + b"\n"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for fd in (reader, writer):
        try:
            os.close(fd)
        except OSError:
            assert fd == reader, "only the reader may have hung up"


def drain(reader: int) -> bytes:
    """Read what is in a pipe now."""
    os.set_blocking(reader, False)
    received = b""
    with contextlib.suppress(BlockingIOError):
        while part := os.read(reader, 1 << 20):
            received += part
    return received


def errno_of(writer: LineWriter) -> int | None:
    """Return the number of the problem that prevents writing."""
    return None if writer.problem is None else writer.problem.errno


def test_a_file_is_appended_to_and_not_readable_by_others(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    for text in (b"before\n", b"after\n"):
        writer = LineWriter(path, max_bytes=0)
        writer.write(text)
        writer.close()
    assert path.read_bytes() == b"before\nafter\n"
    assert path.stat().st_mode & 0o007 == 0


LINES = {
    "many": [b"%d\n" % number + LINE for number in range(3_000)],
    "longer-than-a-pipe": [b"y" * 300_000 + b"\n", b"next\n"],
}


@pytest.mark.parametrize("lines", LINES.values(), ids=LINES)
def test_a_reader_that_stops_blocks_no_writer(pipe: tuple[int, int], lines: list[bytes]) -> None:
    """A write to a full pipe would block."""
    reader, fd = pipe
    writer = LineWriter(fd, max_bytes=1_000_000)
    for line in lines:
        writer.write(line)
    assert writer.backlog_bytes > 0
    received = b""
    while not writer.retry():
        received += drain(reader)
    assert received + drain(reader) == b"".join(lines)
    assert (writer.backlog_bytes, writer.dropped, writer.problem) == (0, 0, None)
    writer.close()


def test_other_processes_writes_to_the_same_pipe_still_block(pipe: tuple[int, int]) -> None:
    """``O_NONBLOCK`` belongs to the open file, which other processes share."""
    _, fd = pipe
    writer = LineWriter(fd, max_bytes=0)
    assert os.get_blocking(fd)
    writer.close()


def test_the_backlog_is_bounded(pipe: tuple[int, int]) -> None:
    """Droppable lines beyond the limit are dropped and counted."""
    reader, fd = pipe
    writer = LineWriter(fd, max_bytes=1_000)
    while not writer.backlog_bytes:
        writer.write(LINE)
    for _ in range(50):
        writer.write(LINE)
    assert (writer.backlog_bytes, writer.dropped) == (1_000, 41)
    writer.write(b"kept\n", droppable=False)
    assert (writer.backlog_bytes, writer.dropped) == (1_005, 41)
    drain(reader)
    assert writer.retry()
    assert drain(reader).endswith(LINE + b"kept\n")
    writer.close()


def test_lines_of_two_writers_do_not_mix(pipe: tuple[int, int]) -> None:
    """Workers share a pipe."""
    reader, fd = pipe
    writers = [LineWriter(fd, max_bytes=10_000_000) for _ in range(2)]
    mine = [bytes([letter]) * 200 + b"\n" for letter in b"ab"]
    for _ in range(2_000):
        for writer, line in zip(writers, mine, strict=True):
            writer.write(line)
    received = b""
    while sum(writer.retry() for writer in writers) < len(writers):
        received += drain(reader)
    received += drain(reader)
    assert {line + b"\n" for line in received.split(b"\n")[:-1]} == set(mine)
    assert len(received) == 2 * 2_000 * 201
    for writer in writers:
        writer.close()


def test_writing_to_a_socket_never_blocks() -> None:
    """Standard output is a socket under systemd."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        writer = LineWriter(ours.fileno(), max_bytes=10_000_000)
        for _ in range(20_000):
            writer.write(LINE)
        assert writer.backlog_bytes > 0
        theirs.settimeout(5)
        received = b""
        while len(received) < 20_000 * 100:
            writer.retry()
            received += theirs.recv(1 << 20)
        assert received == LINE * 20_000
        writer.close()


def test_the_backlog_is_what_the_reader_has_not_taken(pipe: tuple[int, int]) -> None:
    """Also after the reader has taken a part of it."""
    reader, fd = pipe
    writer = LineWriter(fd, max_bytes=1_000_000)
    written = 0
    taken = b""
    for _ in range(5):
        for _ in range(700):
            writer.write(LINE)
            written += len(LINE)
        waiting = drain(reader)
        taken += waiting
        assert len(waiting) > 0
        assert writer.backlog_bytes == written - len(taken)
    writer.close()


def test_a_reader_that_is_gone_raises_nothing(pipe: tuple[int, int]) -> None:
    reader, fd = pipe
    writer = LineWriter(fd, max_bytes=1_000)
    os.close(reader)
    writer.write(b"one\n")
    assert errno_of(writer) == errno.EPIPE
    assert writer.flush(0.02) == [b"one\n"]
    assert writer.backlog_bytes == 0
    writer.close()


@contextlib.contextmanager
def full_after(size: int) -> Iterator[None]:
    """Let files grow to a size at most, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)


def test_a_line_cut_by_a_full_disk_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    writer = LineWriter(path, max_bytes=1_000)
    with full_after(8):
        for text in (b"first\n", b"second\n", b"third\n"):
            writer.write(text)
        assert path.read_bytes() == b"first\nse"
        assert errno_of(writer) == errno.EFBIG
        assert writer.backlog_bytes == len(b"second\nthird\n")
    writer.write(b"fourth\n")
    assert path.read_bytes() == b"first\nsesecond\nthird\nfourth\nsecond\n"
    assert (errno_of(writer), writer.backlog_bytes) == (None, 0)
    writer.close()


def test_a_line_cut_by_a_full_disk_is_whole_in_the_next_file(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    writer = LineWriter(path, max_bytes=1_000)
    with full_after(3):
        writer.write(b"first\n")
    path.rename(tmp_path / "old")
    writer.reopen()
    assert writer.retry()
    assert (tmp_path / "old").read_bytes() == b"fir"
    assert path.read_bytes() == b"first\n"
    writer.close()


SHARED = {
    "path": None,
    "appended": os.O_APPEND,
    "not-appended": 0,
}
"""Flags of an inherited file, as after ``>>`` and ``>`` of a shell; None for a path."""


@pytest.mark.parametrize("flags", SHARED.values(), ids=SHARED)
def test_a_line_cut_by_a_full_disk_spoils_no_line_of_another_worker(tmp_path: Path, flags: int | None) -> None:
    """Neither a line of a worker that finds space again, nor the first line after a new start."""
    path = tmp_path / "lines"
    inherited = os.open(path, os.O_WRONLY | os.O_CREAT | (flags or 0))
    target = path if flags is None else inherited
    first, second = (LineWriter(target, max_bytes=1_000) for _ in range(2))
    second.write(b"before\n")
    with full_after(12):
        first.write(b"first\n")
        assert path.read_bytes() == b"before\nfirst"
    second.write(b"second\n")
    assert path.read_bytes() == b"before\nfirstsecond\nsecond\n"
    with full_after(27):
        assert not first.retry()
    started = LineWriter(target, max_bytes=1_000)
    started.write(b"started\n")
    assert first.retry()
    assert path.read_bytes() == b"before\nfirstsecond\nsecond\nfstarted\nstarted\nfirst\n"
    for writer in (first, second, started):
        writer.close()
    os.close(inherited)


def test_a_descriptor_is_not_reopened(pipe: tuple[int, int]) -> None:
    """Standard output has no path."""
    reader, fd = pipe
    writer = LineWriter(fd, max_bytes=0)
    writer.reopen()
    writer.write(b"one\n")
    assert drain(reader) == b"one\n"
    writer.close()


def test_a_line_after_the_close_is_written(tmp_path: Path) -> None:
    """A delete may end while the process stops."""
    path = tmp_path / "lines"
    writer = LineWriter(path, max_bytes=0)
    writer.close()
    writer.close()
    writer.write(b"late\n")
    assert path.read_bytes() == b"late\n"
    writer.close()


def test_a_signal_handler_may_write_during_a_write(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    writer = LineWriter(path, max_bytes=1_000_000)
    fired = 0

    def on_alarm(*_: object) -> None:
        nonlocal fired
        fired += 1
        writer.write(b"signal\n")

    previous = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
    try:
        until = time.monotonic() + 0.5
        written = 0
        while time.monotonic() < until:
            writer.write(b"ordinary\n")
            written += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert writer.retry()
    found = path.read_bytes().splitlines()
    assert fired > 50
    assert (found.count(b"signal"), found.count(b"ordinary"), len(found)) == (fired, written, fired + written)
    writer.close()


def test_any_thread_may_write(tmp_path: Path) -> None:
    """Libraries log from their own threads."""
    path = tmp_path / "lines"
    writer = LineWriter(path, max_bytes=0)

    def write_many() -> None:
        for _ in range(500):
            writer.write(LINE)

    threads = [threading.Thread(target=write_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() == LINE * 2_000
    writer.close()


POLLED = {
    "many": [b"%d" % number + LINE for number in range(2_000)],
    # Only one of the pipe's pages is free for the long line.
    "longer-than-the-room": [*([b"x" * 4_000 + b"\n"] * 15), b"y" * 10_000 + b"\n", b"next\n"],
}


@pytest.mark.parametrize("lines", POLLED.values(), ids=POLLED)
def test_a_pipe_that_cannot_be_opened_again_is_polled(pipe: tuple[int, int], lines: list[bytes]) -> None:
    """The user of a container cannot open root's pipe."""
    require("root, to become another user", present=os.geteuid() == 0)
    reader, fd = pipe
    os.fchown(fd, 0, 0)
    os.fchmod(fd, 0o600)
    code = (
        "import os, signal, sys\n"
        "from app.line_writer import LineWriter\n"
        "os.setuid(65534)\n"
        "signal.alarm(20)\n"  # ends a write that blocks
        f"writer = LineWriter({fd}, max_bytes=1_000_000)\n"
        "for line in sys.stdin.buffer.readlines(): writer.write(line)\n"
        "assert writer.backlog_bytes > 0\n"
        "print('kept', flush=True)\n"
        "assert writer.flush(10) == []\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        pass_fds=[fd],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdin:
        child.stdin.write(b"".join(lines))
    with child.stdout:
        assert child.stdout.readline() == b"kept\n"
    os.close(fd)
    os.set_blocking(reader, True)
    received = b""
    while part := os.read(reader, 1 << 20):
        received += part
    assert child.wait(10) == 0
    assert received == b"".join(lines)
    os.dup2(reader, fd)
