"""The supervisor of several workers: it starts them, replaces those that die, and stops them."""

from __future__ import annotations

import logging
import math
import selectors
import signal
import socket
import time
from collections import Counter
from typing import TYPE_CHECKING

from app.server.config import EXIT_SECONDS, FORCED_SHUTDOWN_SECONDS, GRACE_SECONDS, SHUTDOWN_SECONDS
from app.server.server import CUT_EXIT, ECHO_SECONDS
from app.server.worker import BLOCKED
from app.start_error import StartError

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.server.config import ServerConfig
    from app.server.listener import WorkerListeners
    from app.server.worker import Command
    from app.server.worker_process import WorkerProcess

logger = logging.getLogger(__name__)

MAX_FAILURES = 5
"""Failures in a row of every worker, after which the gateway ends. A failure is a worker that does not start, or dies
within ``STABLE_SECONDS`` of its start."""

STABLE_SECONDS = 10.0

_FIRST_BACKOFF_SECONDS = 0.5
_MAX_BACKOFF_SECONDS = 10.0

_MARGIN_SECONDS = 1.0
_OVERDUE_SECONDS = GRACE_SECONDS + SHUTDOWN_SECONDS + EXIT_SECONDS + _MARGIN_SECONDS
"""Time after the end of the drain at which a worker is killed."""

_FORCED_STOP_SECONDS = GRACE_SECONDS + FORCED_SHUTDOWN_SECONDS + EXIT_SECONDS + _MARGIN_SECONDS
"""The same after a forced stop."""


class Supervisor:
    """Keeps a number of workers running until a stop is requested.

    Args:
        start_worker: starts the worker with an index on a socket.
        listeners: the sockets of the workers; closed when a stop is requested.
        config: the settings of the server.
        announce: called once, when all workers answer.
    """

    def __init__(
        self,
        start_worker: Callable[[int, socket.socket], WorkerProcess],
        listeners: WorkerListeners,
        config: ServerConfig,
        *,
        announce: Callable[[], object],
    ) -> None:
        self._start_worker = start_worker
        self._listeners = listeners
        self._config = config
        self._announce: Callable[[], object] | None = announce
        self._workers: dict[int, WorkerProcess] = {}
        self._start_at = dict.fromkeys(range(config.workers), 0.0)
        self._failures: Counter[int] = Counter()
        self._stopped_at: float | None = None
        self._kill_at = math.inf
        self._code = 0
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        """Supervise until every worker has ended.

        Returns:
            The exit code: 0 if no request was cut off.

        Raises:
            StartError: the workers do not start, or die as soon as they have started.
        """
        signals, wake = socket.socketpair()
        with self._selector, signals, wake:
            wake.settimeout(0)
            signals.settimeout(0)
            self._selector.register(signals, selectors.EVENT_READ)
            # The interpreter writes the number of a signal there: nothing happens in a handler, and nothing polls.
            earlier_fd = signal.set_wakeup_fd(wake.fileno())
            earlier = {number: signal.signal(number, lambda *_: None) for number in BLOCKED}
            try:
                while self._workers or self._start_at:
                    self._step(signals)
            finally:
                for worker in self._workers.values():
                    worker.kill()
                    worker.reap()
                self._listeners.close_all()
                for number, handler in earlier.items():
                    signal.signal(number, handler)
                signal.set_wakeup_fd(earlier_fd)
        return self._code

    def _step(self, signals: socket.socket) -> None:
        """Start what is due, then wait for a signal, a report, the death of a worker or the next start."""
        now = time.monotonic()
        for index in [index for index, start_at in self._start_at.items() if now >= start_at]:
            self._start(index)
        if now >= self._kill_at:
            self._kill_at = math.inf
            for worker in self._workers.values():
                logger.error("worker %d does not end and is killed", worker.index)
                worker.kill()
        next_at = min(self._kill_at, *self._start_at.values(), math.inf)
        for key, _ in self._selector.select(None if next_at == math.inf else max(0.0, next_at - now)):
            if key.fileobj is signals:
                for number in signals.recv(64):
                    self._take_signal(signal.Signals(number))
            elif not key.data.read_report():
                self._selector.unregister(key.fileobj)
                self._reap(self._workers.pop(key.data.index))
            elif key.data.leaving:
                self._listeners.close(key.data.index)
        if self._announce and sum(worker.ready for worker in self._workers.values()) == self._config.workers:
            self._announce()
            self._announce = None

    def _start(self, index: int) -> None:
        del self._start_at[index]
        try:
            worker = self._start_worker(index, self._listeners.get(index))
        except OSError as problem:
            # No memory or no file descriptor, for example: the other workers go on.
            self._retry(index, f"worker {index} cannot be started: {problem.strerror or problem}")
            return
        self._workers[index] = worker
        self._selector.register(worker.pipe, selectors.EVENT_READ, worker)

    def _take_signal(self, number: signal.Signals) -> None:
        now = time.monotonic()
        if number == signal.SIGHUP:
            self._send("reload")
        elif number not in BLOCKED:
            return
        elif self._stopped_at is None:
            self._stopped_at = now
            self._start_at.clear()
            # A client must be refused, not wait in a queue, once a worker has closed its own copy of the socket.
            self._listeners.close_all()
            self._kill_at = now + self._config.drain_seconds + _OVERDUE_SECONDS
            if number == signal.SIGTERM:
                self._kill_at += self._config.drain_delay
            self._send("drain" if number == signal.SIGTERM else "finish")
        elif now >= self._stopped_at + ECHO_SECONDS:
            self._kill_at = now + _FORCED_STOP_SECONDS
            self._send("force_stop")

    def _send(self, command: Command) -> None:
        for worker in self._workers.values():
            worker.send(command)

    def _reap(self, worker: WorkerProcess) -> None:
        code = worker.reap()
        lifetime = time.monotonic() - worker.ready_at
        name = f"worker {worker.index} (pid {worker.pid})"
        if self._stopped_at is not None:
            # A worker that was never ready had nothing to lose.
            self._code = max(self._code, CUT_EXIT if code and worker.ready else 0)
        elif not worker.ready:
            reason = worker.problem or f"it ended with {code}"
            self._retry(worker.index, f"{name} does not start: {reason}", worker.problem)
        elif lifetime < STABLE_SECONDS and not worker.leaving:
            self._retry(worker.index, f"{name} ended with {code}, {lifetime:.1f} s after its start")
        else:
            log = logger.info if worker.leaving and not code else logger.error
            log("%s ended with %d and is replaced", name, code)
            self._failures[worker.index] = 0
            self._start_at[worker.index] = 0.0

    def _retry(self, index: int, reason: str, problem: str = "") -> None:
        """Start a worker again, later after each failure.

        Args:
            index: the number of the worker.
            reason: why it is started again.
            problem: why it cannot start, in its own words; another attempt will have the same problem.

        Raises:
            StartError: no worker is of use.
        """
        self._failures[index] += 1
        if problem and not any(worker.ready for worker in self._workers.values()):
            raise StartError(problem)
        if min(self._failures[other] for other in range(self._config.workers)) >= MAX_FAILURES:
            raise StartError(f"{reason}; given up after {MAX_FAILURES} attempts of each worker")
        failures = self._failures[index]
        seconds = 0.0 if failures == 1 else min(_MAX_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2.0 ** (failures - 2))
        if seconds:
            self._listeners.close(index)
        logger.error("%s and is started again %s", reason, f"in {seconds:g} s" if seconds else "at once")
        self._start_at[index] = time.monotonic() + seconds
