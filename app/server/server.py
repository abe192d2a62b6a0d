"""The server of one worker: uvicorn's, with our own connections and a stop that loses no request."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import math
from typing import TYPE_CHECKING

import uvicorn

from app.server.config import FORCED_SHUTDOWN_SECONDS, GRACE_SECONDS, SHUTDOWN_SECONDS
from app.server.connection import Connection
from app.server.event_loop import EventLoop
from app.server.lifespan import Lifespan
from app.server.listener import Acceptor
from app.server.signals import ignore_signals
from app.server.state import WorkerState

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp

    from app.server.config import ServerConfig
    from app.server.lifecycle import Lifecycle
    from app.server.signals import Command

logger = logging.getLogger(__name__)

_TICK_SECONDS = 0.25
"""The time between two checks for connections that have taken too long."""

_DRAIN_TICK_SECONDS = 0.02

_COLLECT_EVERY = 10_000
"""New container objects between two garbage collections of the youngest generation."""

CUT_EXIT = 1
"""The exit code if a request was cut off."""


class GatewayServer(uvicorn.Server):
    """A server of one application, until a stop is requested.

    Args:
        app: an ASGI application with a lifespan.
        config: address, limits and times.
        lifecycle: the life of the worker; its state is written here.
        started: called once, when requests are answered.

    Attributes:
        cut: the number of requests that were cancelled by the stop.
    """

    def __init__(
        self, app: ASGIApp, config: ServerConfig, lifecycle: Lifecycle, *, started: Callable[[], object]
    ) -> None:
        # Everything is given, so that uvicorn reads no environment variables of its own.
        super().__init__(
            uvicorn.Config(
                app,
                interface="asgi3",
                http="httptools",
                ws="none",
                lifespan="off",  # ours reports why an application does not start
                log_config=None,
                access_log=False,
                proxy_headers=False,
                forwarded_allow_ips=[],
                workers=1,
            )
        )
        self.cut = 0
        self._app = app
        self._config = config
        self._lifecycle = lifecycle
        self._notify_started = started
        self._tick_seconds = min(_TICK_SECONDS, config.read_timeout / 10)
        self._state = WorkerState(config, lifecycle)
        self._connections: set[Connection] = set()
        self._stop = asyncio.Event()
        self._stop_at = math.inf
        self._acceptors: list[Acceptor] = []
        self._lifespan = Lifespan(app)

    def run_to_end(self, listener: socket.socket, handle_signals: Callable[[], object]) -> int:
        """Serve until a stop is requested, and return the exit code: 0 unless a request was cut off.

        Args:
            listener: a socket that listens; it is closed here.
            handle_signals: called on the event loop before anything else.

        Raises:
            StartError: the application does not start.
        """

        async def serve() -> None:
            handle_signals()
            try:
                await self.serve([listener])
            finally:
                ignore_signals()

        # The objects of the application are never garbage. A collection that visited them took 30 ms.
        gc.collect()
        gc.freeze()
        # Requests in progress hold many objects: the default threshold led to a collection every few requests.
        gc.set_threshold(_COLLECT_EVERY, *gc.get_threshold()[1:])
        with asyncio.Runner(loop_factory=EventLoop) as runner:
            runner.run(serve())
        return CUT_EXIT if self.cut else 0

    # Requests to stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle no signal: the caller of ``serve`` does."""
        yield

    def take_command(self, command: Command) -> None:
        """Call the method of a command."""
        getattr(self, command)()

    def drain(self) -> None:
        """Fail readiness, serve for the drain delay with ``Connection: close``, then ``finish``."""
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

    # The steps of uvicorn's ``serve``

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then accept connections.

        Raises:
            StartError: the application does not start.
        """
        await self._lifespan.startup()
        self._acceptors = [Acceptor(listener, self._connect) for listener in sockets or ()]
        self.started = True

    def _connect(self, client: tuple[str, int] | None) -> Connection:
        return Connection(self._app, self._state, self._connections, client)

    async def main_loop(self) -> None:
        """Check the connections until a stop is requested."""
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
                # A bug must not end the checks of all other connections.
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
                await self._lifespan.shutdown()
        except TimeoutError:
            logger.warning("the application did not shut down within %g s; exiting without it", seconds)

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
        # Polled, like the drain: no event reports that a client has read its response.
        while loop.time() < deadline and (state.tasks or any(client.answering for client in self._connections)):  # noqa: ASYNC110
            await asyncio.sleep(_DRAIN_TICK_SECONDS)
        for connection in list(self._connections):
            connection.abort()
