"""The sandbox as an ASGI application: the routes, and the answer of each demo token."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.sandbox.admission import DROPPED, SLOW, admit, integer
from app.sandbox.contacts import MAX_ID, Contacts, open_contacts
from app.sandbox.errors import IN_USE, NOT_FOUND, RejectedError, answer_404, answer_405, answer_rejected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

SLOW_SECONDS: Final = 15.0
"""Seconds that `demo-slow` waits for the answer to a delete: longer than the gateway does."""

ABORT: Final = "http.response.abort"
"""ASGI extension of our server, and its message: close the connection without an answer."""

LOST: Final = frozenset({99, 199})
"""Contacts whose deletes lose their answer with every token: the request that deletes one, and the one after it."""

MAX_LIMIT: Final = 100


def create_sandbox(database: Path | None = None, *, slow_seconds: float = SLOW_SECONDS) -> Starlette:
    """Make the sandbox. Its lifespan opens the database, and raises ``StartError`` if that cannot be used.

    `demo-dropped` and the contacts in LOST need a server with the extension ABORT. On another server their deletes
    fail and delete nothing.

    Args:
        database: the path of a file, which is made if it is absent; None is memory.
        slow_seconds: seconds that `demo-slow` waits for the answer to a delete.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with contextlib.closing(open_contacts(database)) as app.state.contacts:
            yield

    app = Starlette(
        routes=[
            Route("/api/contact/{id}", show_or_delete, methods=["GET", "DELETE"]),
            Route("/api/contacts", list_contacts),
        ],
        exception_handlers={RejectedError: answer_rejected, 404: answer_404, 405: answer_405},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.slow_seconds = slow_seconds
    app.state.lost_once = set()
    return app


async def show_or_delete(request: Request) -> Response:
    """Show a contact, or delete it and answer in the way of the token."""
    contacts: Contacts = request.app.state.contacts
    deletes = request.method == "DELETE"
    contact_id, failures = integer("id", request.path_params["id"], lowest=1, highest=MAX_ID)
    token, company = admit(request, failures, edits=deletes)
    # Before the delete: a server that cannot abort must not delete either.
    aborts = token == DROPPED or contact_id in LOST
    if deletes and aborts and ABORT not in request.scope.get("extensions", ()):
        raise RuntimeError(f"the server of the sandbox does not offer the ASGI extension {ABORT}")
    lost_once: set[tuple[str, int]] = request.app.state.lost_once
    if deletes and (company, contact_id) in lost_once:
        lost_once.remove((company, contact_id))
        return _NoAnswer()
    if deletes and contacts.delete(company, contact_id):
        if contact_id in LOST:
            lost_once.add((company, contact_id))
            return _NoAnswer()
        if token == SLOW:
            with contextlib.suppress(asyncio.CancelledError):  # a stop shortens the wait
                await asyncio.sleep(request.app.state.slow_seconds)
        return _NoAnswer() if token == DROPPED else Response()
    found = contacts.get(company, contact_id)
    if deletes or found is None:
        raise RejectedError(IN_USE if found else NOT_FOUND)
    return JSONResponse(found)


async def list_contacts(request: Request) -> Response:
    """List the contacts of a company in the order of their ids."""
    contacts: Contacts = request.app.state.contacts
    query = request.query_params
    client_id, wrong_client = integer("client_id", query.get("client_id", "0"), lowest=0, highest=MAX_ID)
    limit, wrong_limit = integer("limit", query.get("limit", str(MAX_LIMIT)), lowest=1, highest=MAX_LIMIT)
    offset, wrong_offset = integer("offset", query.get("offset", "0"), lowest=0, highest=MAX_ID)
    _, company = admit(request, wrong_client + wrong_limit + wrong_offset, edits=False)
    return JSONResponse(contacts.page(company, client_id, limit, offset))


class _NoAnswer(Response):
    """Closes the connection instead of answering."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send({"type": ABORT})
