"""A worker process as its parent sees it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from multiprocessing.connection import Pipe
from typing import TYPE_CHECKING

from app.server.worker import STOP_SIGNALS

if TYPE_CHECKING:
    from app.server.worker import Command, Report, WorkerConfig

_EXIT_SECONDS = 5.0
"""The time between the last word of a worker and its exit, after which it is killed."""


class WorkerProcess:
    """A worker process.

    Args:
        given: the first message to the worker.

    Attributes:
        pid: the process id.
        pipe: the socket pair to the process.
        ready_at: event loop time at which it answered requests; None before.
        leaving: it stops, and its parent did not request it.
        problem: the reason why it cannot start, in its own words.

    Raises:
        OSError: the process cannot be started.
    """

    def __init__(self, given: WorkerConfig) -> None:
        self.ready_at: float | None = None
        self.leaving = False
        self.problem = ""
        self.pipe, child = Pipe()
        # Not multiprocessing: it would import the program's main module in each worker, and keep a process of 9 MB to
        # track resources that are not shared here. -P: the working directory may have an `app` of its own.
        command = [sys.executable, "-P", *(f"-W{option}" for option in sys.warnoptions)]
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this very program
                [*command, "-m", "app.server", str(child.fileno())],
                pass_fds=(child.fileno(), given.listener),
                env=os.environ | {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)},
            )
        except OSError:
            self.pipe.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            child.close()
        self.pid = self._process.pid
        self.send(given)

    def send(self, message: WorkerConfig | Command) -> None:
        """Send a message, if the process is still there."""
        with contextlib.suppress(OSError):
            self.pipe.send(message)

    def read_report(self) -> Report | None:
        """Read one report; None if the process is gone."""
        try:
            report: Report = self.pipe.recv()
        except (EOFError, OSError):
            return None
        return report

    def reap(self) -> int:
        """Wait for the end of a process that has closed its pipe, and return the exit code."""
        self.pipe.close()
        try:
            return self._process.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()
