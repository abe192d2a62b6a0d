"""The sandbox as an ASGI application and as a program: the routes, and the answer of each demo token."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.sandbox.admission import DROPPED, SLOW, RejectedError, admit, answer_no_route, answer_rejected, integer
from app.sandbox.contacts import MAX_ID, Contacts, open_contacts
from app.server.exchange import ABORT
from app.server.run import serve_on_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

SLOW_SECONDS: Final = 15.0
"""Seconds that `demo-slow` waits for the answer to a delete: longer than the gateway does by default."""

LOST: Final = frozenset({99, 199})
"""Contacts whose deletes lose their answer with every token: the request that deletes one, and the one after it."""

MAX_LIMIT: Final = 100


def serve_sandbox(
    host: str = "127.0.0.1", port: int = 0, database: Path | None = None, *, slow_seconds: float = SLOW_SECONDS
) -> AbstractContextManager[str]:
    """Serve a sandbox on a thread of its own. The context manager returns its base URL.

    Entering raises ``StartError`` if the address or the database cannot be used.

    Args:
        host: the address to listen on.
        port: the port; 0 takes a free one.
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
        exception_handlers={RejectedError: answer_rejected, HTTPException: answer_no_route},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.slow_seconds = slow_seconds
    app.state.lost_once = set()
    return serve_on_thread(app, host, port)


def run_sandbox(host: str, port: int, database: Path | None, announce: Callable[[str], object]) -> None:
    """Serve a sandbox until SIGINT or SIGTERM, in the main thread of a program.

    ``announce`` is called with the base URL once the sandbox answers there.
    """
    stop = {signal.SIGINT, signal.SIGTERM}
    # Threads inherit the mask, so that only `sigwait` receives these signals.
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    with serve_sandbox(host, port, database) as url:
        announce(url)
        signal.sigwait(stop)


async def show_or_delete(request: Request) -> Response:
    """Show a contact, or delete it and answer in the way of the token."""
    contacts: Contacts = request.app.state.contacts
    deletes = request.method == "DELETE"
    contact_id, failures = integer("id", request.path_params["id"], lowest=1, highest=MAX_ID)
    token, company = admit(request, failures, edits=deletes)
    lost_once: set[tuple[str, int]] = request.app.state.lost_once
    if deletes and (company, contact_id) in lost_once:
        lost_once.remove((company, contact_id))
        return _NoAnswer()
    if deletes and contacts.delete(company, contact_id):
        if contact_id in LOST:
            lost_once.add((company, contact_id))
        elif token == SLOW:
            with contextlib.suppress(asyncio.CancelledError):  # a stop shortens the wait
                await asyncio.sleep(request.app.state.slow_seconds)
        return _NoAnswer() if token == DROPPED or contact_id in LOST else Response()
    found = contacts.get(company, contact_id)
    if found is None:
        raise RejectedError(HTTPStatus.NOT_FOUND, "not_found", "The contact was not found.")
    if deletes:
        message = "The contact is in use and cannot be deleted."
        raise RejectedError(HTTPStatus.PRECONDITION_FAILED, "precondition_failure", message)
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
    """A response that closes the connection instead of answering."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send({"type": ABORT})
