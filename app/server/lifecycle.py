"""What the parts of one worker share about its life: its state, what the server refused, and whom a reload concerns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

State: TypeAlias = Literal["starting", "serving", "draining"]
"""``starting``: not listening yet. ``serving``. ``draining``: asked to stop, still answering; readiness fails."""


@dataclass(slots=True)
class Lifecycle:
    """The life of one worker. The server writes it; the application reads it.

    Attributes:
        state: where the worker is in its life.
        refusals: requests that the server answered in the application's stead, by status: 400, 408, 414, 431.
        reload_callbacks: what SIGHUP calls, on the event loop, in order.
    """

    state: State = "starting"
    refusals: Counter[int] = field(default_factory=Counter)
    reload_callbacks: list[Callable[[], None]] = field(default_factory=list)
