"""Header fields of requests to Wethod, as text: those that all requests of a caller share are rendered once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app import __version__

if TYPE_CHECKING:
    from app.http_client.transport import RawHeaders

_FIXED: RawHeaders = (
    (b"Accept", b"application/json"),
    (b"Accept-Encoding", b"identity"),
    (b"User-Agent", f"wethod-graphql/{__version__}".encode("ascii")),
)


def render_fields(fields: RawHeaders) -> bytes:
    """Field lines (RFC 9112 section 5), each with its end.

    Raises:
        ValueError: a name or a value holds CR, LF or NUL, and would be more than one line.
    """
    lines = b""
    for name, value in fields:
        lines += name + b": " + value + b"\r\n"
    if count_breaks(lines) != 2 * len(fields):
        raise ValueError("a field holds CR, LF or NUL")
    return lines


def count_breaks(text: bytes) -> int:
    """How often CR, LF and NUL occur together: one pass that takes a third of what three searches do."""
    return len(text) - len(text.translate(None, b"\r\n\0"))


class SharedFields:
    """Fields that many requests have in common: to render them for each was a thirtieth of a delete.

    Attributes:
        fields: as they are.
        lines: as they go out.
    """

    __slots__ = ("fields", "lines")

    def __init__(self, fields: RawHeaders) -> None:
        self.fields = fields
        self.lines = render_fields(fields)

    def __repr__(self) -> str:
        """Without the values: one of them is the token."""
        return f"SharedFields({', '.join(name.decode('latin-1') for name, _ in self.fields)})"


NO_FIELDS = SharedFields(())


def caller_fields(authorization: bytes, company: str, version: str) -> SharedFields:
    """What every request of a caller says beside its own id (``contract.md``, section *Request*)."""
    return SharedFields(
        (
            (b"Authorization", authorization),
            (b"Wethod-Company", company.encode("ascii")),
            (b"Wethod-Version", version.encode("ascii")),
            *_FIXED,
        )
    )
