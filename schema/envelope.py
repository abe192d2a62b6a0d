"""The text of a response's body that an outcome shows: key, message, failures and envelope.

Every part is optional, and a part that cannot be read counts as absent (docs/outcomes.md). Its length is limited.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schema.errors import WethodFailure, WethodHeader, WethodResponse
from schema.json_codec import DecodeError, decode
from schema.text import clean, clean_whole

MAX_FAILURES = 100
MAX_HEADER_VALUES = 20

ENTRY_BYTES = 40
"""Bytes of an entry of a list in an answer, beside its text."""

_OWN_BYTES = 128
"""Bytes reserved for the gateway's own key and the longest ``ErrorBody.cut``."""

_SHOWN_HEADERS = frozenset({"cache-control", "content-type", "date", "retry-after"})
_SHOWN_HEADER_PREFIX = "x-ratelimit-"
_MARKUP = re.compile(r"<[A-Za-z/!?]")
_DEFAULT_ENCODING_OPTIONS = 64
_INT32 = range(-(2**31), 2**31)


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """The parts of one body.

    Attributes:
        key: Wethod's key; None if it gives none.
        message: Wethod's message; None if it gives none.
        failures: at most ``MAX_FAILURES``.
        envelope: the envelope of the body.
        cut: a sentence, with a space before it, that says what is not shown; empty if all is.
    """

    key: str | None
    message: str | None
    failures: tuple[WethodFailure, ...]
    envelope: WethodResponse
    cut: str


class _Budget:
    """Bytes of text that are left to show."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.cut = False

    def take(self, value: object) -> str | None:
        """Take as much of a text as fits; None if the value is no text, or nothing is left of it."""
        text = clean(value) if isinstance(value, str) else ""
        if not text:
            return None
        size = _size(text)
        if size > self.left:
            self.cut = True
            while text and _size(text) > self.left:
                text = text[: len(text) * self.left // _size(text)]
            size = _size(text)
        self.left -= size
        return text or None

    def take_entry(self, *texts: str) -> bool:
        """Take all texts of one entry of a list; False, and nothing is taken, if they do not fit."""
        size = ENTRY_BYTES + sum(map(_size, texts))
        if size > self.left:
            return False
        self.left -= size
        return True


def _size(text: str) -> int:
    """Bytes of a text in a JSON answer."""
    return len(text.encode()) + text.count('"') + text.count("\\")


def read_key(body: bytes | None) -> str | None:
    """Read Wethod's key from a body, unchanged, in order to compare it; None if there is none."""
    key = _read_object(body).get("key")
    return key if isinstance(key, str) else None


def read_error_body(body: bytes | None, max_text_bytes: int) -> ErrorBody:
    """Read a body. Never raises: without a JSON object, every part is absent.

    Args:
        body: the body; None if it could not be read.
        max_text_bytes: bytes of text that may be shown, the gateway's own key and ``cut`` included.
    """
    fields = _read_object(body)
    budget = _Budget(max_text_bytes - _OWN_BYTES)
    key = fields.get("key")
    key = clean(key) if isinstance(key, str) else ""
    # Clients compare keys: half a key is worse than none.
    shown_key = budget.take(key) if _size(key) <= budget.left else None
    message = budget.take(fields.get("message"))
    given = list(_failures(fields.get("failures")))
    failures = _take_failures(given, budget)
    content = fields.get("content")
    headers, header_values = _take_headers(fields.get("headers"), budget)
    encoding_options = _int32(fields.get("encoding_options"))
    envelope = WethodResponse(
        headers=headers,
        # Search after cleaning, which can join the halves of a tag, and before cutting, which can halve one.
        content=None if isinstance(content, str) and _MARKUP.search(clean_whole(content)) else budget.take(content),
        version=budget.take(fields.get("version")),
        status_code=_int32(fields.get("status_code")),
        status_text=budget.take(fields.get("status_text")),
        charset=budget.take(fields.get("charset")),
        callback=budget.take(fields.get("callback")),
        encoding_options=_DEFAULT_ENCODING_OPTIONS if encoding_options is None else encoding_options,
    )
    shown_values = sum(len(header.values) for header in headers)
    notes = [
        f"({shown:,} of {all_:,} {what} shown.)"
        for shown, all_, what in (
            (len(failures), len(given), "failures"),
            (shown_values, header_values, "header values"),
        )
        if shown < all_
    ]
    if budget.cut or (key and not shown_key):
        notes.append("(Long text is cut.)")
    return ErrorBody(shown_key, message, failures, envelope, "".join(f" {note}" for note in notes))


def _read_object(body: bytes | None) -> Mapping[object, object]:
    if not body:
        return {}
    try:
        # PHP files that are saved with a byte order mark print it before the JSON.
        decoded = decode(body.removeprefix(b"\xef\xbb\xbf"))
    except DecodeError:
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _failures(value: object) -> Iterator[tuple[str, str]]:
    """Field and message of each failure, from all forms in which Wethod sends them."""
    pairs: list[tuple[object, object]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = [
            (entry.get("field", entry.get("propertyPath")), entry.get("message"))
            for entry in value
            if isinstance(entry, dict)
        ]
    for field, messages in pairs:
        for message in messages if isinstance(messages, list) else [messages]:
            if (field is None or isinstance(field, str)) and isinstance(message, str) and clean(message):
                yield field or "", message


def _take_failures(given: list[tuple[str, str]], budget: _Budget) -> tuple[WethodFailure, ...]:
    shown: list[WethodFailure] = []
    for raw_field, raw_message in given[:MAX_FAILURES]:
        field, message = clean(raw_field), clean(raw_message)
        if not budget.take_entry(field, message):
            break
        shown.append(WethodFailure(field=field, message=message))
    return tuple(shown)


def _take_headers(value: object, budget: _Budget) -> tuple[list[WethodHeader], int]:
    """Return the headers to show, and the number of values before the limits."""
    headers: list[WethodHeader] = []
    given = shown = 0
    for raw_name, raw_values in value.items() if isinstance(value, dict) else ():
        name = clean(raw_name).lower()
        if name not in _SHOWN_HEADERS and not name.startswith(_SHOWN_HEADER_PREFIX):
            continue
        values = raw_values if isinstance(raw_values, list) else [raw_values]
        texts = [text for item in values if (text := _header_value(item))]
        given += len(texts)
        if len(headers) >= MAX_HEADER_VALUES or not budget.take_entry(name):
            continue
        kept: list[str] = []
        for text in texts:
            if shown >= MAX_HEADER_VALUES or not budget.take_entry(text):
                break
            kept.append(text)
            shown += 1
        headers.append(WethodHeader(name=name, values=kept))
    return headers, given


def _header_value(value: object) -> str | None:
    number = _int32(value)
    if number is not None:
        return str(number)
    return clean(value) if isinstance(value, str) else None


def _int32(value: object) -> int | None:
    # Python counts a bool as an int.
    return value if isinstance(value, int) and not isinstance(value, bool) and value in _INT32 else None
