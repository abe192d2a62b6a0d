"""Addresses at which no upstream answers."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from app.http_client.transport import Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


Where: TypeAlias = "Callable[[], contextlib.AbstractContextManager[Origin]]"


@contextlib.contextmanager
def refusing_port() -> Iterator[Origin]:
    """A port that is bound without a listener: the kernel refuses at once."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield Origin("http", "127.0.0.1", taken.getsockname()[1])


@contextlib.contextmanager
def full_backlog() -> Iterator[Origin]:
    """A port whose backlog is full: the kernel drops every further connection."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0.2)
            try:
                waiting.connect(("127.0.0.1", port))
            except TimeoutError:
                break
        else:
            raise RuntimeError("the kernel takes connections beyond the backlog")
        yield Origin("http", "127.0.0.1", port)


@contextlib.contextmanager
def silent_port() -> Iterator[Origin]:
    """A port of which only the kernel answers: a TLS handshake gets no reply."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield Origin("https", "127.0.0.1", listener.getsockname()[1])


CONNECTING = {"connect": full_backlog, "handshake": silent_port}
"""Places where a connection is never opened, by the step that does not end."""


@contextlib.contextmanager
def unresolvable_name() -> Iterator[Origin]:
    yield Origin("http", "wethod.invalid", 80)


@dataclass(frozen=True, slots=True)
class Place:
    """A place without an upstream.

    Attributes:
        does: what happens there, as a clause without a subject.
        at: the context of the place.
        waits: true if only the connect timeout ends the attempt.
    """

    does: str
    at: Where
    waits: bool = False


PLACES: dict[str, Place] = {
    "refused": Place("refuses connections", refusing_port),
    "never-accepted": Place("accepts no connection, because its backlog is full", full_backlog, waits=True),
    "unresolvable": Place("has a name that does not resolve", unresolvable_name),
}
