"""The GraphQL context: the Protocol through which resolvers call Wethod, and the field that describes a request."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol, TypeAlias, TypeVar

import strawberry

from schema.errors import WethodFailure
from schema.rest import Outcome, P, RestOperation

A = TypeVar("A")


@strawberry.type(
    description="Company and version that this request would forward to Wethod, and the headers that arrived."
)
class WethodContext:
    """The context of one request, read from its headers alone; nothing is sent."""

    company: str | None = strawberry.field(
        default=None,
        description="Company that would be forwarded. Null if the one that arrived is refused, or if none arrived and "
        "the gateway pins none.",
    )
    version: str | None = strawberry.field(
        default=None,
        description="API version that would be forwarded. Null if the one that arrived is not usable.",
    )
    received_headers: list[str] = strawberry.field(
        default_factory=list,
        description="Names of the headers that arrived, of the three that the gateway reads.",
    )
    failures: list[WethodFailure] = strawberry.field(
        default_factory=list,
        description="Problems of these headers, such as a missing Authorization header. Each one would stop a call of "
        "Wethod before it is sent.",
    )


class Wethod(Protocol):
    """The access to Wethod for one request. Resolvers get it as ``info.context``."""

    def call(self, operation: RestOperation[P, Outcome], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[Outcome]:
        """Call an operation once. A failure of Wethod or of the network is an outcome and raises nothing."""
        ...

    def call_many(
        self, operation: RestOperation[[A], Outcome], arguments: Sequence[A]
    ) -> Awaitable[Sequence[Outcome | Exception | None]]:
        """Call an operation of one parameter for each distinct argument, several at a time.

        Returns:
            The outcomes in the order of ``arguments``. A call that fails by a bug has its exception instead, or None.
        """
        ...

    def describe(self) -> WethodContext:
        """Describe the request by its headers."""
        ...


Info: TypeAlias = strawberry.Info[Wethod, None]


def resolve_context(info: Info) -> WethodContext:
    """Resolve ``wethodContext``."""
    return info.context.describe()
