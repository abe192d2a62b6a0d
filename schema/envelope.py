"""The words that the body of a documented rejection lends, and the error envelope around them.

Every part is optional, and what cannot be read is as if it were absent (contract, *Answers*).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schema.errors import WethodFailure, WethodHeader, WethodResponse
from schema.json_codec import DecodeError, decode
from schema.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN_HEADERS = frozenset({"cache-control", "content-type", "date", "retry-after"})
_SHOWN_HEADER_PREFIX = "x-ratelimit-"
_MARKUP = re.compile(r"<[A-Za-z/!?]")
_DEFAULT_ENCODING_OPTIONS = 64
_INT32 = range(-(2**31), 2**31)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a body lends; None and empty where it does not."""

    key: str | None
    message: str | None
    failures: tuple[WethodFailure, ...]
    response: WethodResponse


def read_envelope(body: bytes | None) -> Envelope:
    """Read a body; total: a body that is absent or no JSON object lends nothing."""
    fields: Mapping[object, object] = {}
    if body:
        try:
            # PHP files saved with a byte order mark print it before the JSON.
            decoded = decode(body.removeprefix(b"\xef\xbb\xbf"))
        except DecodeError:
            decoded = None
        if isinstance(decoded, dict):
            fields = decoded
    return Envelope(
        key=_text(fields.get("key")),
        message=_text(fields.get("message")),
        failures=tuple(_failures(fields.get("failures"))),
        response=WethodResponse(
            headers=_headers(fields.get("headers")),
            content=_content(fields.get("content")),
            version=_text(fields.get("version")),
            status_code=_int32(fields.get("status_code")),
            status_text=_text(fields.get("status_text")),
            charset=_text(fields.get("charset")),
            callback=_text(fields.get("callback")),
            encoding_options=_encoding_options(fields.get("encoding_options")),
        ),
    )


def _text(value: object) -> str | None:
    return clean(value) or None if isinstance(value, str) else None


def _content(value: object) -> str | None:
    # Looked for before it is cut: half a tag is markup too.
    return None if isinstance(value, str) and _MARKUP.search(value) else _text(value)


def _int32(value: object) -> int | None:
    # A bool is an int to Python, and to nobody else.
    return value if isinstance(value, int) and not isinstance(value, bool) and value in _INT32 else None


def _encoding_options(value: object) -> int:
    number = _int32(value)
    return _DEFAULT_ENCODING_OPTIONS if number is None else number


def _failures(value: object) -> list[WethodFailure]:
    pairs: list[tuple[object, object]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = [(entry.get("field"), entry.get("message")) for entry in value if isinstance(entry, dict)]
    return [
        WethodFailure(field=field, message=message)
        for raw_field, raw_message in pairs
        if (field := _text(raw_field)) and (message := _text(raw_message))
    ]


def _headers(value: object) -> list[WethodHeader]:
    if not isinstance(value, dict):
        return []
    headers = []
    for raw_name, raw_values in value.items():
        name = clean(raw_name).lower()
        if name in _SHOWN_HEADERS or name.startswith(_SHOWN_HEADER_PREFIX):
            values = raw_values if isinstance(raw_values, list) else [raw_values]
            headers.append(WethodHeader(name=name, values=[text for item in values if (text := _header_value(item))]))
    return headers


def _header_value(value: object) -> str | None:
    number = _int32(value)
    return _text(value) if number is None else str(number)
