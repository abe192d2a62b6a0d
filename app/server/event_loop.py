"""The event loop of a worker: uvloop's, with lookups of names that do not delay the end of the process."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import socket
import threading
from typing import TYPE_CHECKING, Any, TypeAlias

import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable

Addresses: TypeAlias = "list[tuple[Any, Any, int, str, Any]]"

_SHARED_SECONDS = 1.0
"""Age up to which a lookup is shared. A lost DNS packet delays a lookup by 5 s: a new one may be faster."""

_MAX_THREADS = 16
"""Unanswered lookups beyond which a lookup is shared at any age."""


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
        self._threads = 0

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

        Args:
            host: a name or an address, as for ``socket.getaddrinfo``; so are the others.
            port: a number or the name of a service.
            family: an address family; 0 for all.
            type: a socket type; 0 for all.
            proto: a protocol; 0 for all.
            flags: the ``AI_`` flags.

        Returns:
            Family, type, protocol, canonical name and address of each address.

        Raises:
            OSError: the name does not resolve (``socket.gaierror``).
            UnicodeError: the host is not a valid name.
        """
        with contextlib.suppress(socket.gaierror):
            return socket.getaddrinfo(host, port, family, type, proto, flags | socket.AI_NUMERICHOST)
        key = (host, port, family, type, proto, flags)
        lookup, started = self._lookups.get(key, (None, 0.0))
        is_old = self.time() >= started + _SHARED_SECONDS and self._threads < _MAX_THREADS
        if lookup is None or is_old:
            lookup = self._start(key)
        # Not awaited itself: the cancellation of one waiter must not cancel it.
        await asyncio.wait((lookup,))
        return lookup.result()

    def _start(self, key: tuple[object, ...]) -> asyncio.Future[Addresses]:
        lookup = self.create_future()
        try:
            threading.Thread(target=self._look_up, args=(lookup, key), name="resolver", daemon=True).start()
        except RuntimeError as error:  # the system allows no further thread
            raise OSError(errno.EAGAIN, str(error)) from error
        lookup.add_done_callback(functools.partial(self._forget, key))
        self._lookups[key] = (lookup, self.time())
        self._threads += 1
        return lookup

    def _look_up(self, lookup: asyncio.Future[Addresses], key: tuple[object, ...]) -> None:
        try:
            settle = functools.partial(lookup.set_result, self._resolve(*key))
        except Exception as error:  # noqa: BLE001 - each waiter raises it
            settle = functools.partial(lookup.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self.call_soon_threadsafe(settle)

    def _forget(self, key: tuple[object, ...], lookup: asyncio.Future[Addresses]) -> None:
        lookup.exception()  # retrieved: all its waiters may have been cancelled
        self._threads -= 1
        if self._lookups.get(key, (None,))[0] is lookup:
            del self._lookups[key]
