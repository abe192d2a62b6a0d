"""The rules that documents are validated by: graphql-core's, save those that take more than linear time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import (
    MaxIntrospectionDepthRule,
    NoSchemaIntrospectionCustomRule,
    NoUndefinedVariablesRule,
    NoUnusedVariablesRule,
    OverlappingFieldsCanBeMergedRule,
    VariablesInAllowedPositionRule,
    specified_rules,
)

from app.execution.introspection import IntrospectionDepthRule
from app.execution.merging import MergeableFieldsRule
from app.execution.uses import VariableUsesRule

if TYPE_CHECKING:
    from graphql import ASTValidationRule

REPLACED: dict[type[ASTValidationRule], type[ASTValidationRule]] = {
    OverlappingFieldsCanBeMergedRule: MergeableFieldsRule,
    NoUndefinedVariablesRule: VariableUsesRule,
    NoUnusedVariablesRule: VariableUsesRule,
    VariablesInAllowedPositionRule: VariableUsesRule,
    MaxIntrospectionDepthRule: IntrospectionDepthRule,
}
"""What stands for which of graphql-core's."""

RULES: tuple[type[ASTValidationRule], ...] = tuple(dict.fromkeys(REPLACED.get(rule, rule) for rule in specified_rules))
WITHOUT_INTROSPECTION = (*RULES, NoSchemaIntrospectionCustomRule)
