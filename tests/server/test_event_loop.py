"""Lookups of names on the event loop of a worker: shared, independent of their waiters, and never waited for."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from app.server.event_loop import EventLoop
from tests.support import until

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from app.server.event_loop import Addresses

FOUND: Addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 443))]


class Resolver:
    """A resolver that answers when it is allowed to.

    Attributes:
        asked: the names that it was asked for.
        threads: the threads on which it was called.
        allowed: set to let it answer.
        error: raised in place of an answer.
    """

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[object] = []
        self.threads: list[threading.Thread] = []
        self.allowed = threading.Event()
        self.error = error

    def __call__(self, host: object, *_: object) -> Addresses:
        self.asked.append(host)
        self.threads.append(threading.current_thread())
        self.allowed.wait(15)
        if self.error is not None:
            raise self.error
        return FOUND


def run(test: Coroutine[object, object, None], resolver: Resolver) -> None:
    with asyncio.Runner(loop_factory=lambda: EventLoop(resolver)) as runner:
        runner.run(test)


def look_up(host: str | bytes = "wethod.example") -> asyncio.Task[Addresses]:
    return asyncio.create_task(asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM))


@pytest.mark.parametrize("error", [None, socket.gaierror(socket.EAI_NONAME, "Name or service not known")])
def test_equal_lookups_share_one_answer(error: Exception | None) -> None:
    """Also if one of their callers is cancelled."""
    resolver = Resolver(error)

    async def test() -> None:
        lookups = [look_up() for _ in range(5)]
        other = look_up("other.example")
        await asyncio.sleep(0.01)
        lookups[0].cancel()
        await asyncio.sleep(0.01)
        resolver.allowed.set()
        cancelled, *rest = await asyncio.gather(*lookups, other, return_exceptions=True)
        assert isinstance(cancelled, asyncio.CancelledError)
        assert rest == [error or FOUND] * 5
        assert sorted(map(str, resolver.asked)) == ["other.example", "wethod.example"]
        await asyncio.gather(look_up(), return_exceptions=True)
        assert len(resolver.asked) == 3

    run(test(), resolver)


def test_a_lookup_that_takes_long_is_not_shared() -> None:
    resolver = Resolver()

    async def test() -> None:
        first = look_up()
        await asyncio.sleep(1.1)
        second = look_up()
        await asyncio.sleep(0.01)
        resolver.allowed.set()
        assert (await first, await second) == (FOUND, FOUND)
        assert len(resolver.asked) == 2

    run(test(), resolver)


def test_lookups_that_hang_take_a_bounded_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.server.event_loop._SHARED_SECONDS", 0.0)
    resolver = Resolver()

    async def test() -> None:
        lookups = [look_up() for _ in range(20)]
        await asyncio.sleep(0.01)
        resolver.allowed.set()
        assert await asyncio.gather(*lookups) == [FOUND] * 20
        assert len(resolver.asked) == 16
        await look_up()
        assert len(resolver.asked) == 17

    run(test(), resolver)


def test_a_thread_that_cannot_start_is_an_error_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """So nothing was sent, and the connect is tried again."""

    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    resolver = Resolver()

    async def test() -> None:
        monkeypatch.setattr(threading.Thread, "start", fail)
        with pytest.raises(OSError, match="can't start new thread"):
            await look_up()
        monkeypatch.undo()
        resolver.allowed.set()
        assert await look_up() == FOUND

    run(test(), resolver)


def test_a_failure_without_a_caller_is_not_logged() -> None:
    resolver = Resolver(socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"))
    complaints: list[object] = []

    async def test() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        lookup = look_up()
        await asyncio.sleep(0.01)
        lookup.cancel()
        await asyncio.sleep(0)
        resolver.allowed.set()
        with pytest.raises(socket.gaierror):
            await look_up()

    run(test(), resolver)
    assert complaints == []


def test_the_loop_ends_while_a_lookup_hangs() -> None:
    """The answer that comes later does no harm."""
    resolver = Resolver()

    async def test() -> None:
        look_up()
        await until(lambda: resolver.threads)

    run(test(), resolver)
    (thread,) = resolver.threads
    assert thread.is_alive()
    resolver.allowed.set()
    thread.join()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", b"127.0.0.1"])
def test_an_address_needs_no_resolver(address: str | bytes) -> None:
    resolver = Resolver()

    async def test() -> None:
        ((*_, found),) = await look_up(address)
        assert found[0] == (address.decode() if isinstance(address, bytes) else address)

    run(test(), resolver)
    assert resolver.asked == []
