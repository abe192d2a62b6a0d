"""One connection: one exchange after the other, limited in size and time.

In place of uvicorn's protocol, on uvicorn's server; ``docs/adr/0014`` says why. The request line and the headers
together are at most ``Limits.max_header_bytes``: a target that is longer all by itself gets a 414, anything else a 431.
A request has ``Limits.read_seconds`` from its first byte to its last: then a 408, or a cut where its answer has begun.
"""

from __future__ import annotations

import asyncio
import logging
import math
import select
from collections import deque
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.utils import get_local_addr, get_remote_addr

from app.server.reader import RequestReader
from app.server.refusals import Refusal, RefusedError, render, status_of

if TYPE_CHECKING:
    from uvicorn.config import Config

    from app.server.exchange import Exchange
    from app.server.state import WorkerState

logger = logging.getLogger(__name__)

_HIGH_WATER_BYTES = 64 * 1024
"""Reading pauses where the application has more of a body yet to take."""

_LINGER_SECONDS = 1.0
_LINGER_BYTES = 8 * 1024 * 1024
"""How long, and how much, a client may go on sending that has its last answer. A socket closed on unread bytes is
reset, and a reset takes the answer with it before the client has read it (RFC 9112 section 9.6)."""


class Connection(asyncio.Protocol):
    """One connection, made by uvicorn's server.

    Attributes:
        state: what all connections of the worker share.
        paused: nothing is read from the client for now.
        unwritable: what an answer waits for while the client does not read.
    """

    __slots__ = (
        "_active",
        "_app",
        "_closing",
        "_deadline",
        "_eof",
        "_lifespan_state",
        "_lingered_bytes",
        "_loop",
        "_lost",
        "_queue",
        "_reader",
        "_refusal",
        "_stalled",
        "_tasks",
        "_transport",
        "_waiting",
        "paused",
        "state",
        "unwritable",
    )

    _transport: asyncio.Transport
    _reader: RequestReader

    def __init__(
        self,
        config: Config,
        server_state: WorkerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.state = server_state
        self.unwritable: asyncio.Event | None = None
        self._app = config.loaded_app
        self._tasks = server_state.tasks
        self._lifespan_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        self._active: Exchange | None = None
        self._queue: deque[Exchange] = deque()
        self._refusal: Refusal | None = None
        # What a task waits for that has an exchange behind it, on its way to the next.
        self._waiting: asyncio.Future[Exchange | None] | None = None
        # Event loop times in seconds, at which `expire` acts.
        self._deadline = self._stalled = math.inf
        self._lingered_bytes = 0
        self.paused = self._eof = self._closing = self._lost = False

    @property
    def busy(self) -> bool:
        """A request is being read or answered."""
        return not self._closing and (self._active is not None or self._reader.begun)

    # What the transport calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # a socket's, always
        """A client is here; what it has to say must be said within the read time."""
        self._transport = transport
        self.state.connections.add(self)  # type: ignore[arg-type]  # uvicorn's own are not used
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "scheme": "http",
            "server": get_local_addr(transport),
            "client": get_remote_addr(transport),
            "root_path": "",
        }
        self._reader = RequestReader(self, scope, self._lifespan_state, self.state.limits.max_header_bytes)
        self._deadline = self._loop.time() + self.state.limits.read_seconds

    def data_received(self, data: bytes) -> None:  # noqa: C901, PLR0912 - the hot path, in one piece
        """Bytes have arrived."""
        if self._closing:
            self._lingered_bytes += len(data)
            if self._lingered_bytes > _LINGER_BYTES:
                self.abort()
            return
        reader = self._reader
        refusal: Refusal | None = None
        try:
            reader.feed(data)
        except RefusedError as error:
            refusal = error.refusal
        found = reader.found
        if found:
            if refusal and not found[-1].read_whole:
                found.pop()  # the refused one: it never starts
            for exchange in found:
                if self._active is None:
                    self._start(exchange)
                else:
                    self._queue.append(exchange)
            found.clear()
        if refusal:
            self._refuse(refusal)
        elif reader.unfinished:
            if reader.fresh:
                reader.fresh = False
                self._deadline = self._loop.time() + self.state.limits.read_seconds
            self.update_reading()
        else:
            self._deadline = math.inf
            if self._queue:
                self.update_reading()

    def eof_received(self) -> bool:
        """The client sends no more; it may still read, and a delete in progress is an answer that it waits for."""
        self._eof = True
        return not self._closing and self._active is not None and self._active.read_whole

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the transport's signature
        """The client is gone. What the application does for it goes on."""
        self._lost = self._closing = True
        self.state.connections.discard(self)
        self._reader.close()
        self._queue.clear()
        self.resume_writing()
        if self._active is not None:
            self._active.disconnect()
            self._active = None
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def pause_writing(self) -> None:
        """The client does not read."""
        self.unwritable = asyncio.Event()
        self._stalled = self._loop.time() + self.state.limits.idle_seconds

    def resume_writing(self) -> None:
        """The client reads."""
        if self.unwritable is not None:
            self.unwritable.set()
            self.unwritable = None
            self._stalled = math.inf

    # What an exchange calls

    def write(self, data: bytes) -> None:
        """Send bytes, if there is still somebody to send them to."""
        if not self._lost:
            self._transport.write(data)

    def abort(self) -> None:
        """Cut the connection, unsent bytes with it."""
        self._closing = True
        self._transport.abort()

    def update_reading(self) -> None:
        """Pause or resume reading, so that what waits here is bounded."""
        active = self._active
        pause = (
            bool(self._queue)
            or self._refusal is not None
            or (active is not None and active.pending_bytes > _HIGH_WATER_BYTES)
        )
        if pause != self.paused and not self._closing:
            self.paused = pause
            if pause:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def answer_complete(self, exchange: Exchange) -> None:
        """The last byte of an answer has been written: on to the next request, or close."""
        if exchange is not self._active:
            return  # the connection has given up on it
        self._active = None
        self.state.total_requests += 1
        if not exchange.keep_alive:
            self._close(linger=not exchange.read_whole or self.paused)
        elif self._queue:
            self._start(self._queue.popleft())
            self.update_reading()
        elif self._refusal:
            self._answer_refusal(self._refusal)
        elif self._eof:
            self._close(linger=False)
        else:
            if self.paused:
                self.update_reading()
            if not self._reader.begun:
                self._deadline = self._loop.time() + self.state.limits.idle_seconds

    # What the server calls

    def expire(self, now: float) -> None:
        """End what has taken too long.

        Args:
            now: event loop time in seconds.
        """
        if now >= self._stalled:
            self.abort()
        elif now < self._deadline:
            return
        elif self._closing:
            # An answer on its way to a slow reader has the stall time to arrive.
            if self._transport.get_write_buffer_size():
                self._deadline = now + _LINGER_SECONDS
            else:
                self.abort()
        elif self.paused:
            self._deadline = now + self.state.limits.read_seconds  # it is this side that does not read
        elif self._reader.begun:
            self._refuse("late")
        elif self._active is not None:
            self._deadline = math.inf  # a stray line end behind the request that is being answered
        else:
            self._close(linger=False)

    def shutdown(self) -> None:
        """Close once nothing is being read or answered, nor there to be read."""
        if not self.busy and not self._closing and not self._has_unread():
            self._close(linger=False)

    def _has_unread(self) -> bool:
        """Whether the kernel has what the loop has not read yet: closed on that, the client would be reset."""
        sock = self._transport.get_extra_info("socket")
        if sock is None:
            return False
        poll = select.poll()
        poll.register(sock.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def _start(self, exchange: Exchange) -> None:
        self._active = exchange
        if self._eof and not exchange.read_whole:
            self._close(linger=False)  # its rest will never come
            return
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(exchange)
        else:
            self._tasks.add(self._loop.create_task(self._run(exchange)))

    async def _run(self, exchange: Exchange | None) -> None:
        """Run one exchange after the other: a task for each would cost 2 µs of its 60."""
        task = cast("asyncio.Task[None]", asyncio.current_task())
        while exchange is not None:
            self._tasks.add(task)
            try:
                await self._app(exchange.scope, exchange.receive, exchange.send)
            except (Exception, asyncio.CancelledError) as problem:  # noqa: BLE001 - whatever it is, there is a client
                exchange.fail(problem)
            else:
                if not (exchange.answered or exchange.disconnected):
                    exchange.fail(None)
            finally:
                self._tasks.discard(task)
            if self._closing or self._waiting is not None:
                return
            self._waiting = self._loop.create_future()
            exchange = await self._waiting

    def _refuse(self, refusal: Refusal) -> None:
        logger.debug("refused a request: %s", refusal)
        self.state.lifecycle.refusals[status_of(refusal)] += 1
        active = self._active
        if active is None:
            self._answer_refusal(refusal)
        elif active.read_whole:
            # It is a later request that is refused. The one being answered gets its own answer first.
            if self._queue and not self._queue[-1].read_whole:
                self._queue.pop()
            self._refusal = refusal
            self.update_reading()
        else:
            self._active = None
            active.disconnect()
            if active.written:
                self.abort()
            else:
                self._answer_refusal(refusal)

    def _answer_refusal(self, refusal: Refusal) -> None:
        self.write(render(refusal, self.state.date))
        self._close(linger=True)

    def _close(self, *, linger: bool) -> None:
        self._closing = True
        now = self._loop.time()
        self._deadline = now + _LINGER_SECONDS
        self._stalled = now + self.state.limits.idle_seconds
        if linger and not self._eof:
            if self.paused:
                self._transport.resume_reading()
            self._transport.write_eof()
        else:
            self._transport.close()
