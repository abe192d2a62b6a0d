"""Applications of workers, found by name in whatever process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import time
from typing import TYPE_CHECKING

from app.start_error import StartError
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
        self._reloads = 0
        lifecycle.reload_callbacks.extend((self._broken_reload, self._reload))

    def _reload(self) -> None:
        self._reloads += 1

    def _broken_reload(self) -> None:
        raise RuntimeError("this reload fails")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take as many seconds as the query says, in the way that the path says."""
        if scope["type"] == "lifespan":
            await alive(scope, receive, send)
            return
        await read(receive)
        if scope["path"] == "/sequence":
            outcomes = await sequence(float(scope["query_string"]))
            await reply(send, 200, json.dumps({"outcomes": outcomes}).encode())
            return
        way = {"/stubborn": stubborn, "/deaf": deaf, "/busy": busy}.get(scope["path"], asyncio.sleep)
        await way(float(scope["query_string"] or 0))
        lifecycle = self._lifecycle
        facts = {
            "pid": os.getpid(),
            "index": lifecycle.index,
            "state": lifecycle.state,
            "context": self._context.decode(),
            "reloads": self._reloads,
        }
        ready = lifecycle.state == "serving" or scope["path"] != "/health/ready"
        await reply(send, 200 if ready else 503, json.dumps(facts).encode())


async def sequence(seconds: float) -> list[str]:
    """Make three calls one after the other, as the engine does: after a cancellation no further one."""
    outcomes: list[str] = []
    stopped = False
    for _ in range(3):
        if stopped:
            outcomes.append("not sent")
            continue
        try:
            await asyncio.sleep(seconds)
            outcomes.append("success")
        except asyncio.CancelledError:
            stopped = True
            outcomes.append("unknown")
    return outcomes


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


def refusing(context: bytes, lifecycle: Lifecycle) -> ASGIApp:
    """Cannot start, and reports why."""
    raise StartError(f"GATEWAY_X={context.decode()}{lifecycle.index}: cannot be")


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


def lingering(context: bytes, lifecycle: Lifecycle) -> ASGIApp:
    """Starts, and never ends by itself."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await asyncio.Event().wait()

    return app


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
