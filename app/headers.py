"""Header fields of one HTTP message, looked up by name."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RawHeaders: TypeAlias = tuple[tuple[bytes, bytes], ...]
"""Header fields in their order."""

FIELDS = "wethod_graphql.fields"
"""Key of the ASGI scope: the request's fields as ``Headers``. The server needs them too, so it parses them for both."""

_NONE: Mapping[bytes, list[bytes]] = MappingProxyType({})


class Headers(dict[bytes, bytes]):
    """The first value of each field, by its name in lower case.

    Args:
        fields: pairs of name (in lower case) and value, in the order of arrival.

    Attributes:
        repeated: all values of the fields that arrived more than once, in the order of arrival.
    """

    __slots__ = ("repeated",)

    repeated: Mapping[bytes, list[bytes]]

    def __init__(self, fields: Sequence[tuple[bytes, bytes]] = ()) -> None:
        self.update(fields)
        self.repeated = _NONE
        if len(self) != len(fields):
            values: dict[bytes, list[bytes]] = {}
            for name, value in fields:
                values.setdefault(name, []).append(value)
            self.repeated = {name: several for name, several in values.items() if len(several) > 1}
            self.update((name, several[0]) for name, several in self.repeated.items())

    def joined(self, name: bytes) -> bytes:
        """Return all values of a field that is a list, joined by commas (RFC 9110 §5.3); empty if there are none."""
        return b",".join(self.repeated[name]) if name in self.repeated else self.get(name, b"")
