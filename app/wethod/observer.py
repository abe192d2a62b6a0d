"""Protocols through which ``app.wethod`` reports its work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from app.http_client.transport import Request
    from app.wethod.record import OperationRecord


class AttemptObserver(Protocol):
    """One attempt to send a request, from before the connection is acquired to its end."""

    def answered(self, status: int) -> None:
        """Note that a complete head arrived."""
        ...

    def failed(self, problem: BaseException) -> None:
        """Note that none arrived; ``problem`` is usually ``NotSent`` or ``Interrupted``."""
        ...


class OperationObserver(Protocol):
    """An observer that counts, times and traces the operations of one worker."""

    def attempt_started(self, request: Request, *, repeat: bool) -> AttemptObserver:
        """Note an attempt. May replace the trace context in ``request.headers``."""
        ...

    def operation_ended(self, record: OperationRecord) -> None:
        """Note a call that has its outcome, whether or not its client is still connected."""
        ...

    def list_started(self, operation: str, size: int) -> None:
        """Note a list of calls of one GraphQL field, duplicates merged."""
        ...
