"""A strict parser of HTTP/1.1 messages (RFC 9112), independent of the parser in use, to compare with.

It reads what the RFC's grammar allows. It is lenient only about line ends before a request (section 2.2), spaces around
a target (section 3), `Proxy-Connection: close`, and a `close` in a trailer.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import TypeAlias

Fields: TypeAlias = tuple[tuple[bytes, bytes], ...]
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") +([\x21-\x7e]+) +HTTP/(1\.[01])")
_STATUS_LINE = re.compile(rb"HTTP/(1\.[01]) ([0-9]{3})(?: .*)?", re.DOTALL)
_FIELD = re.compile(
    rb"(" + _TOKEN + rb"):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t \x21-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*"
)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})(;[\t \x21-\x7e\x80-\xff]*|[ \t]*)")
_HOST = re.compile(rb"(\[([^\]]*)\]|[A-Za-z0-9\-._~!$&'()*+,;=%]*)(:[0-9]*)?")
_TOO_LONG = 2**64
_LENGTH = re.compile(rb"[0-9]+")


class MalformedError(Exception):
    """Not a valid HTTP/1.1 message."""


class PartialError(Exception):
    """The message is incomplete."""


@dataclass(frozen=True, slots=True)
class Request:
    method: bytes
    target: bytes
    version: bytes
    fields: Fields
    body: bytes
    keeps_alive: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """One reply, as far as it has arrived.

    Attributes:
        status: its status; 0 if its head is incomplete or malformed.
        fields: its fields.
        body: its body; None if it is incomplete.
        keeps_alive: another request may follow: the reply is complete, nothing follows it, and the connection is open.
    """

    status: int = 0
    fields: Fields = ()
    body: bytes | None = None
    keeps_alive: bool = False


NO_ANSWER = Answer()


def _line(data: bytes, at: int) -> tuple[bytes, int]:
    end = data.find(b"\r\n", at)
    if end < 0:
        line, end = data[at:], len(data)
        if b"\n" in line or b"\r" in line.removesuffix(b"\r"):
            raise MalformedError
        raise PartialError
    line = data[at:end]
    if b"\r" in line or b"\n" in line:
        raise MalformedError
    return line, end + 2


def _fields(data: bytes, at: int) -> tuple[Fields, int]:
    found: list[tuple[bytes, bytes]] = []
    while True:
        line, at = _line(data, at)
        if not line:
            return tuple(found), at
        match = _FIELD.fullmatch(line)
        if not match:
            raise MalformedError
        found.append((match[1].lower(), match[2]))


def _values(fields: Fields, name: bytes) -> list[bytes]:
    return [value for key, value in fields if key == name]


def _options(fields: Fields) -> set[bytes]:
    values = _values(fields, b"connection") + _values(fields, b"proxy-connection")
    return {item.strip(b" \t").lower() for value in values for item in value.split(b",")}


def _check_host(fields: Fields, version: bytes) -> None:
    """RFC 9112 section 3.2: one host in HTTP/1.1, at most one in HTTP/1.0, and always a valid one."""
    hosts = _values(fields, b"host")
    if len(hosts) > 1 or (version == b"1.1" and not hosts):
        raise MalformedError
    for host in hosts:
        match = _HOST.fullmatch(host)
        if not match or re.search(rb"%(?![0-9A-Fa-f]{2})", host):
            raise MalformedError
        if match[2] is not None:
            try:
                socket.inet_pton(socket.AF_INET6, match[2].decode("latin-1"))
            except (OSError, ValueError):
                raise MalformedError from None


def _length(fields: Fields) -> int | None:
    values = _values(fields, b"content-length")
    if not values:
        return None
    if len(values) > 1 or not _LENGTH.fullmatch(values[0]) or int(values[0]) >= _TOO_LONG:
        raise MalformedError
    return int(values[0])


def _chunks(data: bytes, at: int) -> tuple[bytes, Fields, int]:
    body = b""
    while True:
        line, at = _line(data, at)
        match = _CHUNK.fullmatch(line)
        if not match:
            raise MalformedError
        size = int(match[1], 16)
        if size == 0:
            trailer, at = _fields(data, at)
            return body, trailer, at
        chunk, end = data[at : at + size], data[at + size : at + size + 2]
        if len(chunk) == size and not b"\r\n".startswith(end):
            raise MalformedError
        if len(end) < len(b"\r\n"):
            raise PartialError
        body, at = body + chunk, at + size + 2


def _sized(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    if len(data) - at < size:
        raise PartialError
    return data[at : at + size], at + size


def _request(data: bytes, at: int) -> tuple[Request, int]:
    line, at = _line(data, at)
    match = _REQUEST_LINE.fullmatch(line)
    if not match:
        raise MalformedError
    method, target, version = match.groups()
    fields, at = _fields(data, at)
    codings, length = _values(fields, b"transfer-encoding"), _length(fields)
    _check_host(fields, version)
    if codings:
        if length is not None or [coding.lower() for coding in codings] != [b"chunked"]:
            raise MalformedError
        body, trailer, at = _chunks(data, at)
    else:
        trailer = ()
        body, at = _sized(data, at, length or 0)
    keeps_alive = version == b"1.1" and b"close" not in _options(fields + trailer)
    return Request(method, target, version, fields, body, keeps_alive), at


def read_requests(data: bytes) -> tuple[Request, ...]:
    """The whole requests in these bytes, up to one that is malformed, or that ends the connection."""
    requests: list[Request] = []
    at = 0
    while not requests or requests[-1].keeps_alive:
        while data[at : at + 1] in {b"\r", b"\n"}:
            at += 1
        try:
            request, at = _request(data, at)
        except (MalformedError, PartialError):
            break
        requests.append(request)
    return tuple(requests)


def _head(data: bytes, at: int) -> tuple[int, bytes, Fields, int]:
    line, at = _line(data, at)
    match = _STATUS_LINE.fullmatch(line)
    if not match or int(match[2]) < 100:
        raise MalformedError
    fields, at = _fields(data, at)
    codings, length = _values(fields, b"transfer-encoding"), _length(fields)
    if codings and length is not None:
        raise MalformedError
    return int(match[2]), match[1], fields, at


def _interim(data: bytes) -> tuple[int, bool]:
    """The offset at which the final head begins, and whether the interim replies let another request follow.

    Interim replies have no body, whatever their fields say (RFC 9112 section 6.3). The parser skips line ends behind
    them.
    """
    at, keeps_alive = 0, True
    while True:
        status, version, fields, after = _head(data, at)
        if status == 101 or not 100 <= status < 200:
            return at, keeps_alive
        keeps_alive = keeps_alive and version == b"1.1" and b"close" not in _options(fields)
        at = after
        while data[at : at + 1] in {b"\r", b"\n"}:
            at += 1


def read_answer(data: bytes, *, ended: bool) -> Answer:
    """The reply in these bytes.

    Args:
        data: all that came.
        ended: the connection ended orderly behind them.
    """
    try:
        start, keeps_alive = _interim(data)
        status, version, fields, at = _head(data, start)
    except (MalformedError, PartialError):
        return NO_ANSWER
    keeps_alive = keeps_alive and version == b"1.1" and b"close" not in _options(fields)
    if status in {101, 204, 304}:
        return Answer(status, fields, b"", keeps_alive and status != 101 and at == len(data))
    codings, length = _values(fields, b"transfer-encoding"), _length(fields)
    try:
        if codings:
            if codings[-1].lower().split(b",")[-1].strip(b" \t") != b"chunked":
                return Answer(status, fields)
            body, _, at = _chunks(data, at)
        elif length is not None:
            body, at = _sized(data, at, length)
        else:
            return Answer(status, fields, data[at:] if ended else None)
    except (MalformedError, PartialError):
        return Answer(status, fields)
    return Answer(status, fields, body, keeps_alive and at == len(data))
