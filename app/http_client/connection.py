"""One connection to Wethod, carrying one request at a time."""

from __future__ import annotations

import asyncio
import math
import select
import ssl
from typing import Final, Protocol, cast

from app.http_client.response_parser import ReplyReader
from app.http_client.transport import BODY_SECONDS, NO_BODY, Interrupted, Reply

DRAIN_SECONDS = 0.5
"""How long the rest of a reply that nobody waits for may take; a new connection costs 0.1 ms, over TLS 1.5."""

DRAIN_BYTES = 64 * 1024
"""How long such a reply may be, its head included."""

CLOCK_TICK = 0.001
"""uvloop's clock counts milliseconds: an alarm may go off this much early."""

# Where a connection stands. Plain numbers: an enum's members cost a look-up each, a dozen times an exchange.
_RESTING: Final = 0
_AWAITING_HEAD: Final = 1
_AWAITING_BODY: Final = 2
_DRAINING: Final = 3
_ENDED: Final = 4


class Owner(Protocol):
    """Who is told what becomes of a connection."""

    def made(self, connection: Connection) -> None:
        """It is open."""

    def rested(self, connection: Connection) -> None:
        """Its exchange is over, and another may follow."""

    def ended(self, connection: Connection) -> None:
        """No exchange will follow; its socket is being closed."""

    def lost(self, connection: Connection) -> None:
        """Its socket is closed."""


class Connection(asyncio.Protocol):
    """Rests, carries a request, rests again, until it ends.

    Anything out of order ends it: a byte or a FIN while it rests, a deadline, an exchange whose caller is gone, a
    reply that is not well-formed or that something follows. So what was read of one reply is never another's.

    Attributes:
        leased: whether somebody holds it; the owner's to keep.
    """

    __slots__ = (
        "_alarm",
        "_alarm_at",
        "_deadline",
        "_due",
        "_idle_seconds",
        "_loop",
        "_owner",
        "_poll",
        "_reader",
        "_reply",
        "_state",
        "_transport",
        "leased",
    )

    def __init__(self, owner: Owner, loop: asyncio.AbstractEventLoop, idle_seconds: float) -> None:
        self._owner = owner
        self._loop = loop
        self._idle_seconds = idle_seconds
        self._transport: asyncio.Transport | None = None
        self._poll = select.poll()
        self._reader = ReplyReader()
        self._state: int = _RESTING
        self._reply: asyncio.Future[Reply] | None = None
        self._deadline = 0.0
        self._due = self._alarm_at = math.inf
        self._alarm: asyncio.TimerHandle | None = None
        self.leased = False

    def is_usable(self, now: float, *, peek: bool = True) -> bool:
        """Whether a request may be written in this very callback: nothing has arrived, nothing has ended.

        Args:
            now: event loop time in seconds.
            peek: ask the socket too, as the loop may not have read yet what is there. (0.4 µs)
        """
        return (
            self._state == _RESTING
            and self._transport is not None
            and not self._transport.is_closing()
            and now < self._due
            and not (peek and self._poll.poll(0))
        )

    def exchange(self, head: bytes, deadline: float) -> asyncio.Future[Reply]:
        """Write a request. Only for a connection that has just said that it is usable.

        Returns:
            A future of the reply, or of ``Interrupted``.
        """
        assert self._transport is not None  # noqa: S101 - a usable one has it
        self._state = _AWAITING_HEAD
        self._deadline = deadline
        self._wake_by(deadline)
        self._reply = self._loop.create_future()
        # From here on something may have left. One call: the head goes out in one piece.
        self._transport.write(head)
        return self._reply

    def abandon(self, reply: asyncio.Future[Reply]) -> None:
        """End the connection if it still carries that exchange: its caller is gone."""
        if self._reply is reply:
            self.end("its caller is gone")

    def rest(self) -> None:
        """Wait for the next exchange, for as long as an idle connection may."""
        self._state = _RESTING
        self._wake_by(self._loop.time() + self._idle_seconds)
        self._owner.rested(self)

    def end(self, reason: str) -> None:
        """Tell whoever waits what is known, and close at once."""
        if self._state == _ENDED:
            return
        state, self._state = self._state, _ENDED
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if state == _AWAITING_BODY:
            self._give_reply(None)
        elif self._reply is not None:
            if not self._reply.done():
                self._reply.set_exception(Interrupted(reason))
            self._reply = None
        if self._transport is not None:
            if state in {_RESTING, _DRAINING}:
                # Over TLS this says goodbye (RFC 8446 §6.1); nobody waits for the peer's.
                self._transport.close()
            self._transport.abort()
        self._reader.close()
        self._owner.ended(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport; a TLS handshake is over."""
        # asyncio's annotation says less; uvloop's transports are no subclass of anything.
        self._transport = cast("asyncio.Transport", transport)
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
        self._owner.made(self)

    def data_received(self, data: bytes) -> None:
        """Read a piece of a reply; without a request it can be none."""
        if self._state == _RESTING:
            self.end("spoke before it was asked")
        elif self._state != _ENDED:
            self._reader.feed(data)
            self._advance()

    def eof_received(self) -> None:
        """Read the end, which ends a body too where nothing else does (RFC 9112 §6.3)."""
        if self._state == _AWAITING_BODY and self._is_orderly_end():
            self._reader.end()
            self._advance()
        self.end("closed by the peer")

    def connection_lost(self, exc: Exception | None) -> None:
        """Be told that the socket is closed."""
        self.end(f"lost: {exc}" if exc else "closed by the peer")
        self._owner.lost(self)

    def _advance(self) -> None:
        """Go on as far as what was read allows."""
        if self._state == _AWAITING_HEAD and not self._take_head():
            return
        if self._state == _AWAITING_BODY and not self._take_body():
            return
        reader = self._reader
        if reader.complete and reader.keeps_alive and not reader.broken:
            reader.begin()
            self.rest()
        elif reader.complete or reader.broken or reader.received > DRAIN_BYTES:
            self.end("has carried its last reply")

    def _take_head(self) -> bool:
        reader = self._reader
        if reader.head_complete:
            self._state = _AWAITING_BODY
            if reader.need is not NO_BODY:
                self._wake_by(min(self._deadline, self._loop.time() + BODY_SECONDS))
        elif reader.broken:
            self.end("answered with something other than HTTP/1")
        return reader.head_complete

    def _take_body(self) -> bool:
        reader = self._reader
        if reader.need is NO_BODY:
            body: bytes | None = b""
        elif reader.is_settled(reader.need):
            body = reader.body_for(reader.need)
        else:
            return False
        self._state = _DRAINING
        self._give_reply(body)
        if not reader.complete:
            self._wake_by(self._loop.time() + DRAIN_SECONDS)
        return True

    def _give_reply(self, body: bytes | None) -> None:
        reply, self._reply = self._reply, None
        if reply is not None and not reply.done():
            reply.set_result(Reply(self._reader.status, self._reader.headers, body))

    def _is_orderly_end(self) -> bool:
        """Whether the peer said that it ends: over TLS a FIN alone may be anybody's (RFC 9112 §9.8)."""
        assert self._transport is not None  # noqa: S101 - it has just ended
        tls: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object")
        if tls is None:
            return True
        try:
            return not tls.read(1)
        except ssl.SSLZeroReturnError:
            return True
        except ssl.SSLError:
            return False

    def _wake_by(self, due: float) -> None:
        """End the connection at that time, unless another time is set before.

        An alarm set for an earlier time stays and is set anew when it goes off: most times are later than the one
        before, and a timer made and cancelled for each exchange costs 1.8 µs, this 0.1.
        """
        self._due = due
        if due < self._alarm_at:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm_at = due
            self._alarm = self._loop.call_at(due, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._alarm_at = math.inf
        if self._loop.time() + CLOCK_TICK < self._due:
            self._wake_by(self._due)
        else:
            self.end("ran out of time")
