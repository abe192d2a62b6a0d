"""Protocols through which the endpoint reports its work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from starlette.types import Scope


class RequestObservation(Protocol):
    """One GraphQL request, from its head to its answer."""

    def operation(self, kind: str, name: str | None, document_id: str | None) -> AbstractContextManager[None]:
        """Note the operation; the context manager surrounds its execution.

        Args:
            kind: ``query`` or ``mutation``.
            name: the operation's name, as the client gives it.
            document_id: the id of a persisted or trusted document; None if the request carries its text.
        """
        ...

    def limit_exceeded(self, limit: str) -> None:
        """Note a refusal because of a limit."""
        ...

    def ended(self, status: int | None) -> None:
        """Note the status of the answer; None if the client left before it."""
        ...


class RequestObserver(Protocol):
    """An observer that counts, logs and traces the GraphQL requests of one worker."""

    def request_started(self, scope: Scope, request_id: str, company: str | None, client: str) -> RequestObservation:
        """Note a request whose head has been read. ``client`` is the client's address; empty if it is not known."""
        ...
