"""The delay that a 429 asks for."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

MAX_SECONDS = 3_600
"""Wethod counts requests by the hour: a longer delay is not credible."""

_MAX_DELAY_SECONDS = 86_400
"""A larger number is a Unix time, as other Symfony code sends it."""

_NUMBER = re.compile(rb"[0-9]{1,15}(?:\.[0-9]{1,15})?")


def read_retry_after(headers: Mapping[bytes, bytes], now: float) -> int | None:
    """Read the delay from ``x-ratelimit-retry-after`` or, if that is not readable, from ``Retry-After``.

    Args:
        headers: header fields by name in lower case.
        now: the Unix time in seconds.

    Returns:
        Seconds, 0 to 3,600, fractions rounded up; None if there is no such delay (RFC 9110 §10.2.3).
    """
    seconds = _number(headers.get(b"x-ratelimit-retry-after", b""), now)
    if seconds is None:
        value = headers.get(b"retry-after", b"")
        seconds = _number(value, now)
        if seconds is None:
            seconds = _date(value, now)
    return seconds if seconds is not None and 0 <= seconds <= MAX_SECONDS else None


def _number(value: bytes, now: float) -> int | None:
    if not _NUMBER.fullmatch(value):
        return None
    seconds = float(value)
    return math.ceil(seconds if seconds <= _MAX_DELAY_SECONDS else seconds - now)


def _date(value: bytes, now: float) -> int | None:
    try:
        date = parsedate_to_datetime(value.decode("ascii"))
        # Senders must write GMT (RFC 9110 §5.6.7). Another zone is respected, and a missing one counts as GMT.
        return math.ceil((date if date.tzinfo else date.replace(tzinfo=dt.UTC)).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None
