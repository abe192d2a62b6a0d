"""A rule that is wrong anywhere is found out by the cases."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from graphql import (
    NoUndefinedVariablesRule,
    NoUnusedVariablesRule,
    OverlappingFieldsCanBeMergedRule,
    VariablesInAllowedPositionRule,
    parse,
    validate,
)

from tests.validation.schemas import MEETING
from tests.validation.test_merging import CONFLICTS, MERGED
from tests.validation.test_uses import USES

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change to one module."""

    module: str
    old: str
    new: str


MUTANTS = {
    "faithful": None,
    "parents-of-two-types-may-meet": Mutant(
        "merging", "of_type.setdefault(field.parent, [])", "of_type.setdefault(None, [])"
    ),
    "interfaces-meet-no-type": Mutant("merging", "yield [*anywhere, *alone]", "yield alone"),
    "the-first-type-alone": Mutant("merging", "in of_type.values()", "in [*of_type.values()][:1]"),
    "names-may-differ": Mutant("merging", "if other.node.name.value != name:", "if False:"),
    "arguments-may-differ": Mutant("merging", "elif self._argument_key(other.node) != arguments:", "elif False:"),
    "arguments-have-no-names": Mutant(
        "merging", "(argument.name.value, value_key(argument.value))", "value_key(argument.value)"
    ),
    "nothing-below-is-ambiguous": Mutant(
        "merging", "told = self._tell_ambiguous(self._nested(together)) or told", "pass"
    ),
    "nothing-below-is-misshapen": Mutant("merging", "self._tell_misshapen(self._nested(fields))", "pass"),
    "only-the-first-is-looked-below": Mutant(
        "merging", "if field.node.selection_set:", "if field.node.selection_set and not into:"
    ),
    "lists-are-no-shape": Mutant("merging", 'wrappers += "["', "pass"),
    "non-null-is-no-shape": Mutant("merging", 'wrappers += "!"', "pass"),
    "leaves-are-no-shape": Mutant("merging", "type_ if is_leaf_type(type_) else None", "None"),
    "objects-are-a-shape": Mutant("merging", "type_ if is_leaf_type(type_) else None", "type_"),
    "fragments-are-not-unfolded": Mutant(
        "merging", "None if name in spread else self.context.get_fragment(name)", "None"
    ),
    "conditions-are-not-looked-at": Mutant(
        "merging", "type_from_ast(schema, condition) if condition else parent", "parent"
    ),
    "aliases-are-not-looked-at": Mutant("merging", "selection.alias.value if selection.alias else name", "name"),
    "told-at-the-bottom": Mutant("merging", "while first.owner is not other.owner and", "while False and"),
    "told-at-the-top": Mutant("merging", "while first.owner is not other.owner and", "while"),
    "block-strings-are-strings": Mutant("values", "bool(node.block)", "True"),
    "objects-have-an-order": Mutant("values", "frozenset((field", "tuple((field"),
    "lists-are-sets": Mutant(
        "values", "(ListValueNode, *map(value_key, node.values))", "(ListValueNode, *{*map(value_key, node.values)})"
    ),
    "variables-are-the-same": Mutant("values", "(VariableNode, node.name.value)", "(VariableNode,)"),
    "fragments-use-nothing": Mutant("uses", "bits |= reached[name]", "pass"),
    "defaults-of-places-do-not-count": Mutant("uses", "None if use.has_default else Undefined", "Undefined"),
    "places-have-a-default": Mutant("uses", "None if use.has_default else Undefined", "None"),
    "one-of-may-be-null": Mutant("uses", "if use.one_of and", "if False and"),
    "any-object-is-one-of": Mutant("uses", "and parent.is_one_of", ""),
    "any-use-is-a-use": Mutant("uses", "if self._bits[use] & used]", "]"),
    "uses-share-a-bit": Mutant("uses", "1 << len(self._bits)", "1"),
    "names-share-their-uses": Mutant("uses", "variable.name.value, type_,", '"v", type_,'),
    "defaults-of-variables-do-not-count": Mutant("uses", "definition.default_value, use.type", "None, use.type"),
}


def mutated(mutant: Mutant | None, wanted: str) -> Any:
    """A module with a mutant in it, and what it imports of ours made of its mutant, too."""
    modules: dict[str, ModuleType] = {}
    for name in ("values", "merging", "uses"):
        source = Path(str(import_module(f"app.execution.{name}").__file__)).read_text(encoding="utf-8")
        if mutant and mutant.module == name:
            assert source.count(mutant.old) == 1, "a mutant must fit the module it is written for"
            source = source.replace(mutant.old, mutant.new)
        module = ModuleType(f"mutated_{name}")
        sys.modules[module.__name__] = module
        exec(compile(source.replace("app.execution.", "mutated_"), name, "exec"), module.__dict__)  # noqa: S102 - our own source
        modules[name] = module
    for module in modules.values():
        del sys.modules[module.__name__]
    return modules[wanted]


def merging_differs(mutant: Mutant | None) -> bool:
    """Whether the cases of fields that meet are told otherwise than by graphql-core."""
    rule = mutated(mutant, "merging").MergeableFieldsRule
    for text in [*MERGED.values(), *(text for text, _ in CONFLICTS.values())]:
        document = parse(text)
        expected = [error.message for error in validate(MEETING, document, [OverlappingFieldsCanBeMergedRule])]
        errors = [error.message for error in validate(MEETING, document, [rule])]
        if bool(errors) != bool(expected) or not set(errors) <= set(expected):
            return True
    return False


def uses_differ(mutant: Mutant | None) -> bool:
    """Whether the cases of variables are told otherwise than by graphql-core."""
    rule = mutated(mutant, "uses").VariableUsesRule
    rules = (NoUndefinedVariablesRule, NoUnusedVariablesRule, VariablesInAllowedPositionRule)
    for text in USES.values():
        document = parse(text)
        expected = {error.message for error in validate(MEETING, document, rules)}
        try:
            if {error.message for error in validate(MEETING, document, [rule])} != expected:
                return True
        except StopIteration:
            return True  # it is sure of a use that it cannot find
    return False


DIFFERS: dict[str, Callable[[Mutant | None], bool]] = {
    "merging": merging_differs,
    "values": merging_differs,
    "uses": uses_differ,
}


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_a_mutant_is_found_out(mutant: Mutant | None) -> None:
    """The cases find every mutant and nothing in a faithful copy; one that survives shows a hole in them."""
    if mutant is None:
        assert not any(differs(None) for differs in DIFFERS.values())
    else:
        assert DIFFERS[mutant.module](mutant)
