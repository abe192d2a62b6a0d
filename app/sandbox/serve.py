"""The sandbox on a socket: in a thread beside other code, or as a program."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from app.sandbox.application import SLOW_SECONDS, create_sandbox
from app.server.embedded import serve_on_thread

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path


def serve_sandbox(
    host: str = "127.0.0.1", port: int = 0, database: Path | None = None, *, slow_seconds: float = SLOW_SECONDS
) -> AbstractContextManager[str]:
    """Serve a sandbox in a thread of its own: a context manager of its base URL.

    Port 0 takes a free one; ``create_sandbox`` explains the other arguments. Entering raises ``StartError`` if the
    address or the database cannot be used.
    """
    return serve_on_thread(create_sandbox(database, slow_seconds=slow_seconds), host, port)


def run_sandbox(host: str, port: int, database: Path | None, announce: Callable[[str], object]) -> None:
    """Serve a sandbox until SIGINT or SIGTERM, in the main thread of a program.

    ``announce`` is called with the base URL once the sandbox answers there.
    """
    stop = {signal.SIGINT, signal.SIGTERM}
    # Threads inherit the mask, so that only `sigwait` receives these signals.
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    with serve_sandbox(host, port, database) as url:
        announce(url)
        signal.sigwait(stop)
