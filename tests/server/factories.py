"""Applications of workers, found by name in whatever process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import time
from typing import TYPE_CHECKING

from tests.server.serving import read, reply
from tests.support import alive

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from app.server.lifecycle import Lifecycle


class Working:
    """Answers in ways that a stop must cope with."""

    def __init__(self, context: bytes, lifecycle: Lifecycle) -> None:
        self._context = context
        self._lifecycle = lifecycle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take as many seconds as the query says, in the way that the path says."""
        if scope["type"] == "lifespan":
            await alive(scope, receive, send)
            return
        await read(receive)
        way = {"/stubborn": stubborn, "/deaf": deaf, "/busy": busy}.get(scope["path"], asyncio.sleep)
        await way(float(scope["query_string"] or 0))
        lifecycle = self._lifecycle
        facts = {
            "pid": os.getpid(),
            "index": lifecycle.index,
            "state": lifecycle.state,
            "context": self._context.decode(),
        }
        ready = lifecycle.state == "serving" or scope["path"] != "/health/ready"
        await reply(send, 200 if ready else 503, json.dumps(facts).encode())


async def stubborn(seconds: float) -> None:
    """As the gateway does: what was sent cannot be called back, so a cancellation becomes an answer."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(seconds)


async def deaf(seconds: float) -> None:
    """Ignore every cancellation."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        await stubborn(seconds)


async def busy(seconds: float) -> None:
    """Keep the event loop from turning."""
    time.sleep(seconds)  # noqa: ASYNC251 - that is the point


def working(context: bytes, lifecycle: Lifecycle) -> ASGIApp:
    """Answers."""
    return Working(context, lifecycle)


def dying(context: bytes, lifecycle: Lifecycle) -> ASGIApp:
    """Ends as it starts."""
    os._exit(7)


def dying_second(context: bytes, lifecycle: Lifecycle) -> ASGIApp:
    """The second of two ends as it starts, every time."""
    return dying(context, lifecycle) if lifecycle.index else working(context, lifecycle)


def dying_once_ready(context: bytes, lifecycle: Lifecycle) -> ASGIApp:
    """Ends as soon as it has reported that it is ready."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def die() -> None:
            while lifecycle.state != "serving":  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            os._exit(7)

        task = asyncio.create_task(die())
        await alive(scope, receive, send)
        task.cancel()

    return app


def hanging(context: bytes, lifecycle: Lifecycle) -> ASGIApp:
    """Never becomes ready."""
    time.sleep(30)
    return working(context, lifecycle)


def exhausting(context: bytes, lifecycle: Lifecycle) -> ASGIApp:
    """Takes every file descriptor on `/exhaust`, and returns them on `/release`."""
    taken: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await alive(scope, receive, send)
            return
        try:
            await read(receive)
        except ConnectionError:
            return
        if scope["path"] == "/exhaust":
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
            with contextlib.suppress(OSError):
                while True:
                    taken.append(os.open(os.devnull, os.O_RDONLY))
        elif scope["path"] == "/release":
            while taken:
                os.close(taken.pop())
        await reply(send, 200, b"")

    return app
