"""What a request would forward to Wethod, for the people who wire routers."""

from __future__ import annotations

import strawberry

from schema.errors import WethodFailure


@strawberry.type(description="What this request would forward: shows whether a router passed the headers on.")
class WethodContext:
    """The context of one request, read from its headers alone; nothing is sent."""

    company: str | None = strawberry.field(
        default=None,
        description="Company that would be forwarded; null when none usable arrived and none is set.",
    )
    version: str | None = strawberry.field(
        default=None,
        description="API version that would be forwarded; null when the one that arrived is unusable.",
    )
    received_headers: list[str] = strawberry.field(
        default_factory=list,
        description="Which of the three headers arrived, by the names this gateway is configured to read.",
    )
    failures: list[WethodFailure] = strawberry.field(
        default_factory=list,
        description="What would keep a delete from being sent, a missing or unusable Authorization included.",
    )
