"""The bytes of a request (RFC 9112 §3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.headers import RawHeaders
    from app.http_client.transport import Request

_CR, _LF, _NUL, _SPACE = b"\r\n\0 "
"""As numbers: a search for a number takes a tenth of the time of a search for bytes."""

_EXPECTING_CONTENT = frozenset({b"POST", b"PUT", b"PATCH"})
"""Methods that need ``Content-Length: 0`` without a body (RFC 9110 §8.6); a server may answer 411."""


def sent_headers(request: Request, host: bytes) -> RawHeaders:
    """The fields that are sent: ``Host`` first; ``Content-Length`` last with a body, or if the method expects one."""
    if request.body is None and request.method not in _EXPECTING_CONTENT:
        return ((b"Host", host), *request.headers)
    return ((b"Host", host), *request.headers, (b"Content-Length", b"%d" % len(request.body or b"")))


def encode_request(request: Request, host: bytes) -> bytes:
    """Encode a request: head and body.

    Raises:
        ValueError: CR, LF or NUL in the method, the target or a header field, or a space in the target.
    """
    lines = [b"%b %b HTTP/1.1" % (request.method, request.target), *map(b": ".join, sent_headers(request, host))]
    text = b"".join(lines)
    if _CR in text or _LF in text or _NUL in text or _SPACE in request.target:
        raise ValueError("the request holds CR, LF or NUL, or its target a space")
    return b"\r\n".join((*lines, b"", request.body or b""))
