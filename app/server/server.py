"""One worker's server: uvicorn's, with connections of our own and a stop that loses no delete."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import math
import signal
from typing import TYPE_CHECKING

import uvicorn

from app.server.lifespan import Lifespan
from app.server.listener import url_of
from app.server.protocol import Connection
from app.server.state import IDLE_SECONDS, Limits, WorkerState
from app.start_error import StartError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from app.server.context import WorkerContext

logger = logging.getLogger(__name__)

_TICK_SECONDS = 0.25
"""How often connections are looked over for what has taken too long."""

_COLLECT_EVERY = 10_000
"""New containers between two collections of the youngest ones."""

_DRAIN_TICK_SECONDS = 0.02

_LAST_WORDS_SECONDS = 1.0
"""How long requests that the end of the drain cancels may take to answer that nobody knows."""

_END_SECONDS = 3.0
_HURRIED_END_SECONDS = 0.5
"""How long the application may take to end."""

_BACKLOG = 2048

ECHO_SECONDS = 0.1
"""A stop signal so soon after another is the same one: a shell, `timeout` and a process manager each pass it on."""

CUT_EXIT = 1
"""The exit code where a request was cut off."""


class GatewayServer(uvicorn.Server):
    """Serves one application on one socket until it is told to stop.

    Args:
        app: the application.
        context: what it was made from.
        started: called once, when requests are answered.
        idle_seconds: see ``Limits``.

    Attributes:
        cut: how many requests were cut off before they had an answer.
    """

    def __init__(
        self,
        app: ASGIApp,
        context: WorkerContext,
        *,
        started: Callable[[], object],
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        config = uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            lifespan="on",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=_BACKLOG,
            workers=1,
            forwarded_allow_ips=[],
        )
        config.load()
        config.lifespan_class = Lifespan
        super().__init__(config)
        settings = context.settings
        self._settings = settings
        self._lifecycle = context.lifecycle
        self._notify_started = started
        limits = Limits(
            max_header_bytes=settings.gateway_max_header_bytes,
            read_seconds=settings.gateway_read_timeout_seconds,
            idle_seconds=idle_seconds,
        )
        self._tick_seconds = min(_TICK_SECONDS, limits.read_seconds / 10)
        self._state = self.server_state = WorkerState(limits, context.lifecycle)
        self._stop = asyncio.Event()
        self._stop_at = math.inf
        self._spares: list[socket.socket] = []
        self._told_at = -math.inf
        self.cut = 0

    def run_to_end(self, listener: socket.socket, *, prepare: Callable[[], object] | None = None) -> int:
        """Serve until stopped.

        Args:
            listener: a bound socket, to be closed here.
            prepare: called on the event loop before anything else, to take signals, say.

        Returns:
            The exit code: 0 unless a request was cut off.

        Raises:
            StartError: the application does not start.
        """

        async def serve() -> None:
            (prepare or self.take_signals)()
            await self.serve([listener])

        # What the application is made of lives to the end. A collection that looked at it took 30 ms.
        gc.collect()
        gc.freeze()
        # Requests in progress hold so many objects that the usual 700 had them looked through every few requests.
        gc.set_threshold(_COLLECT_EVERY, *gc.get_threshold()[1:])
        with asyncio.Runner(loop_factory=self.config.get_loop_factory()) as runner:
            runner.run(serve())
        return CUT_EXIT if self.cut else 0

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until stopped, with no signal taken.

        Raises:
            StartError: the application does not start.
        """
        await self._serve(sockets)

    # How it is told

    def take_signals(self) -> None:
        """SIGTERM drains, SIGINT finishes, the second of either hurries; SIGHUP reloads."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop_or_hurry, self.drain)
        loop.add_signal_handler(signal.SIGINT, self._stop_or_hurry, self.finish)
        loop.add_signal_handler(signal.SIGHUP, self.reload)

    def _stop_or_hurry(self, stop: Callable[[], object]) -> None:
        now = asyncio.get_running_loop().time()
        if not self._state.draining:
            self._told_at = now
            stop()
        elif now >= self._told_at + ECHO_SECONDS:
            self.hurry()

    def drain(self) -> None:
        """Fail readiness, serve on for the drain delay with `Connection: close`, then ``finish``."""
        self._stop_after(self._settings.gateway_drain_delay_seconds)

    def finish(self) -> None:
        """Close the listener; what is in progress may end within the drain time."""
        self._stop_after(0.0)

    def hurry(self) -> None:
        """Wait for nothing any more."""
        self.force_exit = True
        self._stop_after(0.0)

    def _stop_after(self, seconds: float) -> None:
        self._lifecycle.state = "draining"
        self._state.draining = True
        loop = asyncio.get_running_loop()
        stop_at = loop.time() + seconds
        if stop_at < self._stop_at:
            self._stop_at = stop_at
            loop.call_later(seconds, self._stop.set)

    def reload(self) -> None:
        """Call the lifecycle's reload callbacks; one that fails keeps no other from being called."""
        for callback in self._lifecycle.reload_callbacks:
            try:
                callback()
            except Exception:
                logger.exception("a reload failed")

    # What uvicorn calls, in this order

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen.

        Raises:
            StartError: the application does not start.
        """
        await self.lifespan.startup()
        loop = asyncio.get_running_loop()
        self.servers = []
        for listener in sockets or ():
            try:
                server = await loop.create_server(self._connect, sock=listener, backlog=_BACKLOG)
            except OSError as problem:
                # Bound by two, who both found it free: the second to listen finds out.
                await self.lifespan.shutdown()
                raise StartError(f"cannot listen on {url_of(listener)}: {problem.strerror}") from None
            self.servers.append(server)
            self._spares.append(listener.dup())
        self.started = True

    def _connect(self) -> Connection:
        return Connection(self.config, self._state, self.lifespan.state)

    async def main_loop(self) -> None:
        """Look over the connections until it is time to stop."""
        if not self._state.draining:
            self._lifecycle.state = "serving"
        self._notify_started()
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            self._state.tick(loop.time())
            try:
                async with asyncio.timeout(self._tick_seconds):
                    await self._stop.wait()
            except TimeoutError:
                continue

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the listener, let what is in progress finish, and end the application."""
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        await self._let_the_last_in()
        await self._settle(self._settings.gateway_drain_seconds)
        await self._cut()
        seconds = _HURRIED_END_SECONDS if self.force_exit else _END_SECONDS
        try:
            async with asyncio.timeout(seconds):
                await self.lifespan.shutdown()
        except TimeoutError:
            logger.warning("the application does not end within %g s and is left behind", seconds)

    async def _let_the_last_in(self) -> None:
        """Accept whom the kernel has accepted already: a reset would leave the request in doubt that is on its way."""
        clients: list[socket.socket] = []
        for spare in self._spares:
            with spare:
                spare.settimeout(0)
                with contextlib.suppress(OSError):  # there are no more
                    while len(clients) < _BACKLOG:
                        clients.append(spare.accept()[0])
        self._spares.clear()
        loop = asyncio.get_running_loop()
        for client in clients:
            await loop.connect_accepted_socket(self._connect, client)

    async def _settle(self, seconds: float) -> None:
        """Wait until nothing is in progress and nobody is connected: so long, or until told to hurry."""
        loop = asyncio.get_running_loop()
        state = self._state
        deadline = loop.time() + seconds
        # What has arrived, but has not been read, is in progress too: the loop turns once before anybody is idle.
        await asyncio.sleep(_DRAIN_TICK_SECONDS)
        while not self.force_exit and (now := loop.time()) < deadline:
            state.tick(now)
            for connection in list(state.connections):
                connection.shutdown()
            if not (state.tasks or state.connections):
                return
            await asyncio.sleep(_DRAIN_TICK_SECONDS)

    async def _cut(self) -> None:
        """End what is left. The application turns a cancellation into an answer, where it has one to give."""
        state = self._state
        tasks = list(state.tasks)
        if tasks:
            self.cut = len(tasks)
            logger.warning("%d requests are cut off", self.cut)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=_LAST_WORDS_SECONDS)
        await asyncio.sleep(_DRAIN_TICK_SECONDS)  # for answers to leave
        for connection in list(state.connections):
            connection.abort()  # type: ignore[union-attr]  # they are all ours
