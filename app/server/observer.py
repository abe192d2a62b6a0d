"""The Protocol through which the server reports the requests that it refuses, and a stand-in that does nothing."""

from __future__ import annotations

from typing import Protocol

SERVER_STATUS = "wethod_graphql.server_status"
"""Key of the ASGI scope of a request whose client does not get the application's response, which sees a disconnect.

Its value is the status that the server sent instead; None if the connection was lost.
"""


class ServerObserver(Protocol):
    """Counts what the server answers itself, before the application sees a request."""

    def request_refused(self, status: int) -> None:
        """Note an answer of the server's own, once for each request: 400, 408, 414, 431, 500 or 503."""
        ...


class NoServerObserver:
    """Does nothing."""

    def request_refused(self, status: int) -> None:
        """Do nothing."""
