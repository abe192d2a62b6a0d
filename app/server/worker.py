"""A worker process: ``python -m app.server``, started by the supervisor and controlled by it over a socket pair.

Signals would not be enough: a terminal, a shell or a process manager sends its own to parent and worker alike, and a
worker could not distinguish the operator's second SIGTERM from a copy of the first one. So a worker ignores
SIGINT, takes any number of SIGTERMs as one, and is forced to stop only by its parent. The end of the socket pair also
reports that the parent is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from app.line_writer import is_writable
from app.server.lifecycle import Lifecycle
from app.server.server import GatewayServer
from app.server.signals import SIGNALS
from app.standard_streams import occupy_closed_streams
from app.start_error import StartError

if TYPE_CHECKING:
    from app.server.config import ServerConfig
    from app.server.lifecycle import ApplicationFactory
    from app.server.signals import Command

logger = logging.getLogger(__name__)

Event: TypeAlias = Literal["ready", "leaving", "problem"]
"""An event that a worker reports: ``ready`` to answer requests; ``leaving`` because of a signal that did not come from
the parent, which answers with ``drain``; or a ``problem`` that prevents the start."""

_REAP_SECONDS = 5.0
"""Time between the closed pipe and the exit, after which the worker is killed."""

CANNOT_START = 3
"""The exit code of a worker that has reported why it cannot start."""


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """The first message to a worker: the arguments of ``run``, its number, and the descriptor of its socket."""

    factory: ApplicationFactory[Any]
    context: Any
    config: ServerConfig
    index: int
    listener: int


@dataclass(frozen=True, slots=True)
class Report:
    """A message of a worker; a problem comes with a text for the operator."""

    event: Event
    problem: str = ""


class WorkerProcess:
    """A worker process as its parent sees it.

    Attributes:
        pipe: the socket pair to the process.
        ready_at: event loop time at which it became ready; None before.
        leaving: it stops, and its parent did not request it.
        problem: the reason why it cannot start, as it reported it.

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
        # No signal may end a worker before it handles signals.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
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
        """Send a message, if the process is still there. A suspended one does not read, and must not block its parent.

        If its pipe is full, it is full of reloads: a further one is dropped. A stop is sent as SIGTERM, which waits
        until the process continues.
        """
        with contextlib.suppress(OSError):
            if is_writable(self.pipe.fileno()):
                self.pipe.send(message)
            elif message != "reload":
                self._process.terminate()

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
            return self._process.wait(_REAP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()


def work(pipe: Connection) -> int:
    """Run a worker process: read the configuration, serve until a stop is requested, and return the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    occupy_closed_streams()
    try:
        given: WorkerConfig = pipe.recv()
    except (EOFError, FileNotFoundError):  # the configuration names a file of the parent's in /proc
        sys.exit("the parent process is gone")
    lifecycle = Lifecycle(index=given.index)
    listener = socket.socket(fileno=given.listener)
    try:
        app = given.factory(given.context, lifecycle)
        server = GatewayServer(app, given.config, lifecycle, started=lambda: _send(pipe, Report("ready")))
        return server.run_to_end(listener, lambda: _take_commands(server, pipe))
    except StartError as error:
        _send(pipe, Report("problem", str(error)))
        return CANNOT_START


def _send(pipe: Connection, report: Report) -> None:
    """Send a report, if the parent process is still there."""
    with contextlib.suppress(OSError):
        pipe.send(report)


def _take_commands(server: GatewayServer, pipe: Connection) -> None:
    loop = asyncio.get_running_loop()

    def read_command() -> None:
        try:
            command: Command = pipe.recv()
        except (EOFError, OSError):
            loop.remove_reader(pipe.fileno())
            logger.error("the parent process is gone: this worker stops")  # noqa: TRY400 - a traceback adds nothing
            command = "finish"
        server.take_command(command)

    def leave() -> None:
        # The parent closes its copy of the socket before it sends `drain`. Otherwise clients would still connect after
        # this worker has accepted the last one, and be reset.
        _send(pipe, Report("leaving"))

    loop.add_reader(pipe.fileno(), read_command)
    loop.add_signal_handler(signal.SIGTERM, leave)
    loop.add_signal_handler(signal.SIGHUP, server.reload)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
