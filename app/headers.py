"""Header fields of one HTTP message, looked up by name."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RawHeaders: TypeAlias = tuple[tuple[bytes, bytes], ...]
"""Header fields in their order."""

FIELDS = "wethod_graphql.fields"
"""Key of the ASGI scope: the request's fields as ``Headers``, parsed once for the server and the endpoint."""

_NONE: Mapping[bytes, list[bytes]] = MappingProxyType({})


class Headers(dict[bytes, bytes]):
    """The first value of each field, by its name in lower case; of ``content-type``, all. Made by ``parse_headers``.

    Attributes:
        repeated: all values of the fields that arrived more than once, in the order of arrival.
    """

    __slots__ = ("repeated",)

    repeated: Mapping[bytes, list[bytes]]

    def joined(self, name: bytes) -> bytes:
        """Return all values of a field that is a list, joined by commas (RFC 9110 §5.3); empty if there are none."""
        return b",".join(self.repeated[name]) if name in self.repeated else self.get(name, b"")


def parse_headers(fields: Sequence[tuple[bytes, bytes]]) -> Headers:
    """Index header fields by name.

    Args:
        fields: pairs of name (in lower case) and value, in the order of arrival.
    """
    headers = Headers(fields)
    headers.repeated = _NONE
    if len(headers) != len(fields):
        values: dict[bytes, list[bytes]] = {}
        for name, value in fields:
            values.setdefault(name, []).append(value)
        headers.repeated = {name: several for name, several in values.items() if len(several) > 1}
        headers.update((name, several[0]) for name, several in headers.repeated.items())
        if b"content-type" in headers.repeated:
            # None of several types decides alone: one of them may belong to the page of a proxy.
            headers[b"content-type"] = headers.joined(b"content-type")
    return headers
