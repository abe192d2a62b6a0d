"""Applications for the tests of workers; a process finds them by name."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import time
from typing import TYPE_CHECKING

from tests.server.serving import read, reply
from tests.support import alive, with_lifespan

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from app.server.lifecycle import Lifecycle


def working(context: bytes, lifecycle: Lifecycle) -> ASGIApp:
    """Wait for the seconds in the query, in the way that the path names."""
    ways = {
        "/answers-cancellation": answer_cancellation,
        "/ignores-cancellation": ignore_cancellation,
        "/busy": busy,
    }
    reloads: list[None] = []
    lifecycle.reload_callbacks.append(lambda: reloads.append(None))

    @with_lifespan
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await read(receive)
        await ways.get(scope["path"], asyncio.sleep)(float(scope["query_string"] or 0))
        facts = {
            "pid": os.getpid(),
            "index": lifecycle.index,
            "state": lifecycle.state,
            "reloads": len(reloads),
            "context": context.decode(),
        }
        await reply(send, 200, json.dumps(facts).encode())

    return app


async def answer_cancellation(seconds: float) -> None:
    """Answer a cancellation, as the gateway does: it cannot undo a request that it has sent."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(seconds)


async def ignore_cancellation(seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        await answer_cancellation(seconds)


async def busy(seconds: float) -> None:
    time.sleep(seconds)  # noqa: ASYNC251 - it must block the event loop


def dying(context: bytes, lifecycle: Lifecycle) -> ASGIApp:
    os._exit(7)


def dying_second(context: bytes, lifecycle: Lifecycle) -> ASGIApp:
    """The second of two workers ends during every start."""
    return dying(context, lifecycle) if lifecycle.index else working(context, lifecycle)


def dying_once_ready(context: bytes, lifecycle: Lifecycle) -> ASGIApp:
    """End right after the report of readiness."""

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
    time.sleep(30)
    return working(context, lifecycle)


def lingering(context: bytes, lifecycle: Lifecycle) -> ASGIApp:
    """Start, and never end without a cancellation."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await asyncio.Event().wait()

    return app


def exhausting(context: bytes, lifecycle: Lifecycle) -> ASGIApp:
    """Open every file descriptor on `/exhaust`, and close them on `/release`."""
    taken: list[int] = []

    @with_lifespan
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
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
