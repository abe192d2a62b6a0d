"""The sandbox where no event loop runs yet: in a thread of its own, or as a program."""

from __future__ import annotations

import asyncio
import functools
import signal
import threading
from concurrent.futures import Future
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import uvicorn

from app.sandbox.application import SLOW_SECONDS
from app.sandbox.server import serve_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType


class SandboxThread:
    """A sandbox on an event loop and a thread of its own: ``with SandboxThread() as url``.

    Takes the arguments of ``serve_sandbox``, and entering raises what that raises. It can be entered once.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        database: str | Path | None = None,
        *,
        slow_seconds: float = SLOW_SECONDS,
    ) -> None:
        self._serve = functools.partial(serve_sandbox, host, port, database, slow_seconds=slow_seconds)
        self._started: Future[tuple[str, Callable[[], object]]] = Future()
        # A daemon, so that a process that dies of an exception is not kept alive by its sandbox.
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        try:
            url, self._stop = self._started.result()
        except Exception:
            self._thread.join()
            raise
        return url

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            try:
                url = await stack.enter_async_context(self._serve())
            except BaseException as error:  # noqa: BLE001 - raised in the thread that waits for the start
                self._started.set_exception(error)
                return
            self._started.set_result((url, lambda: loop.call_soon_threadsafe(stopped.set)))
            await stopped.wait()


def run_sandbox(host: str, port: int, database: str | Path | None, announce: Callable[[str], object]) -> None:
    """Serve a sandbox until SIGINT or SIGTERM, then return; for the main thread of a program.

    Args:
        host: address or name to listen on.
        port: port to listen on; 0 takes a free one.
        database: path of the database, or None for memory (see ``create_sandbox``).
        announce: called with the base URL once requests are answered there.

    Raises:
        OSError: the address cannot be had.
        DatabaseUnusableError: the file cannot be used.
    """

    async def serve() -> None:
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        async with serve_sandbox(host, port, database) as url:
            announce(url)
            await stopped.wait()

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Take uvloop's where it is installed, as uvicorn does; the values given keep uvicorn from the environment."""
    config = uvicorn.Config("", loop="auto", log_config=None, workers=1, forwarded_allow_ips=[])
    return config.get_loop_factory()
