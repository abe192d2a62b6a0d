"""The application's own start and end (ASGI lifespan), with the reason where it fails."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from app.start_error import StartError

if TYPE_CHECKING:
    from starlette.types import Message
    from uvicorn.config import Config

logger = logging.getLogger(__name__)


class Lifespan:
    """In place of uvicorn's, which logs a traceback for every failure and exits with 3.

    Attributes:
        state: what the application keeps for its requests.
        should_exit: never; a failure is raised. uvicorn asks.
    """

    should_exit = False

    def __init__(self, config: Config) -> None:
        self.state: dict[str, Any] = {}
        self._app = config.loaded_app
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        self._replies: asyncio.Queue[None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Start the application.

        Raises:
            StartError: it does not start. Unless it gave the reason itself, the reason is in the log.
        """
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        self._task = asyncio.create_task(self._app(scope, self._events.get, self._send))
        problem = await self._tell("startup")
        if isinstance(problem, StartError):
            raise problem
        if problem is not None or self._task.done():
            logger.error("the application does not start", exc_info=problem)
            raise StartError("the application does not start; the log says why")

    async def shutdown(self) -> None:
        """End the application."""
        problem = await self._tell("shutdown")
        if problem is not None:
            logger.error("the application does not end well", exc_info=problem)

    async def _tell(self, what: str) -> BaseException | None:
        """Tell the application, and wait until it has replied or given up."""
        assert self._task is not None  # noqa: S101 - startup comes first
        self._events.put_nowait({"type": f"lifespan.{what}"})
        reply = asyncio.create_task(self._replies.get())
        await asyncio.wait((self._task, reply), return_when=asyncio.FIRST_COMPLETED)
        reply.cancel()
        return self._task.exception() if self._task.done() and not self._task.cancelled() else None

    async def _send(self, message: Message) -> None:
        # What failed is the exception that follows.
        if not message["type"].endswith(".failed"):
            self._replies.put_nowait(None)
