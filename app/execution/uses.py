"""Which variables a document's operations use, told in linear time.

graphql-core gathers the uses of each operation anew, through all fragments that it reaches: fifty operations over one
fragment look at it fifty times. Here what a fragment uses is a set, made once from those of the fragments it spreads.
"""

from __future__ import annotations

from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import (
    SKIP,
    GraphQLError,
    Undefined,
    ValidationRule,
    is_input_object_type,
    is_nullable_type,
    type_from_ast,
)
from graphql.validation.rules.variables_in_allowed_position import allowed_variable_usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import (
        FragmentDefinitionNode,
        GraphQLInputObjectType,
        GraphQLInputType,
        OperationDefinitionNode,
        ValidationContext,
        VariableDefinitionNode,
        VariableNode,
        VisitorAction,
    )


class Use(NamedTuple):
    """A variable in a place of one kind; all places of the kind take the same variables.

    Attributes:
        name: of the variable.
        type: what the place takes; None where that is not known.
        has_default: whether the place has a default of its own.
        one_of: the input object whose only field the place is.
    """

    name: str
    type: GraphQLInputType | None
    has_default: bool
    one_of: GraphQLInputObjectType | None


@dataclass(frozen=True, slots=True)
class Definition:
    """An operation or a fragment.

    Attributes:
        uses: its own uses, each with the first place.
        bits: those uses as a set of bits.
        spreads: the names of the fragments that it spreads.
    """

    uses: dict[Use, VariableNode]
    bits: int
    spreads: tuple[str, ...]


class VariableUsesRule(ValidationRule):
    """Every variable that an operation uses is defined, and may stand there; every one that it defines is used.

    Takes and refuses what graphql-core's ``NoUndefinedVariablesRule``, ``NoUnusedVariablesRule`` and
    ``VariablesInAllowedPositionRule`` together take and refuse, in the same words; a use is told once an operation.
    Fragments have no variables of their own here: that is an experiment that the parser does not take part in.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._operations: list[tuple[OperationDefinitionNode, Definition]] = []
        self._fragments: dict[str, Definition] = {}
        self._bits: dict[Use, int] = {}
        self._by_name: dict[str, list[Use]] = {}

    def enter_operation_definition(self, node: OperationDefinitionNode, *_args: Any) -> VisitorAction:
        """Note what it uses and spreads."""
        self._operations.append((node, self._definition(node)))
        return SKIP

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_args: Any) -> VisitorAction:
        """Note what it uses and spreads."""
        self._fragments[node.name.value] = self._definition(node)
        return SKIP

    def _definition(self, node: OperationDefinitionNode | FragmentDefinitionNode) -> Definition:
        uses: dict[Use, VariableNode] = {}
        bits = 0
        for variable, type_, parent, default, _ in self.context.get_variable_usages(node):
            one_of = parent if is_input_object_type(parent) and parent.is_one_of else None
            use = Use(variable.name.value, type_, default is not Undefined, one_of)
            if use not in self._bits:
                self._bits[use] = 1 << len(self._bits)
                self._by_name.setdefault(use.name, []).append(use)
            uses.setdefault(use, variable)
            bits |= self._bits[use]
        spreads = self.context.get_fragment_spreads(node.selection_set)
        return Definition(uses, bits, tuple(dict.fromkeys(spread.name.value for spread in spreads)))

    def leave_document(self, *_args: Any) -> None:
        """Tell what is wrong. Of a document with a fragment in itself nothing is told: it is refused for that."""
        reached: dict[str, int] = {}
        graph = {name: fragment.spreads for name, fragment in self._fragments.items()}
        try:
            for name in TopologicalSorter(graph).static_order():
                fragment = self._fragments.get(name)
                reached[name] = self._with_spread(fragment, reached) if fragment else 0
        except CycleError:
            return
        for node, operation in self._operations:
            used = self._with_spread(operation, reached)
            self._tell_undefined(node, operation, used)
            for definition in node.variable_definitions or ():
                self._tell_misplaced(node, operation, used, definition)

    @staticmethod
    def _with_spread(definition: Definition, reached: dict[str, int]) -> int:
        """The uses of a definition and of all the fragments below it."""
        bits = definition.bits
        for name in definition.spreads:
            bits |= reached[name]
        return bits

    def _tell_undefined(self, node: OperationDefinitionNode, operation: Definition, used: int) -> None:
        left = used
        for definition in node.variable_definitions or ():
            for use in self._by_name.get(definition.variable.name.value, ()):
                left &= ~self._bits[use]
        if not left:
            return
        for name, uses in self._by_name.items():
            place = next((use for use in uses if self._bits[use] & left), None)
            if place:
                by = f" by operation '{node.name.value}'" if node.name else ""
                self.report_error(
                    GraphQLError(f"Variable '${name}' is not defined{by}.", [self._place(operation, place), node])
                )

    def _tell_misplaced(
        self, node: OperationDefinitionNode, operation: Definition, used: int, definition: VariableDefinitionNode
    ) -> None:
        name = definition.variable.name.value
        uses = [use for use in self._by_name.get(name, ()) if self._bits[use] & used]
        if not uses:
            of = f" in operation '{node.name.value}'" if node.name else ""
            self.report_error(GraphQLError(f"Variable '${name}' is never used{of}.", definition))
        schema = self.context.schema
        type_ = type_from_ast(schema, definition.type)
        for use in uses:
            if type_ is None or use.type is None:
                continue
            default = None if use.has_default else Undefined
            if not allowed_variable_usage(schema, type_, definition.default_value, use.type, default):
                message = f"Variable '${name}' of type '{type_}' used in position expecting type '{use.type}'."
                self.report_error(GraphQLError(message, [definition, self._place(operation, use)]))
            if use.one_of and is_nullable_type(type_):
                message = (
                    f"Variable '${name}' is of type '{type_}' but must be non-nullable to be used for OneOf"
                    f" Input Object '{use.one_of}'."
                )
                self.report_error(GraphQLError(message, [definition, self._place(operation, use)]))

    def _place(self, operation: Definition, use: Use) -> VariableNode:
        """The first place of a use that an operation reaches."""
        return next(found.uses[use] for found in self._reached(operation) if use in found.uses)

    def _reached(self, operation: Definition) -> Iterator[Definition]:
        yield operation
        names = dict.fromkeys(operation.spreads)
        waiting = list(names)
        while waiting:
            fragment = self._fragments.get(waiting.pop(0))
            if fragment:
                yield fragment
                waiting += [name for name in fragment.spreads if name not in names]
                names.update(dict.fromkeys(fragment.spreads))
