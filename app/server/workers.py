"""The workers: one in this process, or several that share its address, replaced when they die."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import math
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from multiprocessing.connection import Pipe
from typing import TYPE_CHECKING

from app.server.lifecycle import Lifecycle
from app.server.listener import bind, sibling, url_of
from app.server.server import CUT_EXIT, ECHO_SECONDS, GatewayServer
from app.server.worker import BLOCKED, Command, Order, Report
from app.start_error import StartError

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.server.context import ApplicationFactory, WorkerContext

logger = logging.getLogger(__name__)

_MOST_FAILED_STARTS = 3
"""Starts that may fail in a row while no worker answers."""

_FIRST_BACKOFF_SECONDS = 0.5
_LONGEST_BACKOFF_SECONDS = 10.0

_GRACE_SECONDS = 5.0
"""How much longer than it should a worker may take to stop before it is killed."""

_HURRY_SECONDS = 2.0


def run(
    factory: ApplicationFactory, context: WorkerContext, *, announce: Callable[[str], object] = lambda _: None
) -> int:
    """Serve until stopped.

    SIGTERM: readiness fails, requests are still served for the drain delay, with `Connection: close`; then the
    listener closes, and what is in progress may finish within the drain time. SIGINT: the same without the delay. A
    second one ends it at once. SIGHUP calls the reload callbacks of every worker.

    Args:
        factory: makes the application of a worker; a function at the top level of a module.
        context: what it is made from.
        announce: called once with the base URL, when requests are answered.

    Returns:
        The exit code of the program: 0 after a stop that let everything finish.

    Raises:
        StartError: it cannot be started.
    """
    settings = context.settings
    listener = bind(settings.gateway_host, settings.gateway_port)
    url = url_of(listener)
    with listener:
        if settings.gateway_workers == 1:
            server = GatewayServer(factory(context), context, started=lambda: announce(url))
            return server.run_to_end(listener)
        return Supervisor(factory, context, listener, announce=lambda: announce(url)).run()


class Worker:
    """A worker as its parent sees it.

    Attributes:
        index: which it is.
        ready: it answers requests, or did.
        leaving: it stops, and was not told so by its parent.
        problem: why it cannot start, in its own words.
    """

    def __init__(self, factory: ApplicationFactory, context: WorkerContext, listener: socket.socket) -> None:
        self.index = context.index
        self.ready = self.leaving = False
        self.problem = ""
        self.pipe, child = Pipe()
        # Not multiprocessing: it would import the program's main module again in each, and keep a process of 9 MB to
        # track what nobody here shares. Not the working directory either, which may have an `app` of its own.
        command = [sys.executable, "-P", *(f"-W{option}" for option in sys.warnoptions)]
        handles = (child.fileno(), listener.fileno())
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this very program
                [*command, "-m", "app.server", str(child.fileno())],
                pass_fds=handles,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)},
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            child.close()
        self.pid = self._process.pid
        self._send(Order(factory, context, listener.fileno()))

    def tell(self, command: Command) -> None:
        """Say something, if there is still somebody to say it to."""
        self._send(command)

    def _send(self, message: Order | Command) -> None:
        with contextlib.suppress(OSError):
            self.pipe.send(message)

    def hear(self) -> bool:
        """Take what it says.

        Returns:
            Whether it is still there.
        """
        try:
            report: Report = self.pipe.recv()
        except (EOFError, OSError):
            return False
        self.problem = report.problem
        self.ready = self.ready or report.what == "ready"
        self.leaving = report.what == "leaving"
        return True

    def bury(self) -> int:
        """Its exit code, now that it has hung up."""
        self.pipe.close()
        try:
            return self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def kill(self) -> None:
        """End it, whatever it does."""
        self._process.kill()


class Supervisor:
    """Starts the workers, replaces those that die, tells them when to stop.

    Each has a socket of its own on the address, and so has the parent: connections in the queue of a worker that dies
    wait for its successor. One that cannot start, or leaves, takes its socket with it: the others get its share.

    Args:
        factory: makes the application of a worker.
        context: what it is made from; each worker gets a number and a lifecycle of its own.
        listener: a socket that holds the address.
        announce: called once, when all workers answer.
    """

    def __init__(
        self,
        factory: ApplicationFactory,
        context: WorkerContext,
        listener: socket.socket,
        *,
        announce: Callable[[], object],
    ) -> None:
        self._factory = factory
        self._context = context
        self._listener = listener
        self._announce: Callable[[], object] | None = announce
        self._workers: dict[int, Worker] = {}
        self._listeners: dict[int, socket.socket] = {}
        self._due: dict[int, float] = {}
        self._failed_starts = 0
        self._told_at: float | None = None
        self._kill_at = math.inf
        self._code = 0
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        """Supervise until every worker has ended.

        Returns:
            The exit code: 0 if all of them ended well.

        Raises:
            StartError: no worker can be started.
        """
        ours, wake = socket.socketpair()
        with self._selector, ours, wake:
            wake.settimeout(0)
            ours.settimeout(0)
            self._selector.register(ours, selectors.EVENT_READ)
            # The interpreter writes a signal's number there: nothing happens in a handler, and nothing polls.
            earlier_fd = signal.set_wakeup_fd(wake.fileno())
            earlier = {number: signal.signal(number, lambda *_: None) for number in BLOCKED}
            try:
                for index in range(self._context.settings.gateway_workers):
                    self._start(index)
                while self._workers or (self._due and self._told_at is None):
                    self._step(ours)
            finally:
                for worker in self._workers.values():
                    worker.kill()
                    worker.bury()
                self._close_listeners()
                for number, handler in earlier.items():
                    signal.signal(number, handler)
                signal.set_wakeup_fd(earlier_fd)
        return self._code

    def _step(self, signals: socket.socket) -> None:
        """Wait for the next thing to happen, and see to it."""
        for key, _ in self._selector.select(self._until_next()):
            if key.fileobj is signals:
                for number in signals.recv(64):
                    self._take(signal.Signals(number))
            elif not key.data.hear():
                self._selector.unregister(key.fileobj)
                self._bury(self._workers.pop(key.data.index))
            elif key.data.leaving:
                self._close_listener(key.data.index)
        self._announce_once()
        now = time.monotonic()
        if now >= self._kill_at:
            self._kill_at = math.inf
            for worker in self._workers.values():
                logger.error("worker %d does not end and is killed", worker.index)
                worker.kill()
        for index in [index for index, due in self._due.items() if now >= due]:
            self._start(index)

    def _until_next(self) -> float | None:
        next_at = min(self._due.values(), default=math.inf)
        next_at = min(next_at, self._kill_at)
        return None if next_at == math.inf else max(0.0, next_at - time.monotonic())

    def _start(self, index: int) -> None:
        self._due.pop(index, None)
        context = dataclasses.replace(self._context, index=index, lifecycle=Lifecycle())
        try:
            if index not in self._listeners:
                self._listeners[index] = sibling(self._listener)
            worker = Worker(self._factory, context, self._listeners[index])
        except OSError as problem:
            # No memory, no descriptor left, say: no reason to end those that serve.
            self._retry(index, f"worker {index} cannot be started: {problem.strerror or problem}")
            return
        self._workers[index] = worker
        self._selector.register(worker.pipe, selectors.EVENT_READ, worker)

    def _close_listener(self, index: int) -> None:
        if index in self._listeners:
            self._listeners.pop(index).close()

    def _close_listeners(self) -> None:
        self._listener.close()
        for index in tuple(self._listeners):
            self._close_listener(index)

    def _announce_once(self) -> None:
        ready = sum(worker.ready for worker in self._workers.values())
        if self._announce and ready == self._context.settings.gateway_workers:
            self._announce()
            self._announce = None

    # Signals

    def _take(self, number: signal.Signals) -> None:
        now = time.monotonic()
        settings = self._context.settings
        if number == signal.SIGHUP:
            self._tell("reload")
        elif number not in BLOCKED:
            return
        elif self._told_at is None:
            self._told_at = now
            self._due.clear()
            # Once a worker has closed its own, a client must be refused, not wait for nobody.
            self._close_listeners()
            self._kill_at = now + settings.gateway_drain_seconds + _GRACE_SECONDS
            if number == signal.SIGTERM:
                self._kill_at += settings.gateway_drain_delay_seconds
            self._tell("drain" if number == signal.SIGTERM else "finish")
        elif now >= self._told_at + ECHO_SECONDS:
            self._kill_at = now + _HURRY_SECONDS
            self._tell("hurry")

    def _tell(self, command: Command) -> None:
        for worker in self._workers.values():
            worker.tell(command)

    # Deaths

    def _bury(self, worker: Worker) -> None:
        code = worker.bury()
        if self._told_at is not None:
            # One that had not come up yet had nothing to lose.
            self._code = max(self._code, CUT_EXIT if code and worker.ready else 0)
            return
        who = f"worker {worker.index} (pid {worker.pid})"
        if not worker.ready:
            self._retry(
                worker.index, f"{who} does not start: {worker.problem or f'it ended with {code}'}", worker.problem
            )
            return
        log = logger.info if worker.leaving and not code else logger.error
        log("%s ended with %d and is replaced", who, code)
        self._failed_starts = 0
        self._due[worker.index] = time.monotonic()

    def _retry(self, index: int, reason: str, told: str = "") -> None:
        """Start a worker again, later; give up where none answers and none will.

        Args:
            index: which worker.
            reason: why it has not started, for the log.
            told: the same in its own words; what it has told it will tell again.

        Raises:
            StartError: no worker can be started.
        """
        self._failed_starts += 1
        self._close_listener(index)
        if not any(other.ready for other in self._workers.values()) and (
            told or self._failed_starts >= _MOST_FAILED_STARTS
        ):
            raise StartError(told or reason)
        logger.error("%s", reason)
        wait = _FIRST_BACKOFF_SECONDS * 2.0 ** (self._failed_starts - 1)
        self._due[index] = time.monotonic() + min(_LONGEST_BACKOFF_SECONDS, wait)
