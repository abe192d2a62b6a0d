"""The supervisor of several workers: it starts them, replaces those that die, and stops them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

from app.server.config import EXIT_SECONDS, FORCED_SHUTDOWN_SECONDS, GRACE_SECONDS, SHUTDOWN_SECONDS
from app.server.listener import WorkerListeners
from app.server.server import CUT_EXIT
from app.server.signals import ignore_signals, take_signals
from app.server.worker import WorkerConfig, WorkerProcess
from app.start_error import StartError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from app.server.config import ServerConfig
    from app.server.lifecycle import ApplicationFactory
    from app.server.signals import Command

logger = logging.getLogger(__name__)

MAX_FAILURES = 5
"""Failures in a row of every worker, after which the gateway ends if no worker is ready."""

STABLE_SECONDS = 10.0
"""A worker that dies within this time of its start counts as a failure, like one that does not start."""

_BACKOFF_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0)
"""Time before the next start, by the number of earlier failures in a row; the last one for all higher numbers."""

_MARGIN_SECONDS = 1.0
_OVERDUE_SECONDS = GRACE_SECONDS + SHUTDOWN_SECONDS + EXIT_SECONDS + _MARGIN_SECONDS
"""Time after the end of the drain at which a worker is killed."""

_FORCED_STOP_SECONDS = GRACE_SECONDS + FORCED_SHUTDOWN_SECONDS + EXIT_SECONDS + _MARGIN_SECONDS
"""Time after a forced stop at which a worker is killed."""


class Supervisor:
    """A supervisor that keeps a number of workers running until a stop is requested.

    Args:
        factory: makes the application of a worker; a function at the top level of a module.
        context: the argument of the factory.
        config: the number of workers, limits and times.
        listener: a socket that listens already; it is closed when a stop is requested.
        announce: called once, when all workers answer requests.
        worker_ended: called with the number of each worker process that has ended.
    """

    def __init__(
        self,
        factory: ApplicationFactory[Any],
        context: object,
        config: ServerConfig,
        listener: socket.socket,
        *,
        announce: Callable[[], object],
        worker_ended: Callable[[int], object],
    ) -> None:
        self._factory = factory
        self._context = context
        self._config = config
        self._listeners = WorkerListeners(listener)
        self._announce: Callable[[], object] | None = announce
        self._worker_ended = worker_ended
        self._workers: dict[int, WorkerProcess] = {}
        self._failures: Counter[int] = Counter()
        self._stop = asyncio.Event()
        self._code = 0

    async def run(self) -> int:
        """Supervise until every worker has ended, and return the exit code: 0 if no request was cut off.

        Raises:
            StartError: the workers do not start, or die as soon as they have started.
        """
        take_signals(self._take_command)
        tasks = [asyncio.create_task(self._keep_running(index)) for index in range(self._config.workers)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._listeners.close_all()
            ignore_signals()
        return self._code

    async def _keep_running(self, index: int) -> None:
        """Run a worker and its replacements, until a stop is requested."""
        while not self._stop.is_set():
            seconds = await self._run_worker(index)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stop.wait()

    async def _run_worker(self, index: int) -> float:
        """Run a worker to its end; return the seconds until it is started again."""
        try:
            listener = self._listeners.get(index)
            worker = WorkerProcess(WorkerConfig(self._factory, self._context, self._config, index, listener.fileno()))
        except OSError as problem:
            # No memory or no file descriptor, for example: the other workers go on.
            return self._count_failure(index, f"worker {index} cannot be started: {problem.strerror or problem}")
        self._workers[index] = worker
        try:
            await self._read_reports(index, worker)
        except asyncio.CancelledError:
            worker.kill()
            worker.reap()
            raise
        finally:
            del self._workers[index]
        return self._judge_end(index, worker)

    async def _read_reports(self, index: int, worker: WorkerProcess) -> None:
        """Read the reports of a worker until it is gone."""
        loop = asyncio.get_running_loop()
        gone = asyncio.Event()

        def read() -> None:
            report = worker.read_report()
            if report is None:
                gone.set()
            elif report.event == "ready":
                worker.ready_at = loop.time()
                if self._announce and self._count_ready() == self._config.workers:
                    self._announce()
                    self._announce = None
            elif report.event == "leaving":
                worker.leaving = True
                self._listeners.close(index)
                worker.send("drain")
            else:
                worker.problem = report.problem

        loop.add_reader(worker.pipe, read)
        try:
            await gone.wait()
        finally:
            loop.remove_reader(worker.pipe)

    def _count_ready(self) -> int:
        return sum(worker.ready_at is not None for worker in self._workers.values())

    def _judge_end(self, index: int, worker: WorkerProcess) -> float:
        """Decide what the end of a worker means; return the seconds until it is started again."""
        code = worker.reap()
        self._worker_ended(index)
        name = f"worker {index} (pid {worker.pid})"
        if self._stop.is_set():
            # A worker that was never ready had no requests to cut off.
            self._code = max(self._code, CUT_EXIT if code and worker.ready_at is not None else 0)
        elif worker.ready_at is None:
            if worker.problem and not self._count_ready():
                raise StartError(worker.problem)  # another attempt will have the same problem
            return self._count_failure(index, f"{name} does not start: {worker.problem or f'it ended with {code}'}")
        elif not worker.leaving and (lifetime := asyncio.get_running_loop().time() - worker.ready_at) < STABLE_SECONDS:
            return self._count_failure(index, f"{name} ended with {code}, {lifetime:.1f} s after its start")
        else:
            log = logger.info if worker.leaving and not code else logger.error
            log("%s ended with %d and is replaced", name, code)
            self._failures[index] = 0
        return 0.0

    def _count_failure(self, index: int, reason: str) -> float:
        """Count a failure of a worker, and return the seconds until it is started again.

        Raises:
            StartError: no worker can be kept running.
        """
        seconds = _BACKOFF_SECONDS[min(self._failures[index], len(_BACKOFF_SECONDS) - 1)]
        self._failures[index] += 1
        fewest = min(self._failures[other] for other in range(self._config.workers))
        if fewest >= MAX_FAILURES and not self._count_ready():
            raise StartError(f"{reason}; given up after {MAX_FAILURES} attempts of each worker")
        if seconds:
            self._listeners.close(index)
        logger.error("%s and is started again %s", reason, f"in {seconds:g} s" if seconds else "at once")
        return seconds

    def _take_command(self, command: Command) -> None:
        loop = asyncio.get_running_loop()
        if command in {"drain", "finish"}:
            self._stop.set()
            # A client must be refused, not wait in a queue, once a worker has closed its own copy of the socket.
            self._listeners.close_all()
            delay = self._config.drain_delay if command == "drain" else 0.0
            loop.call_later(delay + self._config.drain_seconds + _OVERDUE_SECONDS, self._kill_all)
        elif command == "force_stop":
            loop.call_later(_FORCED_STOP_SECONDS, self._kill_all)
        for worker in self._workers.values():
            worker.send(command)

    def _kill_all(self) -> None:
        for index, worker in self._workers.items():
            logger.error("worker %d does not end and is killed", index)
            worker.kill()
