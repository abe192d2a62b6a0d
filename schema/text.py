"""Text from outside made safe for GraphQL, a terminal and a log."""

from __future__ import annotations

MAX_CHARACTERS = 1_000
"""Longest text that is shown."""

_CONTROL = (*range(0x20), *range(0x7F, 0xA0))
_BIDIRECTIONAL = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SURROGATES = range(0xD800, 0xE000)
_REPLACED: dict[int, int | None] = {
    **dict.fromkeys(_CONTROL),
    **dict.fromkeys(_BIDIRECTIONAL),
    # Lone surrogates cannot be encoded as UTF-8.
    **dict.fromkeys(_SURROGATES, 0xFFFD),
}


def clean(text: str) -> str:
    """Remove control and bidirectional characters, replace lone surrogates, keep ``MAX_CHARACTERS`` characters."""
    return clean_whole(text)[:MAX_CHARACTERS]


def clean_whole(text: str) -> str:
    """Remove control and bidirectional characters and replace lone surrogates in a text of any length."""
    return text if text.isascii() and text.isprintable() else text.translate(_REPLACED)


# The bytes of white space, NUL, no-break and zero-width spaces, and of byte order marks in UTF-8 and UTF-16.
_INVISIBLE = b" \t\r\n\f\v\0" + "\u00a0\u200b\ufeff".encode() + b"\xff\xfe"


def skip_invisible(body: bytes) -> bytes:
    """Return a body without byte order marks, white space, NUL, no-break and zero-width spaces at its start."""
    return body.lstrip(_INVISIBLE)
