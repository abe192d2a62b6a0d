"""Whether fields of the same response name can be merged (GraphQL §5.3.2), told in linear time.

graphql-core compares the fields of a response name with each other in pairs, and pairs of pairs below them: a hundred
repeats of one field took 0.1 s. Here each field is compared with the first one of its group, as Simon Adeimeit
proposed (2018) and graphql-java does. For two fields of one response name

- the fields below them must be able to merge, and they must have the same name and arguments, unless their parents are
  two object types: no value is of both (``_tell_ambiguous``);
- the same must hold of the shape of their types always, a leaf type standing for itself (``_tell_misshapen``).

What both relations join is joined transitively once fields are grouped by their parents, so the first stands for all.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, NamedTuple

from graphql import (
    SKIP,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    ValidationRule,
    get_named_type,
    is_interface_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    type_from_ast,
)

from app.execution.values import value_key

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator
    from typing import Any, TypeAlias

    from graphql import (
        GraphQLNamedType,
        GraphQLOutputType,
        OperationDefinitionNode,
        SelectionSetNode,
        ValidationContext,
        VisitorAction,
    )

    Groups: TypeAlias = dict[str, list["Selected"]]


class Selected(NamedTuple):
    """A field as a place of the document selects it.

    Attributes:
        node: the field.
        parent: the type that it is selected on; None where the document names one that there is not.
        type: what it returns; None where the parent has no such field.
        owner: the field that it is selected of; None at the root.
    """

    node: FieldNode
    parent: GraphQLNamedType | None
    type: GraphQLOutputType | None
    owner: Selected | None


class MergeableFieldsRule(ValidationRule):
    """Fields of the same response name can be merged.

    Takes and refuses what graphql-core's ``OverlappingFieldsCanBeMergedRule`` takes and refuses, of documents that the
    other rules have nothing against; tells one conflict a response name at most, in the same words. Linear in the
    unfolded document, which ``check_shape`` bounds. ``@stream``, which the schema does not have, is not looked at.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._arguments: dict[int, Hashable] = {}
        self._told: set[tuple[int, int]] = set()
        self._cyclic = _is_cyclic(context)

    def enter_operation_definition(self, node: OperationDefinitionNode, *_args: Any) -> VisitorAction:
        """Check all that the operation selects. A document with a fragment in itself has no end, and is refused."""
        if not self._cyclic:
            fields: Groups = {}
            self._collect(node.selection_set, self.context.schema.get_root_type(node.operation), None, fields, set())
            if not self._tell_ambiguous(fields):
                self._tell_misshapen(fields)
        return SKIP

    def enter_fragment_definition(self, *_args: Any) -> VisitorAction:
        """Fragments are checked where operations spread them; one that none spreads is refused."""
        return SKIP

    def _collect(
        self,
        selection_set: SelectionSetNode,
        parent: GraphQLNamedType | None,
        owner: Selected | None,
        into: Groups,
        spread: set[str],
    ) -> None:
        """Group the fields of a selection set by their response names, fragments unfolded, each of them once."""
        schema = self.context.schema
        fields = parent.fields if is_object_type(parent) or is_interface_type(parent) else {}
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                name = selection.name.value
                definition = fields.get(name)  # __typename is never there, nor with graphql-core
                into.setdefault(selection.alias.value if selection.alias else name, []).append(
                    Selected(selection, parent, definition.type if definition else None, owner)
                )
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                fragment = None if name in spread else self.context.get_fragment(name)
                if fragment:
                    spread.add(name)
                    on = type_from_ast(schema, fragment.type_condition)
                    self._collect(fragment.selection_set, on, owner, into, spread)
            else:
                condition = selection.type_condition  # type: ignore[attr-defined]  # an inline fragment
                on = type_from_ast(schema, condition) if condition else parent
                self._collect(selection.selection_set, on, owner, into, spread)  # type: ignore[attr-defined]

    def _nested(self, fields: Iterable[Selected]) -> Groups:
        """The fields below all of these together."""
        into: Groups = {}
        spread: set[str] = set()
        for field in fields:
            if field.node.selection_set:
                self._collect(field.node.selection_set, get_named_type(field.type), field, into, spread)
        return into

    def _tell_ambiguous(self, groups: Groups) -> bool:
        """Tell fields that would answer differently under one name; whether there are any."""
        told = False
        for fields in groups.values():
            for together in _by_parent(fields):
                first = together[0]
                name, arguments = first.node.name.value, self._argument_key(first.node)
                for other in together:
                    if other.node.name.value != name:
                        reason = f"'{name}' and '{other.node.name.value}' are different fields"
                    elif self._argument_key(other.node) != arguments:
                        reason = "they have differing arguments"
                    else:
                        continue
                    self._tell(first, other, reason)
                    told = True
                    break
                else:
                    told = self._tell_ambiguous(self._nested(together)) or told
        return told

    def _tell_misshapen(self, groups: Groups) -> None:
        """Tell fields whose answers would have different shapes under one name."""
        for fields in groups.values():
            known = [field for field in fields if field.type]
            shape = _shape(known[0].type) if known else None
            for other in known:
                if other.type is not known[0].type and _shape(other.type) != shape:
                    types = f"'{known[0].type}' and '{other.type}'"
                    self._tell(known[0], other, f"they return conflicting types {types}")
                    break
            else:
                self._tell_misshapen(self._nested(fields))

    def _argument_key(self, node: FieldNode) -> Hashable:
        if not node.arguments:
            return None
        key = self._arguments.get(id(node))
        if key is None:
            key = frozenset((argument.name.value, value_key(argument.value)) for argument in node.arguments)
            self._arguments[id(node)] = key
        return key

    def _tell(self, first: Selected, other: Selected, reason: str) -> None:
        """Report a conflict once, from where the ways to the two fields part."""
        if (id(first.node), id(other.node)) in self._told:
            return  # another operation spreads the same fragment, or another object type has the same interface
        self._told.add((id(first.node), id(other.node)))
        ways: list[tuple[Selected, Selected]] = [(first, other)]
        while first.owner is not other.owner and first.owner and other.owner:
            reason = f"subfields '{_response_name(first.node)}' conflict because {reason}"
            first, other = first.owner, other.owner
            ways.append((first, other))
        self.report_error(
            GraphQLError(
                f"Fields '{_response_name(first.node)}' conflict because {reason}."
                " Use different aliases on the fields to fetch both if this was intentional.",
                [way[0].node for way in reversed(ways)] + [way[1].node for way in reversed(ways)],
            )
        )


def _is_cyclic(context: ValidationContext) -> bool:
    """Whether a fragment is spread within itself."""
    spreads = {
        definition.name.value: [spread.name.value for spread in context.get_fragment_spreads(definition.selection_set)]
        for definition in context.document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    try:
        TopologicalSorter(spreads).prepare()
    except CycleError:
        return True
    return False


def _by_parent(fields: list[Selected]) -> Iterator[list[Selected]]:
    """The fields that one value can have together: those of each object type with those of interfaces and unions."""
    anywhere = [field for field in fields if not is_object_type(field.parent)]
    if len(anywhere) == len(fields):
        yield fields
        return
    of_type: dict[GraphQLNamedType | None, list[Selected]] = {}
    for field in fields:
        if is_object_type(field.parent):
            of_type.setdefault(field.parent, []).append(field)
    for alone in of_type.values():
        yield [*anywhere, *alone]


def _shape(type_: GraphQLOutputType | None) -> tuple[str, object]:
    """What two types must have in common (§5.3.2, *SameResponseShape*)."""
    wrappers = ""
    while True:
        if is_non_null_type(type_):
            wrappers += "!"
        elif is_list_type(type_):
            wrappers += "["
        else:
            return wrappers, type_ if is_leaf_type(type_) else None
        type_ = type_.of_type


def _response_name(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value
