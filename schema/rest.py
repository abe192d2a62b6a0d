"""The vocabulary that the contract and the engine share: an operation of Wethod's REST API, and how a call can end.

The contract (`schema`) describes an operation as a ``RestOperation``. The engine (`app`) runs any of them.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Concatenate, Generic, Literal, ParamSpec, Protocol, TypeAlias, TypeVar

from schema.errors import WethodFailure

P = ParamSpec("P")
Outcome = TypeVar("Outcome")

BodyNeed: TypeAlias = Literal["none", "first", "whole"]
"""The part of a response's body that the engine waits for.

``none``: nothing. ``first``: up to the first character that ``schema.text.skip_invisible`` does not skip.
``whole``: all of it, at most 1 MiB. Equal to ``app.http_client.transport.BodyNeed``, which is not imported here.
"""


class Response(Protocol):
    """A response of Wethod whose head is complete. Read-only."""

    @property
    def status(self) -> int:
        """The HTTP status code."""
        ...

    @property
    def headers(self) -> Mapping[bytes, bytes]:
        """The first value of each header field, by its name in lower case."""
        ...

    @property
    def body(self) -> bytes | None:
        """As much of the body as ``body_needed`` asks for; None if it is cut off, late, encoded or too long."""
        ...

    @property
    def max_text_bytes(self) -> int:
        """Bytes of this response that an outcome may show, those of the field names in its lists included."""
        ...


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """No usable ``Authorization`` header arrived; nothing was sent. ``message`` names the header."""

    message: str


@dataclass(frozen=True, slots=True)
class Invalid:
    """The arguments, the company or the version are not usable; nothing was sent."""

    failures: tuple[WethodFailure, ...]


@dataclass(frozen=True, slots=True)
class RateLimited:
    """A 429 is remembered for this token; nothing was sent. ``retry_after_seconds`` is at least 1."""

    retry_after_seconds: int


@dataclass(frozen=True, slots=True)
class Overloaded:
    """Too many operations are in progress, here or for this token; nothing was sent.

    ``by_token`` is true if it is the token that has too many.
    """

    by_token: bool = False


@dataclass(frozen=True, slots=True)
class NotSent:
    """Wethod could not be reached: no byte was written."""


@dataclass(frozen=True, slots=True)
class NoConnection:
    """No connection to Wethod became free in time; nothing was sent."""


@dataclass(frozen=True, slots=True)
class NoTime:
    """The deadline of the request was too close to send anything."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The gateway stopped before anything was sent."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The gateway failed before a byte was written. It is a bug, and it is logged."""


@dataclass(frozen=True, slots=True)
class AuditBlocked:
    """The audit cannot be written, so nothing was sent."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """At least one byte was written, and no response decides the outcome: Wethod may have acted."""


@dataclass(frozen=True, slots=True)
class WaitEnded:
    """Nothing was sent for this call, but Wethod may have acted for an equal call.

    This call waited for the equal one, or followed it in the same request. The equal one is still in flight or has an
    unknown outcome. Then this call could not be sent: its time was used up, the gateway stopped, a 429 is remembered,
    the audit cannot be written, or no connection was made.
    """


@dataclass(frozen=True, slots=True)
class Skipped(Generic[Outcome]):
    """Nothing was sent, because an earlier call of the same list ended in ``after``."""

    after: Outcome


NoResponse: TypeAlias = (
    Unauthorized
    | Invalid
    | RateLimited
    | Overloaded
    | NotSent
    | NoConnection
    | NoTime
    | Stopped
    | Failed
    | AuditBlocked
    | Interrupted
    | WaitEnded
    | Skipped[object]
)
"""The reasons why a call has no response that decides its outcome."""

_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class RestOperation(Generic[P, Outcome]):
    """One operation of Wethod's REST API, and the outcome of each of its responses.

    Attributes:
        name: the name of the GraphQL field, such as ``deleteContact``; also a metric label.
        method: the HTTP method, in upper case.
        path: a template such as ``/api/contact/{contact_id}``; its parameters are parameters of ``check``.
        check: returns the failures of the arguments; called before anything is sent. Its signature is the operation's:
            the other functions take the same arguments, in the same order.
        outcomes: every class that a call can return. A success is a class that is not a ``WethodError``.
        body_needed: the part of a body to wait for, by status and header fields.
        from_response: the outcome of the response to the first request.
        from_repeat: the outcome of the response to a repeat; None for an operation that is not idempotent.
        from_no_response: the outcome of a call that no response decides.
        query: pairs for the query string; None for none.
        body: a value to send as JSON; None for no body.
        idempotent: a request whose response was lost may be repeated once (RFC 9110 §9.2.2).
        shared: equal calls in flight may share a success.
        audited: each call is recorded, and none is sent while the audit cannot be written.
        audit_fields: the operation's own fields of the audit record.
        parameters: the names of the parameters, read from ``check``.
        path_parameters: the positions of the parameters in ``path``, in their order there.
        path_format: ``path`` with positions instead of names, for ``str.format``.

    Raises:
        ValueError: ``path`` names a parameter that ``check`` does not have, a parameter is not both positional and
            named, an idempotent operation has no ``from_repeat``, or an operation that is not idempotent has one.
    """

    name: str
    method: str
    path: str
    check: Callable[P, Sequence[WethodFailure]]
    outcomes: tuple[type, ...]
    body_needed: Callable[[int, Mapping[bytes, bytes]], BodyNeed]
    from_response: Callable[Concatenate[Response, P], Outcome]
    from_no_response: Callable[Concatenate[NoResponse, P], Outcome]
    from_repeat: Callable[Concatenate[Response, P], Outcome] | None = None
    query: Callable[P, Sequence[tuple[str, str]]] | None = None
    body: Callable[P, object] | None = None
    idempotent: bool = False
    shared: bool = False
    audited: bool = False
    audit_fields: Callable[Concatenate[Outcome, P], Mapping[str, object]] | None = None
    parameters: tuple[str, ...] = field(init=False)
    path_parameters: tuple[int, ...] = field(init=False)
    path_format: str = field(init=False)

    def __post_init__(self) -> None:
        parameters = inspect.signature(self.check).parameters
        names = tuple(parameters)
        in_path = _PARAMETER.findall(self.path)
        unknown = set(in_path).difference(names)
        if unknown:
            raise ValueError(f"{self.name}: the path names {', '.join(sorted(unknown))}, which check does not take")
        if any(parameter.kind is not parameter.POSITIONAL_OR_KEYWORD for parameter in parameters.values()):
            raise ValueError(f"{self.name}: every parameter of check must be both positional and named")
        if self.idempotent != (self.from_repeat is not None):
            raise ValueError(f"{self.name}: an idempotent operation has a from_repeat, and no other operation has one")
        object.__setattr__(self, "parameters", names)
        object.__setattr__(self, "path_parameters", tuple(names.index(name) for name in in_path))
        object.__setattr__(self, "path_format", _PARAMETER.sub(lambda name: f"{{{names.index(name[1])}}}", self.path))
