"""The connections to Wethod: at most so many, lent to one exchange at a time."""

from __future__ import annotations

import asyncio
import ipaddress
import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from app.http_client.connection import CLOCK_TICK, Connection
from app.http_client.transport import NotSent

if TYPE_CHECKING:
    import ssl

    from app.http_client.transport import Origin

_HAPPY_EYEBALLS_SECONDS = 0.25
"""The wait before the next address is tried beside the one before (RFC 8305 §5)."""


_RING_SECONDS = 0.01
"""The least time between two looks at all who wait: where a thousand do, one takes 0.1 ms."""


class Pool:
    """Connections to one origin. The one used last is lent first, so that the others can go idle and close.

    A permit is the right to hold a connection. Whoever has it takes an idle one or opens one, and it goes back when
    the connection rests or ends; so there are never more connections than permits. Those who wait for a permit get
    it in the order in which they came.

    Args:
        origin: where to connect.
        ssl_context: for https; None for http.
        connect_timeout_seconds: for a name's resolution, the connect and the TLS handshake together.
        limit: how many connections, those being opened included.
        idle_seconds: how long one may rest.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        ssl_context: ssl.SSLContext | None,
        connect_timeout_seconds: float,
        limit: int,
        idle_seconds: float,
    ) -> None:
        self._origin = origin
        self._ssl_context = ssl_context
        self._connect_timeout_seconds = connect_timeout_seconds
        self._idle_seconds = idle_seconds
        self._permits = limit
        self._idle: dict[Connection, None] = {}
        self._open: set[Connection] = set()
        self._connects: set[asyncio.Timeout] = set()
        # Until when each waits. Not a dict: the first of one whose first ones are deleted again and again takes ever
        # longer to find.
        self._waiters: OrderedDict[asyncio.Future[bool], float] = OrderedDict()
        # One for all: a timer for each who waits cost as much as the rest of the wait.
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = math.inf
        self.waits = 0
        self._closed = False
        self._emptied = asyncio.Event()

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self._open)

    @property
    def idle(self) -> int:
        """How many of them rest."""
        return len(self._idle)

    @property
    def waiting(self) -> int:
        """How many wait for a permit."""
        return len(self._waiters)

    def at_hand(self, now: float) -> Connection | None:
        """An idle connection, lent without a wait; None where that cannot be. Free of awaits: it stays usable."""
        if self._permits and self._idle:
            connection = self._take_idle(now)
            if connection is not None:
                self._permits -= 1
                connection.leased = True
                return connection
        return None

    async def lend(self, send_by: float, *, fresh: bool) -> Connection:
        """Lend a connection that is usable when this returns.

        Args:
            send_by: event loop time in seconds by which there has to be one.
            fresh: open it.

        Raises:
            NotSent: there is none by then, or it cannot be opened.
        """
        loop = asyncio.get_running_loop()
        if self._closed:
            raise NotSent("the gateway stops", transient=False)
        if self._permits:
            self._permits -= 1
        else:
            await self._wait_for_permit(loop, send_by)
        try:
            connection = None if fresh else self._take_idle(loop.time())
            if connection is None:
                connection = await self._connect(loop, send_by)
        except BaseException:
            self._give_permit()
            raise
        connection.leased = True
        if loop.time() >= send_by:
            connection.rest()
            raise NotSent("the connection came too late")
        return connection

    async def aclose(self) -> None:
        """Close every connection and wait until that is done; what is under way fails."""
        self._closed = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(False)
        self._waiters.clear()
        if self._alarm is not None:
            self._alarm.cancel()
        for connect in self._connects:
            if not connect.expired():
                connect.reschedule(0)
        for connection in tuple(self._open):
            connection.end("the gateway stops")
        self._note_emptiness()
        await self._emptied.wait()

    # Told by the connections.

    def made(self, connection: Connection) -> None:
        """Count it as open."""
        self._open.add(connection)

    def rested(self, connection: Connection) -> None:
        """Keep it for the next exchange."""
        connection.leased = False
        self._idle[connection] = None
        self._give_permit()

    def ended(self, connection: Connection) -> None:
        """Forget it, and let another take its place."""
        if connection.leased:
            connection.leased = False
            self._give_permit()
        else:
            self._idle.pop(connection, None)

    def lost(self, connection: Connection) -> None:
        """Count it as closed."""
        self._open.discard(connection)
        self._note_emptiness()

    # Permits.

    def _give_permit(self) -> None:
        while self._waiters:
            waiter, _ = self._waiters.popitem(last=False)
            if not waiter.done():
                waiter.set_result(True)
                return
        self._permits += 1

    async def _wait_for_permit(self, loop: asyncio.AbstractEventLoop, send_by: float) -> None:
        self.waits += 1
        waiter: asyncio.Future[bool] = loop.create_future()
        self._waiters[waiter] = send_by
        if send_by < self._alarm_at:
            self._wake_by(loop, send_by)
        try:
            granted = await waiter
        except asyncio.CancelledError:
            self._waiters.pop(waiter, None)
            if not waiter.cancelled() and waiter.result():
                self._give_permit()
            raise
        if not granted:
            raise NotSent("no connection became free in time", transient=not self._closed)

    def _wake_by(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = due
        self._alarm = loop.call_at(due, self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give up those whose time is over; nearly always they are the first ones, but a repeat may wait longer."""
        self._alarm = None
        self._alarm_at = math.inf
        now = loop.time() + CLOCK_TICK
        for waiter in [waiter for waiter, send_by in self._waiters.items() if send_by <= now]:
            del self._waiters[waiter]
            if not waiter.done():
                waiter.set_result(False)
        if self._waiters:
            self._wake_by(loop, max(min(self._waiters.values()), now + _RING_SECONDS))

    # Connections.

    def _take_idle(self, now: float) -> Connection | None:
        while self._idle:
            connection, _ = self._idle.popitem()
            if connection.is_usable(now):
                return connection
            connection.end("was closed, or spoke, while it was idle")
        return None

    async def _connect(self, loop: asyncio.AbstractEventLoop, send_by: float) -> Connection:
        """Open a connection; for one who holds a permit.

        Raises:
            NotSent: it is not open by then, or it is of no use.
        """
        while len(self._idle) > self._permits:
            next(iter(self._idle)).end("makes room for a fresh one")
        where = f"{self._origin.host}:{self._origin.port}"
        connect_by = min(loop.time() + self._connect_timeout_seconds, send_by)
        if self._closed or loop.time() >= connect_by:
            raise NotSent(f"no time to connect to {where}", transient=not self._closed)
        connection = Connection(self, loop, self._idle_seconds)
        connect = asyncio.timeout_at(connect_by)
        self._connects.add(connect)
        try:
            async with connect:
                await loop.create_connection(
                    lambda: connection, self._origin.host, self._origin.port, ssl=self._ssl_context, **self._race(loop)
                )
        except (OSError, ValueError) as error:
            self._discard(connection)
            # A certificate that fails is a ValueError too, and so is a host that can be none.
            lasting = isinstance(error, ValueError)
            raise NotSent(
                f"no connection to {where}: {type(error).__name__}: {error}", transient=not lasting
            ) from error
        except BaseException:
            self._discard(connection)
            raise
        finally:
            self._connects.discard(connect)
            self._note_emptiness()
        # Over TLS there may be a session ticket to read, which is no word out of turn.
        if not connection.is_usable(loop.time(), peek=self._ssl_context is None):
            connection.end("of no use")
            raise NotSent(f"{where} closed the connection, or spoke, before it was asked")
        return connection

    def _discard(self, connection: Connection) -> None:
        """End a connection whose making failed, in whichever state."""
        connection.end("was not made")
        # uvloop does not tell of the loss where a connect is cancelled after the protocol was told that it is made.
        self.lost(connection)

    def _race(self, loop: asyncio.AbstractEventLoop) -> dict[str, Any]:
        """Happy Eyeballs where the loop has them (uvloop tries one address after the other) and there is a choice."""
        if isinstance(loop, asyncio.BaseEventLoop) and not _is_address(self._origin.host):
            return {"happy_eyeballs_delay": _HAPPY_EYEBALLS_SECONDS}
        return {}

    def _note_emptiness(self) -> None:
        if self._closed and not self._open and not self._connects:
            self._emptied.set()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
