"""One HTTP/1.1 connection: one exchange after the other, limited in size and time.

``docs/adr/0014`` says why it replaces uvicorn's protocol. The request line and the headers together are at most
``max_header_bytes`` long: a longer target gets a 414, anything else a 431. A request has ``read_timeout`` seconds from
its first byte to its last: then it gets a 408, or the connection is cut if its response has begun.
"""

from __future__ import annotations

import asyncio
import logging
import math
import select
from collections import deque
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.utils import get_local_addr

from app.server.error_responses import TIMEOUT, RejectedRequestError
from app.server.exchange import ABORT, HIGH_WATER_BYTES, SERVER_STATUS
from app.server.request_parser import RequestParser

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from app.server.error_responses import ErrorResponse
    from app.server.exchange import Exchange
    from app.server.state import WorkerState

logger = logging.getLogger(__name__)

_LINGER_SECONDS = 1.0
"""Time for which the connection of a client that still sends stays open after its last response.

A socket that is closed with unread bytes is reset, and a reset discards the response before the client has read it
(RFC 9112 §9.6).
"""

_LINGER_BYTES = 8 * 1024 * 1024
"""Bytes that such a client may send in this time."""


class Connection(asyncio.Protocol):
    """One connection.

    Args:
        app: the application.
        state: the state of the worker.
        connections: the open connections of the worker; this one is among them from its start to its end.
        client: the client's address and port, as ``accept`` returned them; None if it did not. The kernel forgets them
            when the connection is reset.

    Attributes:
        state: the state of the worker.
        unwritable: an event while the client does not read, set when it reads again; otherwise None.
    """

    _transport: asyncio.Transport
    _parser: RequestParser

    def __init__(
        self, app: ASGIApp, state: WorkerState, connections: set[Connection], client: tuple[str, int] | None
    ) -> None:
        self.state = state
        self.unwritable: asyncio.Event | None = None
        self._app = app
        self._connections = connections
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._active: Exchange | None = None
        self._queue: deque[Exchange] = deque()
        self._task: asyncio.Task[None] | None = None
        # The exchange that the task waits for; None if it does not wait.
        self._next: asyncio.Future[Exchange] | None = None
        self._pending_error: ErrorResponse | None = None
        # Event loop times in seconds, at which `expire` acts.
        self._deadline = self._write_deadline = math.inf
        self._lingered_bytes = 0
        self._paused = self._eof = self._closing = False

    # Called by the transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # a socket's, always
        """Take a new client. Its first request must arrive within the read time."""
        self._transport = transport
        self._connections.add(self)
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "scheme": "http",
            "server": get_local_addr(transport),
            "client": self._client,
            "root_path": "",
            "extensions": {ABORT: {}},
        }
        config = self.state.config
        self._parser = RequestParser(self, scope, config.max_header_bytes)
        self._deadline = self._loop.time() + config.read_timeout

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        if self._closing:
            self._lingered_bytes += len(data)
            if self._lingered_bytes > _LINGER_BYTES:
                self.abort()
            return
        parser = self._parser
        if self.state.draining and self._is_too_late() and parser.begun:
            self._reject(TIMEOUT)
            return
        error: ErrorResponse | None = None
        try:
            parser.feed(data)
        except RejectedRequestError as rejected:
            error = rejected.response
        if not self._take(parser.found, error):
            return
        if error:
            self._reject(error)
        elif parser.begun:
            if parser.fresh:
                parser.fresh = False
                self._deadline = self._loop.time() + self.state.config.read_timeout
            self.update_reading()
        elif self._active is not None:  # otherwise only a line end has arrived
            self._deadline = math.inf

    def _take(self, found: list[Exchange], error: ErrorResponse | None) -> bool:
        """Start or queue what the parser has found; return whether the connection stays open."""
        if error and found and not found[-1].complete:
            found.pop()  # the rejected one: the application is not called
        for exchange in found:
            if self._active is None and not self._closing:
                self._start(exchange)
            else:
                self._queue.append(exchange)
                self.update_reading()
        found.clear()
        return not self._closing

    def eof_received(self) -> bool:
        """Handle the client's half-close. The client may still read the response of a complete request."""
        self._eof = True
        return not self._closing and self._active is not None and self._active.complete

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the transport's signature
        """Forget the client. The application continues its work for the request."""
        self._closing = True
        self._connections.discard(self)
        self._parser.close()
        self._queue.clear()
        self.resume_writing()
        if self._next is not None:
            self._next.cancel()
        if self._active is not None:
            self._active.disconnect()
            self._active = None

    def pause_writing(self) -> None:
        """Pause responses: the client does not read."""
        self.unwritable = asyncio.Event()
        self._write_deadline = self._loop.time() + self.state.config.keep_alive

    def resume_writing(self) -> None:
        """Resume responses: the client reads."""
        if self.unwritable is not None:
            self.unwritable.set()
            self.unwritable = None
            if not self._closing:
                self._write_deadline = math.inf

    # Called by an exchange

    def write(self, data: bytes) -> None:
        """Send bytes to the client."""
        self._transport.write(data)

    def update_reading(self) -> None:
        """Pause or resume reading, so that the memory of a connection is bounded."""
        active = self._active
        pause = (
            bool(self._queue)
            or self._pending_error is not None
            or (active is not None and active.pending_bytes > HIGH_WATER_BYTES)
        )
        if pause != self._paused and not self._closing:
            self._paused = pause
            if pause:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def response_complete(self, exchange: Exchange) -> None:
        """Go on to the next request, or close."""
        self._active = None
        if not exchange.keep_alive:
            self._close(linger=not exchange.complete or self._paused)
        elif self._queue:
            self._start(self._queue.popleft())
            self.update_reading()
        elif self._pending_error:
            self._answer(self._pending_error, self._parser.method)
        elif self._eof:
            self._close(linger=False)
        else:
            if self._paused:
                self.update_reading()
            if not self._parser.begun:
                self._deadline = self._loop.time() + self.state.config.keep_alive

    def replace_response(self, exchange: Exchange, response: ErrorResponse) -> None:
        """Answer instead of the application, or cut a response that has begun."""
        self._active = None
        exchange.disconnect()
        if exchange.written:
            # A client recognises an incomplete response by the cut connection (RFC 9112 §8).
            self.abort()
        else:
            exchange.scope[SERVER_STATUS] = response.status
            self._answer(response, exchange.scope["method"])

    # Called by the server

    @property
    def answering(self) -> bool:
        """True while a response is made or sent."""
        return self._active is not None or self._transport.get_write_buffer_size() > 0

    def expire(self, now: float) -> None:
        """End what has taken too long; ``now`` is event loop time in seconds."""
        if now >= self._write_deadline:
            self.abort()
        elif self._parser.begun and not self._closing and now >= self.state.last_start:
            self._reject(TIMEOUT)
        elif now < self._deadline:
            return
        elif self._closing:
            # A slow client has until the write deadline to read its response.
            if self._transport.get_write_buffer_size():
                self._deadline = now + _LINGER_SECONDS
            else:
                self.abort()
        elif self._paused:
            self._deadline = now + self.state.config.read_timeout  # reading is paused: the client is not late
        elif self._parser.begun:
            self._reject(TIMEOUT)
        elif not self._has_unread_bytes():
            self._close(linger=False)

    def close_if_idle(self) -> None:
        """Close the connection unless a request has begun, or waits in the kernel."""
        if not (self._closing or self._active or self._parser.begun or self._has_unread_bytes()):
            self._close(linger=False)

    def abort(self) -> None:
        """Cut the connection and discard unsent bytes."""
        self._closing = True
        self._transport.abort()

    # Internal

    def _start(self, exchange: Exchange) -> None:
        self._active = exchange
        if self.state.draining and self._is_too_late():
            self.replace_response(exchange, TIMEOUT)
        else:
            task, waiting, self._next = self._task, self._next, None
            if task is None or waiting is None:
                task = self._task = self._loop.create_task(self._run(exchange))
            else:
                waiting.set_result(exchange)
            # Here, not in ``_run``: a stop cancels the task even before it continues.
            self.state.tasks.add(task)

    async def _run(self, exchange: Exchange) -> None:
        """Run one exchange after the other: a task for each would cost 2 µs more."""
        task = cast("asyncio.Task[None]", asyncio.current_task())
        while True:
            error: BaseException | None = None
            try:
                await self._app(exchange.scope, exchange.receive, exchange.send)
            except (Exception, asyncio.CancelledError) as raised:  # noqa: BLE001 - an application may raise anything
                error = raised
            self.state.tasks.discard(task)
            exchange.application_ended(error)
            # The next exchange has a task of its own if this one's response was complete before its application ended.
            if self._closing or task is not self._task:
                return
            self._next = self._loop.create_future()
            exchange = await self._next

    def _is_too_late(self) -> bool:
        """Return whether a request that is completed now can no longer have its full time before the stop."""
        return self._loop.time() >= self.state.last_start

    def _has_unread_bytes(self) -> bool:
        """Return whether the kernel holds bytes that the event loop has not read: a close would reset the client."""
        sock = self._transport.get_extra_info("socket")
        if sock is None:
            return False
        poll = select.poll()
        poll.register(sock.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def _reject(self, response: ErrorResponse) -> None:
        """Answer the request that is being read. If another one is active, it is answered first."""
        active = self._active
        if active is None:
            self._answer(response, self._parser.method)
        elif not active.complete:
            self.replace_response(active, response)
        elif self._pending_error is None:
            if self._queue and not self._queue[-1].complete:
                self._queue.pop()
            self._pending_error = response
            self.update_reading()

    def _answer(self, response: ErrorResponse, method: str) -> None:
        logger.debug("the server answers %d: %s", response.status, response.message)
        self.state.lifecycle.on_refusal(response.status)
        self.write(response.render(self.state.date, method))
        self._close(linger=True)

    def _close(self, *, linger: bool) -> None:
        self._closing = True
        now = self._loop.time()
        self._deadline = now + _LINGER_SECONDS
        self._write_deadline = now + self.state.config.keep_alive
        if linger and not self._eof:
            if self._paused:
                self._transport.resume_reading()
            self._transport.write_eof()
        else:
            self._transport.close()
