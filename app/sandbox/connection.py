"""One connection to the sandbox: uvicorn's, able to end without an answer."""

from __future__ import annotations

import functools
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.sandbox.application import DROP_EXTENSION

if TYPE_CHECKING:
    import asyncio

    from uvicorn import Config
    from uvicorn.server import ServerState


class SandboxConnection(HttpToolsProtocol):
    """Offers DROP_EXTENSION to each request, and writes no access log."""

    transport: asyncio.Transport

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
        super().__init__(config, server_state, app_state)
        self.access_log = False

    def on_message_begin(self) -> None:
        """Prepare the scope of the request that begins here."""
        super().on_message_begin()
        # ASGI has no message for it: after an application that returns without an answer, a server sends a 500.
        self.scope["extensions"] = {DROP_EXTENSION: {"close": self.transport.close}}
        self.server_state.default_headers = _date_header(int(time.time()))


@functools.lru_cache(maxsize=1)
def _date_header(now: int) -> list[tuple[bytes, bytes]]:
    """`Date`, which an origin server must send (RFC 9110 §6.6.1); made once a second."""
    return [(b"date", formatdate(now, usegmt=True).encode())]
