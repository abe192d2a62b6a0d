"""The server of one worker: uvicorn's, with our own connections and a stop that loses no request."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import math
import signal
from typing import TYPE_CHECKING

import uvicorn

from app.server.acceptor import Acceptor
from app.server.config import FORCED_SHUTDOWN_SECONDS, GRACE_SECONDS, SHUTDOWN_SECONDS
from app.server.connection import Connection
from app.server.lifespan import Lifespan
from app.server.listener import describe
from app.server.state import WorkerState
from app.start_error import StartError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp

    from app.server.config import ServerConfig
    from app.server.lifecycle import Lifecycle

logger = logging.getLogger(__name__)

_TICK_SECONDS = 0.25
"""The time between two looks for connections that have taken too long."""

_DRAIN_TICK_SECONDS = 0.02

_COLLECT_EVERY = 10_000
"""New containers between two garbage collections of the youngest ones."""

ECHO_SECONDS = 0.1
"""A stop signal so soon after another is the same one: a shell, `timeout` and a process manager each pass it on."""

CUT_EXIT = 1
"""The exit code if a request was cut off."""


class GatewayServer(uvicorn.Server):
    """Serves one application until a stop is requested.

    Args:
        app: the application.
        config: address, limits and times.
        lifecycle: the life of the worker; its state is written here.
        started: called once, when requests are answered.

    Attributes:
        cut: the number of requests that were cancelled by the stop.
    """

    def __init__(
        self, app: ASGIApp, config: ServerConfig, lifecycle: Lifecycle, *, started: Callable[[], object]
    ) -> None:
        uvicorn_config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="on",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            workers=1,
        )
        uvicorn_config.load()
        uvicorn_config.lifespan_class = Lifespan
        super().__init__(uvicorn_config)
        self.cut = 0
        self._config = config
        self._lifecycle = lifecycle
        self._notify_started = started
        self._tick_seconds = min(_TICK_SECONDS, config.read_timeout / 10)
        self._state = WorkerState(config, lifecycle)
        self._connections: set[Connection] = set()
        self._acceptors: list[Acceptor] = []
        self._stop = asyncio.Event()
        self._stop_at = math.inf
        self._signalled_at = -math.inf

    def run_to_end(self, listener: socket.socket, *, prepare: Callable[[], object] | None = None) -> int:
        """Serve until a stop is requested.

        Args:
            listener: a bound socket; it is closed here.
            prepare: called on the event loop before anything else; takes signals by default.

        Returns:
            The exit code: 0 unless a request was cut off.

        Raises:
            StartError: the application does not start, or the address is taken.
        """

        async def serve() -> None:
            (prepare or self.take_signals)()
            await self.serve([listener])

        # The parts of the application live to the end. A collection that visited them took 30 ms.
        gc.collect()
        gc.freeze()
        # Requests in progress hold so many objects that the usual 700 led to a collection every few requests.
        gc.set_threshold(_COLLECT_EVERY, *gc.get_threshold()[1:])
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(serve())
        return CUT_EXIT if self.cut else 0

    # Requests to stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to ``take_signals``: uvicorn would replace the handlers."""
        yield

    def take_signals(self) -> None:
        """Take SIGTERM as ``drain``, SIGINT as ``finish``, the second of either as ``force_stop``, SIGHUP as reload."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._take_stop_signal, self.drain)
        loop.add_signal_handler(signal.SIGINT, self._take_stop_signal, self.finish)
        loop.add_signal_handler(signal.SIGHUP, self.reload)

    def _take_stop_signal(self, stop: Callable[[], object]) -> None:
        now = asyncio.get_running_loop().time()
        if not self._state.draining:
            self._signalled_at = now
            stop()
        elif now >= self._signalled_at + ECHO_SECONDS:
            self.force_stop()

    def drain(self) -> None:
        """Fail readiness, serve on for the drain delay with ``Connection: close``, then ``finish``."""
        self._stop_after(self._config.drain_delay)

    def finish(self) -> None:
        """Stop listening; requests in progress may end within the drain time."""
        self._stop_after(0.0)

    def force_stop(self) -> None:
        """Cancel what is in progress."""
        self.force_exit = True
        self._stop_after(0.0)

    def _stop_after(self, seconds: float) -> None:
        self._lifecycle.state = "draining"
        self._state.draining = True
        loop = asyncio.get_running_loop()
        stop_at = loop.time() + seconds
        if stop_at < self._stop_at:
            self._stop_at = stop_at
            self._state.last_start = stop_at + self._config.drain_seconds - self._config.request_seconds
            loop.call_later(seconds, self._stop.set)

    def reload(self) -> None:
        """Call the reload callbacks of the lifecycle, each even if another one fails."""
        for callback in self._lifecycle.reload_callbacks:
            try:
                callback()
            except Exception:
                logger.exception("a reload failed")

    # Called by uvicorn, in this order

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then accept connections.

        Raises:
            StartError: the application does not start, or the address is taken.
        """
        await self.lifespan.startup()
        for listener in sockets or ():
            acceptor = Acceptor(listener, self._connect)
            try:
                acceptor.start()
            except OSError as problem:
                await self.lifespan.shutdown()
                raise StartError(describe(self._config, problem)) from None
            self._acceptors.append(acceptor)
        self.started = True

    def _connect(self) -> Connection:
        return Connection(self.config.loaded_app, self._state, self.lifespan.state, self._connections)

    async def main_loop(self) -> None:
        """Check the connections until it is time to stop."""
        if not self._state.draining:
            self._lifecycle.state = "serving"
        self._notify_started()
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            self._tick(loop.time())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._tick_seconds):
                    await self._stop.wait()

    def _tick(self, now: float) -> None:
        """Renew the date and end what has taken too long; ``now`` is event loop time in seconds.

        One pass over the open connections: a timer for each request cost 1.4 µs of its 13 µs.
        """
        self._state.renew_date()
        for connection in list(self._connections):
            try:
                connection.expire(now)
            except Exception:
                # A bug must not end the timer of all other connections.
                logger.exception("a connection could not be checked and is cut")
                connection.abort()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Stop listening, let requests in progress end, cancel the rest, and end the application."""
        for acceptor in self._acceptors:
            await acceptor.close()
        await self._finish_requests()
        await self._cancel_requests()
        seconds = FORCED_SHUTDOWN_SECONDS if self.force_exit else SHUTDOWN_SECONDS
        try:
            async with asyncio.timeout(seconds):
                await self.lifespan.shutdown()
        except TimeoutError:
            logger.warning("the application does not end within %g s and is left behind", seconds)

    async def _finish_requests(self) -> None:
        """Wait until no client is connected: for the drain time, or until the stop is forced."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._config.drain_seconds
        # A request that has arrived but has not been read is in progress too: let the loop read it first.
        await asyncio.sleep(_DRAIN_TICK_SECONDS)
        while not self.force_exit and (now := loop.time()) < deadline:
            self._tick(now)
            for connection in list(self._connections):
                connection.close_if_idle()
            if not (self._state.tasks or self._connections):
                return
            await asyncio.sleep(_DRAIN_TICK_SECONDS)

    async def _cancel_requests(self) -> None:
        """Cancel what is left. The application turns the cancellation into a response, and clients get it."""
        loop = asyncio.get_running_loop()
        state = self._state
        deadline = loop.time() + GRACE_SECONDS
        # No request is started any more; those that are still arriving are answered with a 408.
        state.last_start = -math.inf
        for connection in list(self._connections):
            connection.expire(loop.time())
        self.cut = len(state.tasks)
        if self.cut:
            logger.warning("%d requests are cut off", self.cut)
        for task in state.tasks:
            task.cancel()
        await asyncio.sleep(_DRAIN_TICK_SECONDS)
        # Polled, like the drain: most of what is waited for has no event.
        while loop.time() < deadline and (state.tasks or any(client.answering for client in self._connections)):  # noqa: ASYNC110
            await asyncio.sleep(_DRAIN_TICK_SECONDS)
        for connection in list(self._connections):
            connection.abort()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return the factory of uvloop's event loop, or of asyncio's on a system without uvloop."""
    # Given, so that uvicorn does not read its own environment variables.
    return uvicorn.Config("", log_config=None, workers=1, forwarded_allow_ips=[]).get_loop_factory()
