"""Applications of workers, found by name in whatever process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from typing import TYPE_CHECKING

from app.start_error import StartError
from tests.server.serving import alive, read, reply

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from app.server.context import WorkerContext


class Working:
    """Answers in ways that a stop must cope with."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._reloads = 0
        context.lifecycle.reload_callbacks.extend((self._broken_reload, self._reload))

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
        way = {"/stubborn": stubborn, "/deaf": deaf, "/busy": busy}.get(scope["path"], asyncio.sleep)
        await way(float(scope["query_string"] or 0))
        context = self._context
        facts = {
            "pid": os.getpid(),
            "index": context.index,
            "state": context.lifecycle.state,
            "key": context.audit_key.hex(),
            "reloads": self._reloads,
        }
        ready = context.lifecycle.state == "serving" or scope["path"] != "/health/ready"
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


def working(context: WorkerContext) -> ASGIApp:
    """Answers."""
    return Working(context)


def refusing(context: WorkerContext) -> ASGIApp:
    """Cannot start, and says why."""
    raise StartError(f"GATEWAY_X={context.index}: cannot be")


def dying(context: WorkerContext) -> ASGIApp:
    """Ends as it starts."""
    os._exit(7 + 0 * context.index)


def dying_second(context: WorkerContext) -> ASGIApp:
    """The second of two ends as it starts, every time."""
    return dying(context) if context.index else working(context)


def hanging(context: WorkerContext) -> ASGIApp:
    """Never comes up."""
    time.sleep(30)
    return working(context)
