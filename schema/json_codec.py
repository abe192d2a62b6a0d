"""JSON text to Python values and back, with nothing lost: the standard library decodes what msgspec refuses."""

from __future__ import annotations

import json
from typing import NoReturn

import msgspec

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_LONGEST_INT = 4_300
"""Python refuses to convert a longer run of digits (``sys.int_info.default_max_str_digits``)."""


class DecodeError(ValueError):
    """The text is not JSON; the message says where, in words fit for a client."""


def _integer(digits: str) -> int | str:
    # As a string it keeps its digits: an ID takes it, an Int refuses it.
    return int(digits) if len(digits) <= _LONGEST_INT else digits


def _refuse_constant(name: str) -> NoReturn:
    raise DecodeError(f"{name} is not JSON")


def decode(text: bytes) -> object:
    """Decode JSON text (RFC 8259): UTF-8, no byte order mark; of duplicate names the last one wins.

    A lone surrogate escape becomes a lone surrogate; an integer beyond 4,300 digits becomes a string of its digits.

    Raises:
        DecodeError: it is not JSON, not UTF-8, or nested too deeply.
    """
    try:
        return _decode(text)
    except RecursionError:
        raise DecodeError("it is nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # Numbers out of range and lone surrogates are JSON all the same.
        return _decode_slowly(text)


def _decode_slowly(text: bytes) -> object:
    try:
        decoded: object = json.loads(text.decode("utf-8"), parse_int=_integer, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise DecodeError(f"byte {error.start} is not UTF-8") from None
    except RecursionError:
        raise DecodeError("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        if text.startswith(b"\xef\xbb\xbf"):
            raise DecodeError("it begins with a byte order mark") from None
        where = "it ends too early" if error.pos >= len(error.doc) else f"line {error.lineno}, column {error.colno}"
        raise DecodeError(f"{error.msg}: {where}") from None
    return decoded


def encode(value: object) -> bytes:
    """Encode a value as JSON text in UTF-8; lone surrogates, which UTF-8 cannot hold, become U+FFFD."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return _encode(_replace_surrogates(value))


def _replace_surrogates(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_replace_surrogates(name): _replace_surrogates(item) for name, item in value.items()}
    return [_replace_surrogates(item) for item in value] if isinstance(value, list | tuple) else value
