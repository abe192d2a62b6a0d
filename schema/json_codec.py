"""JSON (RFC 8259) to Python values and back.

msgspec decodes. `json` decodes the texts that msgspec refuses: numbers out of its range and lone surrogates.
"""

from __future__ import annotations

import json
from typing import NoReturn

import msgspec

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_MAX_INT_DIGITS = 4_300
"""Python refuses to convert a longer run of digits (``sys.int_info.default_max_str_digits``)."""


class DecodeError(ValueError):
    """The text is not JSON. The message says where, and may be shown to a client."""


class LongInteger:
    """An integer of more than 4,300 digits; ``str`` returns its digits. Only the ID scalar accepts it."""

    def __init__(self, digits: str) -> None:
        self._digits = digits

    def __str__(self) -> str:
        return self._digits


def _integer(digits: str) -> int | LongInteger:
    return int(digits) if len(digits) <= _MAX_INT_DIGITS else LongInteger(digits)


def _refuse_constant(name: str) -> NoReturn:
    raise DecodeError(f"{name} is not JSON")


def decode(text: bytes) -> object:
    """Decode JSON text (RFC 8259): UTF-8, no byte order mark; of duplicate names the last one wins.

    A lone surrogate escape becomes a lone surrogate; an integer beyond 4,300 digits becomes a ``LongInteger``.

    Raises:
        DecodeError: it is not JSON, not UTF-8, or nested too deeply.
    """
    try:
        try:
            return _decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            # msgspec refuses some numbers and lone surrogates, which are valid JSON.
            return _decode_slowly(text)
    except RecursionError:
        raise DecodeError("it is nested too deeply") from None


def _decode_slowly(text: bytes) -> object:
    try:
        decoded: object = json.loads(text.decode("utf-8"), parse_int=_integer, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise DecodeError(f"byte {error.start} is not UTF-8") from None
    except json.JSONDecodeError as error:
        if text.startswith(b"\xef\xbb\xbf"):
            raise DecodeError("it begins with a byte order mark") from None
        where = "it ends too early" if error.pos >= len(error.doc) else f"line {error.lineno}, column {error.colno}"
        raise DecodeError(f"{error.msg}: {where}") from None
    return decoded


def encode(value: object) -> bytes:
    """Encode as JSON text in UTF-8; a lone surrogate, which UTF-8 cannot carry, becomes U+FFFD."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
