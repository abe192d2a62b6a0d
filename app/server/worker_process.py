"""A worker process as its parent sees it."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
from multiprocessing.connection import Pipe
from typing import TYPE_CHECKING, Any

from app.server.worker import BLOCKED, Command, WorkerConfig

if TYPE_CHECKING:
    import socket

    from app.server.config import ServerConfig
    from app.server.lifecycle import ApplicationFactory
    from app.server.worker import Report

_EXIT_SECONDS = 5.0
"""The time between the last word of a worker and its exit, after which it is killed."""


class WorkerProcess:
    """A worker process.

    Args:
        factory: makes the application of the worker.
        context: the argument of the factory.
        config: the settings of the server.
        index: the number of the worker.
        listener: the listening socket of the worker.

    Attributes:
        index: the number of the worker.
        pid: the process id.
        pipe: the socket pair to the process.
        ready_at: monotonic time at which it answered requests; infinite before.
        leaving: it stops, and its parent did not request it.
        problem: the reason why it cannot start, in its own words.

    Raises:
        OSError: the process cannot be started.
    """

    def __init__(
        self,
        factory: ApplicationFactory[Any],
        context: object,
        config: ServerConfig,
        index: int,
        listener: socket.socket,
    ) -> None:
        self.index = index
        self.ready_at = math.inf
        self.leaving = False
        self.problem = ""
        self.pipe, child = Pipe()
        # Not multiprocessing: it would import the program's main module in each worker, and keep a process of 9 MB to
        # track resources that are not shared here. -P: the working directory may have an `app` of its own.
        command = [sys.executable, "-P", *(f"-W{option}" for option in sys.warnoptions)]
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this very program
                [*command, "-m", "app.server", str(child.fileno())],
                pass_fds=(child.fileno(), listener.fileno()),
                env=os.environ | {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)},
            )
        except OSError:
            self.pipe.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            child.close()
        self.pid = self._process.pid
        self._send(WorkerConfig(factory, context, config, index, listener.fileno()))

    @property
    def ready(self) -> bool:
        """It answers requests, or did."""
        return self.ready_at < math.inf

    def send(self, command: Command) -> None:
        """Send a command, if the process is still there."""
        self._send(command)

    def _send(self, message: WorkerConfig | Command) -> None:
        with contextlib.suppress(OSError):
            self.pipe.send(message)

    def read_report(self) -> bool:
        """Read one report; return whether the process is still there."""
        try:
            report: Report = self.pipe.recv()
        except (EOFError, OSError):
            return False
        if report.event == "ready":
            self.ready_at = time.monotonic()
        self.leaving = report.event == "leaving"
        self.problem = report.problem
        return True

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
