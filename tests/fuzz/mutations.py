"""Mutations of bytes, as a broken or a hostile peer may send them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

TOKENS = (
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n", b"\r\n ", b"\r\n\t", b" ", b"\t", b"\0", b"\x0b", b"\x7f", b"\xff"),
    *(bytes([character]) for character in b':,;="/?#%@[]*019f'),
    *(b": ", b"-1", b"+1", b"0x"),
    *(b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0"),
    *(b"GET ", b"POST ", b"HEAD ", b"CONNECT ", b"PRI ", b"DELETE "),
    *(b" 100 ", b" 101 ", b" 103 ", b" 104 ", b" 200 ", b" 204 ", b" 304 ", b" 404 ", b" 999 ", b" 099 "),
    *(b"Content-Length: 0\r\n", b"Content-Length: 5\r\n", b"content-length: 99999999999999999999\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"transfer-encoding: Chunked\r\n"),
    *(b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Connection: upgrade\r\nUpgrade: h2c\r\n"),
    *(b"Host: other\r\n", b"Expect: 100-continue\r\n", b"Trailer: x\r\n", b"Proxy-Connection: close\r\n"),
    *(b"0\r\n\r\n", b"5\r\nhello\r\n", b"1;a=b\r\nx\r\n", b"00000005\r\n", b"ffffffffffffffff\r\n"),
    b"HTTP/1.1 200 OK\r\n\r\n",
)
"""The bytes that decide about framing."""


def _place(rng: random.Random, data: bytes) -> int:
    return rng.randrange(len(data) + 1)


def _flip_bit(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def _replace_byte(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def _insert_token(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(rng, data)
    return data[:at] + rng.choice(TOKENS) + data[at:]


def _overwrite_with_token(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at, token = _place(rng, data), rng.choice(TOKENS)
    return data[:at] + token + data[at + len(token) :]


def _delete(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(rng, data)
    return data[:at] + data[at + rng.randrange(1, 12) :]


def _repeat(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    start, end = sorted((_place(rng, data), _place(rng, data)))
    return data[:end] + data[start : min(end, start + 200)] + data[end:]


def _repeat_line(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    lines = data.split(b"\r\n")
    at = rng.randrange(len(lines))
    return b"\r\n".join([*lines[:at], lines[at], *lines[at:]])


def _insert_line(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    lines = data.split(b"\r\n")
    at = rng.randrange(len(lines))
    line = rng.choice([token for token in TOKENS if token.endswith(b"\r\n")]).removesuffix(b"\r\n")
    return b"\r\n".join([*lines[:at], line, *lines[at:]])


def _change_number(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    places = [at for at, byte in enumerate(data) if 0x30 <= byte <= 0x39]
    if not places:
        return data
    at = rng.choice(places)
    return data[:at] + b"%d" % rng.randrange(12) + data[at + 1 :]


def _splice(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    other = rng.choice(corpus)
    return data[: _place(rng, data)] + other[_place(rng, other) :]


def _append(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    return data + rng.choice(corpus)


def _swap_case(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    start = _place(rng, data)
    end = start + rng.randrange(1, 20)
    return data[:start] + data[start:end].swapcase() + data[end:]


_MUTATIONS = (
    _flip_bit,
    _replace_byte,
    _insert_token,
    _insert_token,
    _overwrite_with_token,
    _delete,
    _repeat,
    _repeat_line,
    _insert_line,
    _insert_line,
    _change_number,
    _splice,
    _append,
    _swap_case,
)

LONGEST = 4_000
"""Longer inputs find nothing that shorter ones do not, slowly."""


def mutate(rng: random.Random, corpus: Sequence[bytes]) -> bytes:
    """Change one input of the corpus up to four times; sometimes not at all."""
    data = rng.choice(corpus)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 4))):
        if data:
            data = rng.choice(_MUTATIONS)(rng, data, corpus)
    return data[:LONGEST]


def split(rng: random.Random, data: bytes) -> list[bytes]:
    """The same bytes in pieces: byte by byte, or cut in a few places."""
    if rng.random() < 0.1:
        return [data[at : at + 1] for at in range(len(data))]
    places = sorted({0, len(data), *(_place(rng, data) for _ in range(rng.randrange(1, 6)))})
    return [data[start:end] for start, end in itertools.pairwise(places)]


def in_a_row(rng: random.Random, data: bytes) -> list[bytes]:
    """Repeat the bytes as packets for one connection, some with a changed byte."""
    packets = [data] if data else []
    while packets and len(packets) < 4 and rng.random() < 0.4:
        place = rng.randrange(len(data)) if rng.random() < 0.5 else len(data) - 1 - rng.randrange(min(len(data), 8))
        changed = data[:place] + bytes([rng.randrange(256)]) + data[place + 1 :]
        packets.append(rng.choice((data, data, changed)))
    return packets
