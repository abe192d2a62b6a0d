"""One worker: uvicorn's server with connections of our own, and a stop that loses no delete."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import TYPE_CHECKING

import uvicorn

from app.server.protocol import Connection
from app.server.state import Limits, WorkerState

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from app.server.context import WorkerContext

logger = logging.getLogger(__name__)

_TICK_SECONDS = 0.25
"""How often connections are looked over for what has taken too long."""

_DRAIN_TICK_SECONDS = 0.02
_LAST_WORDS_SECONDS = 1.0
"""How long requests that the end of the drain cancels may take to answer that nobody knows."""

_BACKLOG = 2048

FORCED_EXIT = 1
"""The exit code of a stop that was told to hurry."""


class GatewayServer(uvicorn.Server):
    """Serves one application on one socket until it is told to stop.

    SIGTERM: readiness fails, requests are still served for the drain delay, with `Connection: close`; then the
    listener closes and what is in progress may finish within the drain time. SIGINT: the same without the delay.
    A second one ends it at once. SIGHUP calls the lifecycle's reload callbacks.

    Args:
        app: the application.
        context: what it was made from.
        started: called once, when requests are answered.
    """

    def __init__(self, app: ASGIApp, context: WorkerContext, *, started: Callable[[], object]) -> None:
        config = uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=_BACKLOG,
            workers=1,
        )
        super().__init__(config)
        settings = context.settings
        self._settings = settings
        self._lifecycle = context.lifecycle
        self._notify_started = started
        self._state = WorkerState(
            Limits(
                max_header_bytes=settings.gateway_max_header_bytes, read_seconds=settings.gateway_read_timeout_seconds
            ),
            context.lifecycle,
        )
        self.server_state = self._state
        self._stop = asyncio.Event()
        self._stop_timer: asyncio.TimerHandle | None = None

    def run_to_end(self, listener: socket.socket) -> int:
        """Serve until stopped.

        Returns:
            The exit code: 0 unless it was told to hurry.
        """
        with asyncio.Runner(loop_factory=self.config.get_loop_factory()) as runner:
            runner.run(self.serve([listener]))
        return FORCED_EXIT if self.force_exit else 0

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve with the signals taken."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stop, self._settings.gateway_drain_delay_seconds)
        loop.add_signal_handler(signal.SIGINT, self.stop, 0.0)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        await self._serve(sockets)

    def stop(self, delay_seconds: float) -> None:
        """Stop after a delay in which requests are still served; at once if it is stopping already."""
        if self._state.draining:
            self.force_exit = True
            self._stop.set()
            return
        self._lifecycle.state = "draining"
        self._state.draining = True
        self._stop_timer = asyncio.get_running_loop().call_later(delay_seconds, self._stop.set)

    async def main_loop(self) -> None:
        """Look over the connections until it is time to stop."""
        self._lifecycle.state = "serving"
        self._notify_started()
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            self._state.tick(loop.time())
            try:
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._stop.wait()
            except TimeoutError:
                continue

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the listener, let what is in progress finish, and end the application."""
        loop = asyncio.get_running_loop()
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        state = self._state
        deadline = loop.time() + self._settings.gateway_drain_seconds
        while (state.tasks or state.connections) and not self.force_exit and loop.time() < deadline:
            state.tick(loop.time())
            for connection in list(state.connections):
                connection.shutdown()
            await asyncio.sleep(_DRAIN_TICK_SECONDS)
        if state.tasks:
            logger.warning("%d requests are cut, as the time to drain is over", len(state.tasks))
            tasks = list(state.tasks)
            for task in tasks:
                task.cancel()
            # The application turns a cancellation into an answer.
            await asyncio.wait(tasks, timeout=_LAST_WORDS_SECONDS)
        for connection in list(state.connections):
            connection.abort()  # type: ignore[union-attr]  # they are all ours
        await self.lifespan.shutdown()

    def _reload(self) -> None:
        for callback in self._lifecycle.reload_callbacks:
            try:
                callback()
            except Exception:
                logger.exception("a reload failed")
