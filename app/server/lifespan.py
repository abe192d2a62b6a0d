"""The application's own start and shutdown (ASGI lifespan), with the reason for a failure."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from app.start_error import StartError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message

logger = logging.getLogger(__name__)


class Lifespan:
    """The lifespan of one application. It keeps no state for requests: the extension is optional.

    Args:
        app: an ASGI application with a lifespan.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        self._completed = asyncio.Event()

    async def startup(self) -> None:
        """Start the application.

        Raises:
            StartError: the application does not start. Its own ``StartError`` is passed on; the log has other reasons.
        """
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}}
        self._task = asyncio.ensure_future(self._app(scope, self._events.get, self._send))
        problem = await self._send_event("startup")
        if isinstance(problem, StartError):
            raise problem
        if self._task.done():
            logger.error("the application does not start", exc_info=problem)
            raise StartError("the application does not start; the log says why")

    async def shutdown(self) -> None:
        """Shut the application down; a failure is logged."""
        problem = await self._send_event("shutdown")
        if problem is not None:
            logger.error("the shutdown of the application failed", exc_info=problem)

    async def _send_event(self, event: str) -> BaseException | None:
        """Send an event, wait for the reply or the end of the application, and return the exception that ended it."""
        self._completed.clear()
        self._task.add_done_callback(lambda _: self._completed.set())
        self._events.put_nowait({"type": f"lifespan.{event}"})
        await self._completed.wait()
        return self._task.exception() if self._task.done() and not self._task.cancelled() else None

    async def _send(self, message: Message) -> None:
        # After a failure the application raises; the exception has the reason.
        if not message["type"].endswith(".failed"):
            self._completed.set()
