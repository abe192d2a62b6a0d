"""Bounds on the size of an answer, known before a resolver runs.

The selections of an operation decide how often an answer repeats the text of Wethod's responses and the gateway's own
messages. Four numbers for each root field (``Size``) bound this, with fragments expanded and equal response names
merged. All members of a union count together, so the numbers are upper bounds.

For example, one root field with a name of 13 letters and ``{ ... on WethodError { a: message b: message } }``:

* ``names=2``: the message appears under two names.
* ``fixed=39``: the bytes of response names and punctuation.
* ``item=0``: there is no list.
* ``own=351``: without a token, the gateway's own message of at most 160 bytes appears twice, beside 31 other bytes.

One such call may show 16,384 bytes (``MAX_TEXT_BYTES``). Twenty may show 400,000 / (20 * 2) = 10,000 bytes each.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from graphql import (
    FieldNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_list_type,
)

from app.execution.selection_set import next_fragment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TypeAlias

    from graphql import (
        FragmentDefinitionNode,
        GraphQLNamedType,
        GraphQLOutputType,
        GraphQLSchema,
        SelectionSetNode,
    )

    Located: TypeAlias = tuple[SelectionSetNode, GraphQLNamedType]
    """A selection set and the type that its fields belong to."""

MAX_TEXT_BYTES = 16_384
"""Bytes of Wethod's text that one call may show."""
MIN_TEXT_BYTES = 512
"""With fewer bytes of text, an answer would not say what happened."""
MAX_ALL_TEXT_BYTES = 400_000
MAX_ANSWER = 1_000_000
ITEM_BYTES = 40
"""Bytes that each item of a list counts in addition to its text: ``schema.envelope.ENTRY_BYTES``."""

_PUNCTUATION = 4
_OWN_MESSAGE = 160
"""Bytes of the longest message that the gateway itself writes about a missing or unusable header."""
_OWN_ITEMS = 3
"""Items of a list that the gateway itself writes: one for each header."""
_SDL = 20_000
_INTROSPECTION = frozenset({"__schema", "__type"})
_WITH_FIELDS = (GraphQLObjectType, GraphQLInterfaceType)


class Size(NamedTuple):
    """The largest answer to one root field.

    Attributes:
        names: the largest number of response names under which one field of the result appears.
        fixed: bytes of everything except Wethod's text and the items of lists.
        item: bytes of one item of each list of a field, under all names of the field together; the largest.
        own: bytes of the answer to a caller without a usable token.
    """

    names: int
    fixed: int
    item: int
    own: int


class _Merged(NamedTuple):
    """The nodes that share one response name."""

    type: GraphQLOutputType | None
    sets: list[Located]


class AnswerSize:
    """A measurement of the root fields of one operation.

    Args:
        schema: the schema that validated the document.
        fragments: the fragments of the document by name.

    Attributes:
        leaf: size in bytes of the longest leaf value that is not text (a type's name).
    """

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._schema = schema
        self._fragments = fragments
        self.leaf = max(map(len, schema.type_map)) + 2

    def measure(self, selection_set: SelectionSetNode, root_type: GraphQLObjectType) -> dict[str, Size]:
        """Measure each root field, by response name."""
        sizes: dict[str, Size] = {}
        for (key, name), merged in self._merge([(selection_set, root_type)]).items():
            tally = _Tally(self)
            fixed, own = (0, 0) if name in _INTROSPECTION else tally.add(key, (name,), merged)
            names = max(tally.names.values(), default=1)
            sizes[key] = Size(names, fixed, max(tally.items.values(), default=0), own)
        return sizes

    def _merge(self, sets: Iterable[Located]) -> dict[tuple[str, str], _Merged]:
        """Merge the fields of selection sets, by response name and name."""
        merged: dict[tuple[str, str], _Merged] = {}
        visited: set[str] = set()
        waiting = list(sets)
        for selection_set, type_ in waiting:  # it grows while it is iterated
            for selection in selection_set.selections:
                if isinstance(selection, FieldNode):
                    name = selection.name.value
                    # A union has no fields, and no type lists ``__typename``.
                    field = type_.fields.get(name) if isinstance(type_, _WITH_FIELDS) else None
                    key = (selection.alias or selection.name).value
                    entry = merged.setdefault((key, name), _Merged(field.type if field is not None else None, []))
                    if selection.selection_set is not None and field is not None:
                        entry.sets.append((selection.selection_set, get_named_type(field.type)))
                    continue
                fragment = next_fragment(selection, self._fragments, visited)
                if fragment is None:
                    continue
                condition = fragment.type_condition
                on = self._schema.type_map[condition.name.value] if condition is not None else type_
                waiting.append((fragment.selection_set, on))
        return merged


class _Tally:
    """The sums of one root field.

    Attributes:
        names: the number of response names that lead to a leaf, by field path.
        items: bytes of an item of a list, under all its response names, by field path.
    """

    def __init__(self, size: AnswerSize) -> None:
        self._size = size
        self.names: Counter[tuple[str, ...]] = Counter()
        self.items: Counter[tuple[str, ...]] = Counter()

    def add(
        self, key: str, path: tuple[str, ...], merged: _Merged, *, in_list: bool = False, in_outcome: bool = False
    ) -> tuple[int, int]:
        """Count one response name with everything below.

        Returns:
            ``fixed`` and ``own`` of a ``Size``; of a list at the root, those of one item.
        """
        head = len(key) + _PUNCTUATION
        named = get_named_type(merged.type)
        is_list = is_list_type(get_nullable_type(merged.type))
        if not is_composite_type(named):
            self.names[path] += 1
            is_text = str(named) == "String"
            fixed = _PUNCTUATION if is_list or is_text else self._size.leaf
            own = _SDL if path[-1] == "sdl" else _OWN_MESSAGE if is_text else self._size.leaf
            return head + fixed, head + own
        fixed, own = _PUNCTUATION, _PUNCTUATION
        is_outcome = in_outcome or is_abstract_type(named)
        # A list at the root has one item for each call. The caller multiplies the result by the number of calls.
        is_list = is_list and len(path) > 1
        for (child_key, name), child in self._size._merge(merged.sets).items():  # noqa: SLF001 - its own helper
            child_fixed, child_own = self.add(
                child_key, (*path, name), child, in_list=in_list or is_list, in_outcome=is_outcome
            )
            fixed += child_fixed
            own += child_own
        if is_list and not in_list:
            self.items[path] += fixed
            fixed = _PUNCTUATION
        if in_outcome:
            own = _PUNCTUATION  # in the gateway's own errors, objects are null
        return head + fixed, head + own * (_OWN_ITEMS if is_list else 1)


def text_bytes_for_each_call(sizes: Iterable[tuple[Size, int]], echoed: int = 0) -> int:
    """Return the bytes of Wethod's text that each call may show, so that the answer keeps within ``MAX_ANSWER``.

    Args:
        sizes: each root field that runs, and its number of calls.
        echoed: bytes of the request's own values in the answer.
    """
    calls, names, item, fixed = 0, 1, 0, echoed
    for size, made in sizes:
        calls += made
        fixed += size.fixed * max(1, made)
        if made:
            names = max(names, size.names)
            item = max(item, size.item)
    if not calls:
        return MAX_TEXT_BYTES
    # One byte of text costs `names` bytes in the answer, or `item / ITEM_BYTES` in a list.
    bytes_per_item = max(names * ITEM_BYTES, item)
    fitting = (MAX_ANSWER - fixed) * ITEM_BYTES // (calls * bytes_per_item)
    return min(MAX_TEXT_BYTES, MAX_ALL_TEXT_BYTES // (calls * names), fitting)
