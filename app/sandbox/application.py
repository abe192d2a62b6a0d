"""The sandbox as an ASGI application: one path, and what can be done with the contact there."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox.admission import DROPPED, SLOW, Admitted, admit
from app.sandbox.answers import DELETED, IN_USE, METHOD_NOT_ALLOWED, NO_SUCH_PATH, NOT_FOUND, Answer, found, rejected
from app.sandbox.contacts import Contacts, Deletion, open_contacts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

SLOW_SECONDS: Final = 15.0
"""How long `demo-slow` waits for the answer to a delete: longer than the gateway does."""

DROP_EXTENSION: Final = "wethod-sandbox.drop"
"""ASGI extension of the sandbox's server, whose `close` closes the connection without an answer."""


_REFUSALS: Final = {Deletion.ABSENT: NOT_FOUND, Deletion.IN_USE: IN_USE}


def create_sandbox(database: str | Path | None = None, *, slow_seconds: float = SLOW_SECONDS) -> Starlette:
    """Make the sandbox. Its database is opened when its lifespan starts and closed when that ends.

    `demo-dropped` needs a server with DROP_EXTENSION, which ``serve_sandbox`` is; elsewhere its deletes are a 500 and
    delete nothing.

    Args:
        database: path of a file, which is made where there is none; None is memory.
        slow_seconds: how long `demo-slow` waits for the answer to a delete.

    Raises:
        DatabaseUnusableError: by the lifespan, when the file cannot be used.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with closing(open_contacts(database)) as contacts:
            app.state.contacts = contacts
            yield

    app = Starlette(
        routes=[Route("/api/contact/{id}", ContactResource(slow_seconds))],
        exception_handlers={404: _no_such_path},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


async def _no_such_path(_request: Request, _error: Exception) -> Response:
    answer = rejected(NO_SUCH_PATH)
    return Response(answer.body, answer.status, media_type="application/json")


class ContactResource:
    """`/api/contact/{id}`, as an ASGI application that does its work at once: SQLite takes microseconds here."""

    def __init__(self, slow_seconds: float) -> None:
        self._slow_seconds = slow_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or none where the token asks for that."""
        contacts: Contacts = scope["app"].state.contacts
        match scope["method"]:
            case "DELETE":
                answer = await self._delete(contacts, scope, receive)
            case "GET" | "HEAD":
                answer = _get(contacts, scope)
            case _:
                answer = rejected(METHOD_NOT_ALLOWED)
        if answer is not None:
            await answer.send(send)

    async def _delete(self, contacts: Contacts, scope: Scope, receive: Receive) -> Answer | None:
        """Delete, and say so in the token's own way; None when nobody is left to be told."""
        request = admit(scope, edits=True)
        if isinstance(request, Answer):
            return request
        # Before the delete: a server that cannot drop must not delete either.
        drop = _drop(scope) if request.token == DROPPED else None
        refusal = _REFUSALS.get(contacts.delete(request.company, request.contact_id))
        return await self._confirm(request, drop, receive) if refusal is None else request.rejected(refusal)

    async def _confirm(self, request: Admitted, drop: Callable[[], object] | None, receive: Receive) -> Answer | None:
        if drop is not None:
            drop()
            await _hung_up(receive)
            return None
        if request.token == SLOW:
            try:
                async with asyncio.timeout(self._slow_seconds):
                    await _hung_up(receive)
            except TimeoutError:
                return DELETED
            return None
        return DELETED


def _get(contacts: Contacts, scope: Scope) -> Answer:
    request = admit(scope, edits=False)
    if isinstance(request, Answer):
        return request
    contact = contacts.get(request.company, request.contact_id)
    return found(contact) if contact else request.rejected(NOT_FOUND)


def _drop(scope: Scope) -> Callable[[], object]:
    """What closes the connection of a request without an answer, of which ASGI itself knows nothing."""
    extension = scope.get("extensions", {}).get(DROP_EXTENSION)
    if extension is None:
        raise RuntimeError(f"the server of the sandbox does not offer the ASGI extension {DROP_EXTENSION}")
    close: Callable[[], object] = extension["close"]
    return close


async def _hung_up(receive: Receive) -> None:
    """Wait until the connection of a request is gone, the rest of its body skipped."""
    while (await receive())["type"] != "http.disconnect":
        pass
