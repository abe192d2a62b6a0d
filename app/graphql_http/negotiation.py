"""The media type of an answer (RFC 9110 §12.5.1; GraphQL over HTTP, *Accept*)."""

from __future__ import annotations

import re
from functools import lru_cache

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"

_MAX_RANGES = 100
"""Media ranges that are read; browsers send ten at most, and 32 KB hold 16,000."""
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
# Java's HttpURLConnection writes the range `*` and the quality `.2`: `text/html, *; q=.2, */*; q=.2`.
_RANGE = re.compile(rf"\s*(?P<type>\*|{_NAME}/{_NAME})\s*(?P<parameters>(?:;.*)?)")
_QUALITY = re.compile(r";\s*[qQ]\s*=(?P<q>[^;]*)")
# It also matches a string without an end, so that the time is linear.
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"?')
_QUALITY_VALUE = re.compile(r"\s*(?:0|1|0?\.[0-9]{1,3}|0\.|1\.0{0,3})\s*")


@lru_cache(maxsize=64)  # the values that real clients send are few
def negotiate(accept: bytes, html: bool) -> str | None:  # noqa: FBT001 - lru_cache keeps positions in less memory
    """Choose the media type of an answer.

    The highest quality wins. Among equal qualities a named type wins over a wildcard, then the type that the client
    names first. Parts that cannot be read, and parts after the first 100, are ignored. Without a readable part, and
    for ``*/*``, it is ``application/json``.

    Args:
        accept: the ``Accept`` fields of a request, joined by commas; empty if there is none.
        html: true if a page is available.

    Returns:
        The media type; None if the client accepts nothing that is available.
    """
    ranges = _parse_ranges(accept.decode("latin-1"))
    if not ranges:
        return JSON
    best = (0.0, 0, 0)
    chosen = None
    for offer in (JSON, GRAPHQL_RESPONSE, HTML) if html else (JSON, GRAPHQL_RESPONSE):
        matching = [
            (precision, -position, quality)
            for position, (name, quality) in enumerate(ranges)
            if (precision := _precision(name, offer))
        ]
        if matching:
            # The most precise range decides the quality of a media type.
            precision, position, quality = max(matching)
            if quality > 0 and (chosen is None or (quality, precision, position) > best):
                best, chosen = (quality, precision, position), offer
    return chosen


def _precision(media_range: str, offer: str) -> int:
    if media_range == offer:
        return 3
    if media_range == offer.partition("/")[0] + "/*":
        return 2
    return 1 if media_range in {"*/*", "*"} else 0


def _parse_ranges(accept: str) -> list[tuple[str, float]]:
    ranges: list[tuple[str, float]] = []
    # A quoted string may contain commas and semicolons (RFC 9110 §5.6.4), and no media type here depends on one.
    for part in _QUOTED.sub('""', accept).split(",", _MAX_RANGES)[:_MAX_RANGES]:
        found = _RANGE.fullmatch(part)
        if not found:
            continue
        quality = _QUALITY.search(found["parameters"])
        if quality is None:
            ranges.append((found["type"].lower(), 1.0))
        elif _QUALITY_VALUE.fullmatch(quality["q"]):
            ranges.append((found["type"].lower(), float(quality["q"])))
    return ranges
