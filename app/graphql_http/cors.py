"""CORS for the endpoint: pages of the listed origins may call it, without credentials (Fetch, *CORS protocol*)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.graphql_http.response import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.headers import Headers

CLIENT_HEADERS = (
    "Accept",
    "Accept-Language",
    "Apollo-Require-Preflight",
    "ApolloGraphQL-Client-Name",
    "ApolloGraphQL-Client-Version",
    "Baggage",
    "Content-Language",
    "Content-Type",
    "GraphQL-Client-Name",
    "GraphQL-Client-Version",
    "Sentry-Trace",
    "Traceparent",
    "Tracestate",
    "X-Apollo-Operation-Id",
    "X-Apollo-Operation-Name",
    "X-Request-ID",
)
"""Headers that usual clients and tracing libraries add to a request."""

_METHODS = (b"GET", b"HEAD", b"POST")
_MAX_AGE_SECONDS = 600


class Cors:
    """The origins and headers that are allowed.

    Starlette's middleware is not used: it names Origin a second time in ``Vary``, and its answer to a preflight lacks
    the headers that every answer of the endpoint has.

    Args:
        origins: the origins as browsers send them; never ``*``.
        headers: names of request headers that are allowed beside ``CLIENT_HEADERS``.
    """

    def __init__(self, origins: Iterable[str], headers: Iterable[str]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)
        names = sorted({name.lower(): name for name in (*CLIENT_HEADERS, *headers)}.values(), key=str.lower)
        self._allowed = frozenset(name.lower().encode("ascii") for name in names)
        self._preflight = (
            (b"access-control-allow-methods", b", ".join(_METHODS)),
            (b"access-control-allow-headers", ", ".join(names).encode("ascii")),
            (b"access-control-max-age", b"%d" % _MAX_AGE_SECONDS),
        )

    def headers(self, request: Headers) -> tuple[tuple[bytes, bytes], ...]:
        """Header fields for the answer to a request; none if its origin is not listed."""
        origin = request.get(b"origin")
        if origin not in self._origins or b"origin" in request.repeated:
            return ()
        return ((b"access-control-allow-origin", origin), (b"access-control-expose-headers", b"X-Request-ID"))

    def answer_preflight(self, method: str, request: Headers) -> Answer | None:
        """Answer a preflight; None if the request is not a preflight."""
        requested_method = request.get(b"access-control-request-method")
        if method != "OPTIONS" or requested_method is None or b"origin" not in request:
            return None
        requested = request.get(b"access-control-request-headers", b"").lower().split(b",")
        failures = {
            "origin": not self.headers(request),
            "method": requested_method not in _METHODS,
            "headers": not self._allowed.issuperset(name for part in requested if (name := part.strip())),
        }
        failed = ", ".join(name for name, failed in failures.items() if failed)
        status, text = (400, f"Disallowed CORS {failed}") if failed else (200, "OK")
        return Answer(status, b"text/plain; charset=utf-8", text.encode("ascii"), self._preflight)
