"""The root fields of an operation: the arguments, the resolver and the projection of each."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from graphql import (
    GraphQLScalarType,
    OperationType,
    VariableNode,
    get_argument_values,
    get_nullable_type,
    is_non_null_type,
    is_specified_scalar_type,
)
from graphql.language import BooleanValueNode, FloatValueNode, IntValueNode, StringValueNode
from graphql.pyutils import Undefined
from graphql.utilities import coerce_input_literal
from graphql.utilities.coerce_input_value import coerce_default_value

from app.execution.delegation import Raised
from app.execution.graphql_core import info_factory
from app.execution.projection import UnprojectableError, projector
from app.execution.strawberry_types import (
    Resolver,
    StrawberryInfo,
    declared_calls,
    has_default_configuration,
    resolver_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graphql import (
        FieldNode,
        GraphQLArgument,
        GraphQLField,
        GraphQLObjectType,
        GraphQLResolveInfo,
        OperationDefinitionNode,
        ValueNode,
    )

    from app.execution.graphql_core import Variables
    from app.execution.projection import Convert
    from app.execution.selection_set import Selections

_SCALARS = (BooleanValueNode, FloatValueNode, IntValueNode, StringValueNode)


class _Source(NamedTuple):
    """The source of an argument: a variable or a constant.

    Attributes:
        keyword: the name of the resolver's parameter.
        variable: the variable that the document passes; None for a literal.
        value: the literal's value, or the default if the variable has no value; ``Undefined`` for none.
    """

    keyword: str
    variable: str | None
    value: object


class RootField:
    """A root field under one response name.

    Args:
        key: the response name.
        field: its definition.
        nodes: the nodes that select it; the first one has the arguments.
        resolver: the function behind it.
        info: makes the info of its resolver.
        project: projects its value.
        default_calls: the number of its calls of Wethod, unless it declares another.
        hide_suggestions: messages leave out names of the schema that the client did not write.

    Attributes:
        key: the response name.
        is_async: the resolver is a coroutine function.
        counted: the keyword of the argument whose length is the number of calls; None for a fixed number.
    """

    def __init__(
        self,
        key: str,
        field: GraphQLField,
        nodes: list[FieldNode],
        *,
        resolver: Resolver,
        info: Callable[[Variables, object], GraphQLResolveInfo[Any]],
        project: Convert,
        default_calls: int,
        hide_suggestions: bool,
    ) -> None:
        self.key = key
        self.project = project
        self._field = field
        self._node = nodes[0]
        self._names = resolver.names
        self._function = resolver.function
        self._info_keyword = resolver.info
        self._definition = resolver.definition
        self.is_async = resolver.is_async
        self._info = info
        self._hide_suggestions = hide_suggestions
        declared = declared_calls(field)
        self._calls = declared if isinstance(declared, int) else default_calls
        self.counted = resolver.names[declared] if isinstance(declared, str) else None
        given = {argument.name.value: argument.value for argument in self._node.arguments or ()}
        sources = [_source(resolver.names[name], argument, given.get(name)) for name, argument in field.args.items()]
        self._sources = None if None in sources else tuple(cast("list[_Source]", sources))

    def arguments(self, variables: Variables) -> dict[str, Any]:
        """Coerce the arguments, by keyword.

        Raises:
            GraphQLError: one of them is wrong.
        """
        if self._sources is None:
            values = get_argument_values(self._field, self._node, variables, None, self._hide_suggestions)
            return {self._names[name]: value for name, value in values.items()}
        coerced = variables.coerced
        arguments: dict[str, Any] = {}
        for keyword, variable, value in self._sources:
            if variable is not None and variable in coerced:
                arguments[keyword] = coerced[variable]
            elif value is not Undefined:
                arguments[keyword] = value
        return arguments

    def calls(self, arguments: dict[str, Any]) -> int:
        """Count the calls of Wethod that the field makes."""
        return self._calls if self.counted is None else len(arguments.get(self.counted) or ())

    def call(self, arguments: dict[str, Any], variables: Variables, context: object) -> Any:
        """Call the resolver once. If ``is_async``, return its coroutine."""
        if self._info_keyword is not None:
            arguments[self._info_keyword] = StrawberryInfo(self._info(variables, context), self._definition)
        return self._function(**arguments)

    async def resolve(self, arguments: dict[str, Any], variables: Variables, context: object) -> object:
        """Call the resolver once, and return its value or ``Raised``."""
        try:
            value = self.call(arguments, variables, context)
            return await value if self.is_async else value
        except Exception as error:  # noqa: BLE001 - whatever a resolver raises belongs in the answer
            return Raised(error)


def _unprojected(*_: object, **__: object) -> Any:
    """Raise, in place of a missing resolver or projection: graphql-core then executes the field."""
    raise UnprojectableError


def _source(keyword: str, definition: GraphQLArgument, node: ValueNode | None) -> _Source | None:
    """Find where an argument comes from; None if only graphql-core can coerce it."""
    if node is None or isinstance(node, VariableNode):
        return _Source(keyword, node.name.value if node is not None else None, coerce_default_value(definition))
    type_ = get_nullable_type(definition.type)
    if isinstance(node, _SCALARS) and isinstance(type_, GraphQLScalarType) and is_specified_scalar_type(type_):
        return _Source(keyword, None, coerce_input_literal(node, definition.type))
    return None


class RootFields:
    """The root fields of an operation, under one choice of its ``@skip`` and ``@include``.

    Args:
        selections: the selection sets of the operation.
        definition: the operation.
        root_type: the type that its root fields belong to.
        hide_suggestions: messages leave out names of the schema that the client did not write.

    Attributes:
        fields: the fields in the order in which they are called, ``__typename`` left out.
        typenames: the response names of ``__typename``.
        is_projected: every field can be projected; otherwise graphql-core executes the operation.
        is_concurrent: several resolvers run at the same time; not in a mutation (GraphQL §6.2.2).
        counted: the number of calls of a field depends on its arguments.
        max_text_bytes: bytes of Wethod's text that each call may show, if the number of calls is fixed.
    """

    def __init__(
        self,
        selections: Selections,
        definition: OperationDefinitionNode,
        root_type: GraphQLObjectType,
        *,
        hide_suggestions: bool,
    ) -> None:
        self._selections = selections
        self._definition = definition
        self._root_type = root_type
        self._hide_suggestions = hide_suggestions
        self._blank: dict[str, Any] = {}
        self.is_projected = has_default_configuration(selections.schema)
        fields: list[RootField] = []
        typenames: list[str] = []
        for key, nodes in selections.collect([definition.selection_set], root_type).items():
            name = nodes[0].name.value
            self._blank[key] = root_type.name if name == "__typename" else None
            if name == "__typename":
                typenames.append(key)
                continue
            field = selections.schema.get_field(root_type, name)
            if field is not None:
                fields.append(self._plan(key, field, nodes))
        is_query = definition.operation is OperationType.QUERY
        if is_query:
            # As graphql-core does, call every synchronous resolver before an asynchronous one starts.
            fields.sort(key=lambda field: field.is_async)
        self.fields = tuple(fields)
        self.typenames = tuple(typenames)
        self.counted = any(field.counted is not None for field in fields)
        self.is_concurrent = is_query and sum(field.is_async for field in fields) > 1
        self.max_text_bytes = 0

    def _plan(self, key: str, field: GraphQLField, nodes: list[FieldNode]) -> RootField:
        # If a non-null field fails, it erases the results of the others: graphql-core handles that.
        delegated = is_non_null_type(field.type)
        resolver = None if delegated else resolver_of(field)
        project: Convert = _unprojected
        if resolver is None:
            resolver = Resolver(_unprojected, is_async=False, names={name: name for name in field.args})
        else:
            with suppress(UnprojectableError):
                project = projector(self._selections, field.type, nodes)
        self.is_projected = self.is_projected and project is not _unprojected
        return RootField(
            key,
            field,
            nodes,
            resolver=resolver,
            info=info_factory(
                self._selections.schema,
                self._selections.fragments,
                self._definition,
                self._root_type,
                key=key,
                nodes=nodes,
                return_type=field.type,
            ),
            project=project,
            default_calls=int(self._definition.operation is OperationType.MUTATION),
            hide_suggestions=self._hide_suggestions,
        )

    def project(self, outcomes: Mapping[str, object]) -> dict[str, Any]:
        """Project the values of all fields.

        Raises:
            Exception: a value does not fit, or a resolver raised.
        """
        data = self._blank.copy()
        for field in self.fields:
            data[field.key] = field.project(outcomes[field.key])
        return data
