"""What a worker is told by whoever starts it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from app.server.lifecycle import Lifecycle

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from app.settings import Settings
    from app.shared_counters import Board


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """Everything an application is made from. It crosses process borders by value, so all of it can be pickled.

    Attributes:
        settings: the settings, those of the command line and of an embedded sandbox included.
        audit_key: key of the token fingerprints, the same for every worker of one start.
        sandbox: whether ``settings.wethod_base_url`` is the sandbox that this start embeds.
        index: which worker this is: 0 … ``settings.gateway_workers`` - 1. A worker's successor takes its number.
        lifecycle: the worker's own, never another's.
        board: the memory in which all workers count; None where there is one worker.
    """

    settings: Settings
    audit_key: bytes = field(repr=False)
    sandbox: bool = False
    index: int = 0
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    board: Board | None = field(default=None, compare=False)


ApplicationFactory: TypeAlias = "Callable[[WorkerContext], ASGIApp]"
"""A function at the top level of a module, so that a worker finds it by name. May raise ``StartError``."""
