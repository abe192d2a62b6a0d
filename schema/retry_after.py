"""How long a 429 asks to wait: seconds, a date, or the Unix time that other Symfony code sends."""

from __future__ import annotations

import datetime as dt
import math
import re
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.http_client.transport import RawHeaders

LONGEST_SECONDS = 3_600
"""Wethod counts requests by the hour: nothing longer is to be believed."""

_LONGEST_DELAY_SECONDS = 86_400
"""A larger number is a Unix time."""

_SECONDS = re.compile(rb"[0-9]{1,15}")


def read_retry_after(headers: RawHeaders) -> int | None:
    """Seconds to wait, 0 … 3,600, from ``x-ratelimit-retry-after``, else ``Retry-After`` (RFC 9110 section 10.2.3).

    None where there is none, where it cannot be read, and where it lies outside.
    """
    values = dict(reversed(headers))
    value = values.get(b"x-ratelimit-retry-after")
    if value is None:
        value = values.get(b"retry-after")
        if value is None:
            return None
        seconds = _number(value) if _SECONDS.fullmatch(value) else _date(value)
    else:
        seconds = _number(value) if _SECONDS.fullmatch(value) else None
    return seconds if seconds is not None and 0 <= seconds <= LONGEST_SECONDS else None


def _number(value: bytes) -> int:
    seconds = int(value)
    return seconds if seconds <= _LONGEST_DELAY_SECONDS else math.ceil(seconds - time.time())


def _date(value: bytes) -> int | None:
    try:
        date = parsedate_to_datetime(value.decode("ascii"))
        # HTTP dates are in GMT; one that names no zone is read as such.
        return math.ceil((date if date.tzinfo else date.replace(tzinfo=dt.UTC)).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
