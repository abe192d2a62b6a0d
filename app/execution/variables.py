"""The variables of an operation: every mistake in their values is found before a resolver runs (GraphQL §6.1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    TypeInfo,
    ValidationContext,
    get_nullable_type,
    get_variable_values,
    is_leaf_type,
    is_non_null_type,
)
from graphql.pyutils import Undefined
from graphql.utilities import coerce_input_literal

from app.execution.graphql_core import Variables, VariableSource, signature_of
from app.execution.request_error import ErrorCode, RequestError, max_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode, VariableDefinitionNode

    from app.execution.graphql_core import Signature


class _Scalar(NamedTuple):
    """A variable whose type is a scalar or an enum.

    Attributes:
        default: its value if the request has none; ``Undefined`` for no default.
        nullable: null is allowed.
    """

    name: str
    signature: Signature
    coerce: Callable[[Any], Any]
    default: object
    nullable: bool


class VariableCoercion:
    """The coercion of the variables of one operation.

    Args:
        schema: the schema that validated the document.
        document: the whole document.
        operation: the operation.
        hide_suggestions: messages leave out names of the schema that the client did not write.

    Attributes:
        booleans: the names of the Boolean variables, non-null or not.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        *,
        hide_suggestions: bool,
    ) -> None:
        self._schema = schema
        self._nodes = tuple(operation.variable_definitions or ())
        signatures = [signature_of(schema, node) for node in self._nodes]
        self.booleans = tuple(each.name for each in signatures if get_nullable_type(each.type) is GraphQLBoolean)
        self._hide_suggestions = hide_suggestions
        self._max_errors = max_errors(document.loc.source.body if document.loc else "")
        variables = list(zip(self._nodes, signatures, strict=True))
        nullable = {signature.name: node for node, signature in variables if not is_non_null_type(signature.type)}
        self._never_null = _used_as_non_null(schema, document, operation, nullable)
        scalars = [_scalar(node, signature, self._never_null) for node, signature in variables]
        self._scalars = None if None in scalars else tuple(cast("list[_Scalar]", scalars))

    def coerce(self, given: Mapping[str, object]) -> Variables:
        """Coerce the values of one request. Values of variables that the operation does not have are ignored.

        Raises:
            RequestError: ``BAD_USER_INPUT``, for a value that is missing, of the wrong type, or null where the
                operation uses the variable in a place that does not take null.
        """
        if self._scalars is None:
            return self._coerce_any(given)
        new, sources, coerced = tuple.__new__, {}, {}
        for name, signature, coerce, default, nullable in self._scalars:
            value = given.get(name, Undefined)
            sources[name] = new(VariableSource, (signature, value))
            if value is Undefined:
                if default is not Undefined:
                    coerced[name] = default
                elif not nullable:
                    return self._coerce_any(given)
                continue
            if value is None:
                if not nullable:
                    return self._coerce_any(given)
                coerced[name] = None
                continue
            try:
                value = coerced[name] = coerce(value)
            except Exception:  # noqa: BLE001 - a scalar may raise anything; graphql-core writes the message
                return self._coerce_any(given)
            if value is Undefined:
                return self._coerce_any(given)
        return new(Variables, (sources, coerced))

    def _coerce_any(self, given: Mapping[str, object]) -> Variables:
        """Coerce by graphql-core, which writes the messages."""
        errors = [
            GraphQLError(f"Variable '${name}' must not be null where the operation uses it.", node)
            for name, node in self._never_null.items()
            if name in given and given[name] is None
        ]
        coerced = get_variable_values(
            self._schema,
            self._nodes,
            cast("dict[str, Any]", given),
            max_errors=self._max_errors,
            hide_suggestions=self._hide_suggestions,
        )
        if isinstance(coerced, list):
            errors += coerced
        if errors or isinstance(coerced, list):
            raise RequestError(ErrorCode.BAD_USER_INPUT, errors[: self._max_errors + 1])
        return coerced


def _used_as_non_null(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    nullable: Mapping[str, VariableDefinitionNode],
) -> dict[str, VariableDefinitionNode]:
    """Find the nullable variables that are used where null is not allowed.

    GraphQL accepts them if the variable or the place has a default (§5.8.5), which an explicit null bypasses. By §6.4.1
    the field then fails, perhaps after another resolver has changed something (docs/adr/0020-variables.md).
    """
    if not nullable:
        return {}
    context = ValidationContext(schema, document, TypeInfo(schema), lambda _error: None)
    return {
        name: nullable[name]
        for usage in context.get_recursive_variable_usages(operation)
        if is_non_null_type(usage.type) and (name := usage.node.name.value) in nullable
    }


def _scalar(node: VariableDefinitionNode, signature: Signature, never_null: Container[str]) -> _Scalar | None:
    """Make the fast path of one variable; None if its type has no fast path."""
    leaf = get_nullable_type(signature.type)
    if not is_leaf_type(leaf):
        return None
    default = Undefined if node.default_value is None else coerce_input_literal(node.default_value, signature.type)
    nullable = not is_non_null_type(signature.type) and signature.name not in never_null
    return _Scalar(signature.name, signature, leaf.coerce_input_value, default, nullable)
