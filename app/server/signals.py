"""The signals of the operator, as commands to a server or to all workers."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Command: TypeAlias = Literal["drain", "finish", "force_stop", "reload"]
"""A command to a server: the name of a method of ``GatewayServer``."""

SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
"""The signals that a server handles."""

_ECHO_SECONDS = 0.1
"""A stop signal this soon after the first is a copy of it: a shell, `timeout` and a process manager each send one."""


def take_signals(take_command: Callable[[Command], object]) -> None:
    """Call a function with the command of each signal, on the running event loop.

    SIGTERM is ``drain``, SIGINT ``finish``; after either, both are ``force_stop``. SIGHUP is ``reload``.
    """
    loop = asyncio.get_running_loop()
    stopped_at: float | None = None

    def stop(command: Command) -> None:
        nonlocal stopped_at
        if stopped_at is None:
            stopped_at = loop.time()
            take_command(command)
        elif loop.time() >= stopped_at + _ECHO_SECONDS:
            take_command("force_stop")

    loop.add_signal_handler(signal.SIGTERM, stop, "drain")
    loop.add_signal_handler(signal.SIGINT, stop, "finish")
    loop.add_signal_handler(signal.SIGHUP, take_command, "reload")
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def ignore_signals() -> None:
    """Ignore signals until the process exits; called on its event loop at the end of serving.

    A signal must not change the exit code any more, and the end of the loop would restore the default actions.
    """
    # Removing a handler restores the default action, too.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    for number in SIGNALS:
        asyncio.get_running_loop().remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
