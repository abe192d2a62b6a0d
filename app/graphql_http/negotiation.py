"""Which media type answers a request (RFC 9110 section 12.5.1; GraphQL over HTTP, *Accept*)."""

from __future__ import annotations

import re
from functools import lru_cache

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"

_RANGE = re.compile(
    r"\s*(?P<type>[!#$%&'*+.^_`|~0-9A-Za-z-]+)/(?P<subtype>[!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?P<parameters>(?:;.*)?)"
)
_QUALITY = re.compile(r";\s*[qQ]=(?P<q>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*(?:;|$)")
_ANY_QUALITY = re.compile(r";\s*[qQ]\s*=")


@lru_cache(maxsize=256)
def negotiate(accept: bytes, *, html: bool) -> str | None:
    """Choose the media type of an answer.

    The highest quality wins; among equals the one that the client names first, named ones before wildcards.
    Without an ``Accept``, and for ``*/*``, it is ``application/json``.

    Args:
        accept: the ``Accept`` fields of a request, joined by commas; empty where there is none.
        html: whether a page is on offer.

    Returns:
        The media type; None where nothing that the client accepts is on offer.
    """
    offers = (JSON, GRAPHQL_RESPONSE, HTML) if html else (JSON, GRAPHQL_RESPONSE)
    ranges = _ranges(accept.decode("latin-1"))
    if not ranges:
        return JSON if not accept.strip(b" \t,") else None
    best: tuple[float, int, int] | None = None
    chosen = None
    for offer in offers:
        matching = [
            (precision, -position, q)
            for position, (name, q) in enumerate(ranges)
            if (precision := _precision(name, offer))
        ]
        if not matching:
            continue
        precision, position, q = max(matching)  # the most precise range decides an offer's quality
        if q > 0 and (best is None or (q, precision, position) > best):
            best, chosen = (q, precision, position), offer
    return chosen


def _precision(media_range: str, offer: str) -> int:
    if media_range == offer:
        return 3
    if media_range == offer.partition("/")[0] + "/*":
        return 2
    return 1 if media_range == "*/*" else 0


def _ranges(accept: str) -> list[tuple[str, float]]:
    found = []
    for part in accept.split(","):
        match = _RANGE.fullmatch(part)
        if not match:
            continue
        parameters = match["parameters"]
        quality = _QUALITY.search(parameters)
        if quality is None and _ANY_QUALITY.search(parameters):
            continue  # a quality that cannot be read: the range says nothing
        found.append((f"{match['type']}/{match['subtype']}".lower(), float(quality["q"]) if quality else 1.0))
    return found
