"""How deep, how wide and how large a document's selection sets are, in time linear in its text.

Fragments are measured once each, however often they are spread: a spread of spreads costs no more than its text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, OperationDefinitionNode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from graphql import DocumentNode, SelectionNode, SelectionSetNode

_COUNT_ONE = frozenset({"__schema", "__type"})


class Shape:
    """The measures of a document's selection sets, fragments unfolded.

    Each may raise RecursionError, for a document that is nested beyond what Python can follow.

    Attributes:
        operations: the operations of the document.
        depth: levels of fields in a selection set.
        root_fields: fields of a selection set itself.
        sdl: how often the SDL is asked for, in a selection set or below.
        selections: selections at every level, each as often as a spread brings it there.
    """

    def __init__(self, document: DocumentNode) -> None:
        self.operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        self.depth = _Measure(fragments, _level, _deepest).of
        self.root_fields = _Measure(fragments, _one, sum).of
        self.sdl = _Measure(fragments, _sdl, sum).of
        self.selections = _Measure(fragments, _with_nested, sum, fragment=1).of


class _Measure:
    """One number for each selection set, from the numbers of its selections.

    Args:
        fragments: those of the document.
        of_field: the number of a field, asked for with what measures its selection set.
        together: the number of several selections.
        fragment: what a fragment adds to the number of its selection set.
    """

    def __init__(
        self,
        fragments: dict[str, FragmentDefinitionNode],
        of_field: Callable[[FieldNode, Callable[[SelectionSetNode], int]], int],
        together: Callable[[Iterable[int]], int],
        *,
        fragment: int = 0,
    ) -> None:
        self._fragments = fragments
        self._of_field = of_field
        self._together = together
        self._of_fragment = fragment
        self._known: dict[str, int] = {}

    def of(self, selection_set: SelectionSetNode) -> int:
        return self._together(map(self._of_selection, selection_set.selections))

    def _of_selection(self, selection: SelectionNode) -> int:
        if isinstance(selection, FieldNode):
            return self._of_field(selection, self.of)
        if isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name not in self._known:
                self._known[name] = 0  # a cycle ends here; validation refuses it
                fragment = self._fragments.get(name)
                self._known[name] = self.of(fragment.selection_set) if fragment else 0
            return self._of_fragment + self._known[name]
        return self._of_fragment + self.of(selection.selection_set)  # type: ignore[attr-defined]  # an inline fragment has one


def _level(field: FieldNode, measure: Callable[[SelectionSetNode], int]) -> int:
    """Levels of fields; ``__schema`` and ``__type`` count one with all that is in them."""
    nested = field.selection_set
    return 1 if nested is None or field.name.value in _COUNT_ONE else 1 + measure(nested)


def _deepest(levels: Iterable[int]) -> int:
    return max(levels, default=0)


def _one(_field: FieldNode, _measure: Callable[[SelectionSetNode], int]) -> int:
    """Fields of the selection set itself."""
    return 1


def _sdl(field: FieldNode, measure: Callable[[SelectionSetNode], int]) -> int:
    """Fields of that name."""
    return (field.name.value == "sdl") + (0 if field.selection_set is None else measure(field.selection_set))


def _with_nested(field: FieldNode, measure: Callable[[SelectionSetNode], int]) -> int:
    """Selections at every level."""
    return 1 if field.selection_set is None else 1 + measure(field.selection_set)
