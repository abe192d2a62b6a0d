"""A worker process, ``python -m app.server``: started by ``app.server.workers`` and told by it when to stop.

Parent and worker speak over a socket pair. Signals would do, but for the terminal, the shell or the process manager
that sends its own to parent and worker alike: a worker could not tell the second SIGTERM of a hasty operator from the
echo of the first. So a worker ignores SIGINT, takes any number of SIGTERMs for one, and hurries only when its parent
says so. It also learns over the pair that the parent is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from app.server.server import GatewayServer
from app.settings import SettingsError
from app.start_error import StartError

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection as Pipe

    from app.server.context import ApplicationFactory, WorkerContext

logger = logging.getLogger(__name__)

Command: TypeAlias = Literal["drain", "finish", "hurry", "reload"]
"""What a parent may say."""

BLOCKED = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
"""Signals that a worker is started with blocked: none may end it while it cannot take them yet."""

CANNOT_START = 3
"""The exit code of a worker that cannot start, for a reason that it has told."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is started with.

    Attributes:
        factory: makes the application.
        context: what it is made from.
        listener: the file descriptor of the listening socket.
    """

    factory: ApplicationFactory
    context: WorkerContext
    listener: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker says.

    Attributes:
        what: ``ready`` to answer requests; ``leaving``, as somebody else than the parent told it to; or a ``problem``
            that keeps it from starting.
        problem: the problem, for the operator.
    """

    what: Literal["ready", "leaving", "problem"]
    problem: str = ""


def work(pipe: Pipe) -> int:
    """Take an order and serve until told to stop.

    Returns:
        The exit code.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order: Order = pipe.recv()
    listener = socket.socket(fileno=order.listener)
    try:
        application = order.factory(order.context)
        server = GatewayServer(application, order.context, started=lambda: pipe.send(Report("ready")))
        return server.run_to_end(listener, prepare=lambda: _obey(server, pipe))
    except (StartError, SettingsError) as error:
        pipe.send(Report("problem", str(error)))
        return CANNOT_START


def _obey(server: GatewayServer, pipe: Pipe) -> None:
    loop = asyncio.get_running_loop()
    obey: dict[Command, Callable[[], None]] = {
        "drain": server.drain,
        "finish": server.finish,
        "hurry": server.hurry,
        "reload": server.reload,
    }

    def hear() -> None:
        try:
            command: Command = pipe.recv()
        except (EOFError, OSError):
            loop.remove_reader(pipe.fileno())
            logger.error("the parent process is gone: this worker stops")  # noqa: TRY400 - its end says nothing more
            server.finish()
        else:
            obey[command]()

    def leave() -> None:
        with contextlib.suppress(OSError):
            pipe.send(Report("leaving"))
        server.drain()

    loop.add_reader(pipe.fileno(), hear)
    loop.add_signal_handler(signal.SIGTERM, leave)
    loop.add_signal_handler(signal.SIGHUP, server.reload)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, BLOCKED)
