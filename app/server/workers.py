"""The workers: one in this process, or several that share its socket, replaced when they die."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import multiprocessing
import os
import signal
import time
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from app.server.lifecycle import Lifecycle, StartError
from app.server.listener import bind, url_of
from app.server.server import FORCED_EXIT, GatewayServer

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from multiprocessing.connection import Connection as Pipe
    from types import FrameType

    from app.server.context import ApplicationFactory, WorkerContext

logger = logging.getLogger(__name__)

_CANNOT_START = 3
"""The exit code of a worker that cannot start, for a reason that it has told."""

_MOST_FAILED_STARTS = 3
_LONGEST_BACKOFF_SECONDS = 10.0
_GRACE_SECONDS = 5.0
"""How much longer than the drain a worker may take before it is killed."""


def run(
    factory: ApplicationFactory, context: WorkerContext, *, announce: Callable[[str], object] = lambda _: None
) -> int:
    """Serve until stopped.

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
    if settings.gateway_workers == 1:
        server = GatewayServer(factory(context), context, started=lambda: announce(url))
        return server.run_to_end(listener)
    return Supervisor(factory, context, listener, announce=lambda: announce(url)).run()


def work(factory: ApplicationFactory, context: WorkerContext, listener: socket.socket, parent: Pipe) -> None:
    """Be a worker: serve until the parent says stop, or is gone."""
    # A terminal's Ctrl-C reaches parent and workers alike; the parent passes it on, as SIGUSR1.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        application = factory(context)
    except StartError as error:
        parent.send(str(error))
        raise SystemExit(_CANNOT_START) from None
    server = GatewayServer(application, context, started=lambda: parent.send(""))
    raise SystemExit(_WorkerLoop(server, parent).run(listener))


class _WorkerLoop:
    """A worker's server, with the two ways of a parent to stop it."""

    def __init__(self, server: GatewayServer, parent: Pipe) -> None:
        self._server = server
        self._parent = parent

    def run(self, listener: socket.socket) -> int:
        serve = self._server.serve

        async def serve_for_parent(sockets: list[socket.socket] | None = None) -> None:
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGUSR1, self._server.stop, 0.0)
            # Nobody writes to this end: it becomes readable when the parent is gone, however it went.
            loop.add_reader(self._parent.fileno(), self._orphaned)
            await serve(sockets)

        self._server.serve = serve_for_parent  # type: ignore[method-assign]
        return self._server.run_to_end(listener)

    def _orphaned(self) -> None:
        asyncio.get_running_loop().remove_reader(self._parent.fileno())
        logger.error("the parent process is gone; this worker stops")
        self._server.stop(0.0)


class Worker:
    """A worker as its parent sees it.

    Attributes:
        index: which it is.
        ready: it answers requests.
        problem: why it cannot start, in its own words.
    """

    def __init__(self, factory: ApplicationFactory, context: WorkerContext, listener: socket.socket) -> None:
        self.index = context.index
        self.ready = False
        self.problem = ""
        spawn = multiprocessing.get_context("spawn")
        self.pipe, child = spawn.Pipe()
        self.process = spawn.Process(
            target=work, args=(factory, context, listener, child), name=f"worker-{context.index}", daemon=False
        )
        self.process.start()
        child.close()

    def listen(self) -> None:
        """Take what the worker has said, if it has said anything."""
        try:
            while self.pipe.poll():
                self.problem = self.pipe.recv()
                self.ready = not self.problem
        except (EOFError, OSError):
            return

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if there is still somebody to send it to."""
        if self.process.pid is not None and self.process.exitcode is None:
            os.kill(self.process.pid, number)


class Supervisor:
    """Starts the workers, replaces those that die, passes signals on.

    The workers share one listening socket: a connection that a dead worker has not accepted is another's. With a
    socket for each the kernel balances better, but those in a dead one's queue are lost.

    Args:
        factory: makes the application of a worker.
        context: what it is made from; each worker gets a number and a lifecycle of its own.
        listener: the socket.
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
        self._due: dict[int, float] = {}
        self._failed_starts = 0
        self._stopping_since: float | None = None
        self._signals: list[signal.Signals] = []

    def run(self) -> int:
        """Supervise until every worker has ended.

        Returns:
            The exit code: 0 if all of them ended well.

        Raises:
            StartError: no worker can be started.
        """
        handled = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        earlier = {number: signal.signal(number, self._note) for number in handled}
        try:
            for index in range(self._context.settings.gateway_workers):
                self._start(index)
            return self._supervise()
        finally:
            for worker in self._workers.values():
                worker.process.kill()
            for number, handler in earlier.items():
                signal.signal(number, handler)
            self._listener.close()

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._signals.append(signal.Signals(number))

    def _start(self, index: int) -> None:
        self._due.pop(index, None)
        context = dataclasses.replace(self._context, index=index, lifecycle=Lifecycle())
        self._workers[index] = Worker(self._factory, context, self._listener)

    def _supervise(self) -> int:
        code = 0
        while self._workers or (self._due and self._stopping_since is None):
            # A signal interrupts the wait only to run its handler: hence the short timeout.
            wait([worker.process.sentinel for worker in self._workers.values()], timeout=0.05)
            while self._signals:
                self._pass_on(self._signals.pop(0))
            for index, worker in list(self._workers.items()):
                worker.listen()
                if worker.process.exitcode is not None:
                    del self._workers[index]
                    code = max(code, self._bury(worker))
            self._announce_once()
            if self._stopping_since is None:
                self._replace_the_dead()
            elif time.monotonic() > self._stopping_since + self._longest_stop():
                self._kill()
        return code

    def _announce_once(self) -> None:
        workers = self._workers.values()
        everybody = len(workers) == self._context.settings.gateway_workers
        if self._announce and everybody and all(worker.ready for worker in workers):
            self._announce()
            self._announce = None

    def _replace_the_dead(self) -> None:
        for index, due in list(self._due.items()):
            if time.monotonic() >= due:
                self._start(index)

    def _kill(self) -> None:
        for worker in self._workers.values():
            logger.error("worker %d does not end and is killed", worker.index)
            worker.process.kill()

    def _longest_stop(self) -> float:
        settings = self._context.settings
        return settings.gateway_drain_delay_seconds + settings.gateway_drain_seconds + _GRACE_SECONDS

    def _pass_on(self, number: signal.Signals) -> None:
        if number is not signal.SIGHUP and self._stopping_since is None:
            self._stopping_since = time.monotonic()
        for worker in self._workers.values():
            worker.send(signal.SIGUSR1 if number is signal.SIGINT else number)

    def _bury(self, worker: Worker) -> int:
        """See to a worker that has ended: what that means for the exit code."""
        exit_code = worker.process.exitcode or 0
        worker.pipe.close()
        if self._stopping_since is not None:
            # One that was still starting has served nobody.
            return 0 if exit_code == 0 or not worker.ready else FORCED_EXIT
        if worker.ready:
            self._failed_starts = 0
        else:
            self._failed_starts += 1
            if worker.problem:
                raise StartError(worker.problem)
            if self._failed_starts >= _MOST_FAILED_STARTS:
                raise StartError(f"the workers do not start: the last one ended with {exit_code}")
        logger.error("worker %d ended with %d and is replaced", worker.index, exit_code)
        backoff = min(_LONGEST_BACKOFF_SECONDS, 0.25 * 2**self._failed_starts - 0.25)
        self._due[worker.index] = time.monotonic() + backoff
        return 0
