"""The event loop of a worker: uvloop's, with lookups of names that do not delay the end of the process."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import threading
from typing import TYPE_CHECKING, Any, TypeAlias

import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable

Addresses: TypeAlias = "list[tuple[Any, Any, int, str, Any]]"

_SHARED_SECONDS = 1.0
"""Age up to which a lookup is shared. A lost packet of DNS costs a lookup 5 s: another one may be faster."""


class EventLoop(uvloop.Loop):
    """uvloop's event loop, whose lookups run on daemon threads.

    A lookup cannot be cancelled. Those of uvloop share four threads, and the end of its loop waits for them: a resolver
    that does not answer would block every other lookup, and keep the process alive long after the drain.

    Args:
        resolve: the blocking resolver.
    """

    def __init__(self, resolve: Callable[..., Addresses] = socket.getaddrinfo) -> None:
        super().__init__()
        self._resolve = resolve
        self._lookups: dict[tuple[object, ...], tuple[asyncio.Future[Addresses], float]] = {}

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002 - the signature of asyncio
        proto: int = 0,
        flags: int = 0,
    ) -> Addresses:
        """Look a name up; equal lookups at the same time share one thread. An address needs none.

        Raises:
            OSError: the name does not resolve (``socket.gaierror``).
            UnicodeError: it cannot be a name.
        """
        with contextlib.suppress(socket.gaierror):
            return socket.getaddrinfo(host, port, family, type, proto, flags | socket.AI_NUMERICHOST)
        key = (host, port, family, type, proto, flags)
        lookup, started = self._lookups.get(key, (None, 0.0))
        if lookup is None or self.time() >= started + _SHARED_SECONDS:
            lookup = self.create_future()
            lookup.add_done_callback(functools.partial(self._forget, key))
            threading.Thread(target=self._look_up, args=(lookup, key), name="resolver", daemon=True).start()
            self._lookups[key] = (lookup, self.time())
        # Not awaited itself: the cancellation of one waiter must not cancel it.
        await asyncio.wait((lookup,))
        return lookup.result()

    def _look_up(self, lookup: asyncio.Future[Addresses], key: tuple[object, ...]) -> None:
        try:
            settle = functools.partial(lookup.set_result, self._resolve(*key))
        except Exception as error:  # noqa: BLE001 - each waiter raises it
            settle = functools.partial(lookup.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self.call_soon_threadsafe(settle)

    def _forget(self, key: tuple[object, ...], lookup: asyncio.Future[Addresses]) -> None:
        lookup.exception()  # retrieved: all its waiters may have been cancelled
        if self._lookups.get(key, (None,))[0] is lookup:
            del self._lookups[key]
