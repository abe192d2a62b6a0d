"""The life of one worker, shared between its server and its application."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

State: TypeAlias = Literal["starting", "serving", "draining"]
"""``starting``: no request is answered yet. ``serving``. ``draining``: a stop was requested; requests are still
answered, and readiness fails."""


@dataclass(slots=True)
class Lifecycle:
    """The life of one worker. The server writes the state; the application reads it.

    Attributes:
        state: the current state.
        index: the number of the worker: 0 to ``workers`` - 1. The replacement of a worker has the same number.
        reload_callbacks: functions that SIGHUP calls on the event loop, in order.
        on_refusal: called with the status of a response that the server itself gives, once for each request: 400, 408,
            414, 431, 500 or 503. The application sets it when it is created.
    """

    state: State = "starting"
    index: int = 0
    reload_callbacks: list[Callable[[], None]] = field(default_factory=list)
    on_refusal: Callable[[int], object] = lambda _: None


Context = TypeVar("Context")

ApplicationFactory: TypeAlias = "Callable[[Context, Lifecycle], ASGIApp]"
"""Factory of the application of one worker: a function at the top level of a module, because a worker process imports
it by name. It may raise ``StartError``. The context is opaque to the server and can be pickled."""
