"""The plan of one operation: made once, run any number of times."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
from graphql import ExecutionResult, GraphQLError, OperationType

from app.execution.answer_size import MIN_WORDS, AnswerSize, words_for_each_call
from app.execution.delegation import Raised, delegate
from app.execution.request_error import ErrorCode, RequestError
from app.execution.root_field import RootFields
from app.execution.selection_set import Selections, UnknownDirectiveError, condition_variables, fragments_of
from app.execution.strawberry_types import has_default_configuration
from app.execution.variables import VariableCoercion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode


MAX_CALLS = 100
MAX_CHOICES = 8
"""How many choices of ``@skip`` and ``@include`` a plan keeps; it plans further ones for each request."""


class Coerced(msgspec.Struct, frozen=True):
    """The values of one request, and what they will cost.

    Attributes:
        max_words: bytes of words that each call of Wethod may show.
        calls: how many calls of Wethod the operation makes.
    """

    max_words: int
    calls: int
    given: Any
    variables: Any
    fields: Any
    arguments: Any


class Plan:
    """One operation of a valid document.

    Args:
        schema: the schema that validated the document.
        document: the whole document.
        definition: the operation.
        hide_suggestions: messages leave out names of the schema that the client did not write.
        max_calls: the most calls of Wethod that the operation may make.
        projected: False runs it on graphql-core, to compare with.

    Attributes:
        operation: the operation's type.
        kind: the same as text: ``query`` or ``mutation``.
        definition: the operation.
        choices: how many choices of ``@skip`` and ``@include`` it keeps, at most.
        own_bytes: bytes of the answer to a caller without a usable token, at most.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        definition: OperationDefinitionNode,
        *,
        hide_suggestions: bool,
        max_calls: int = MAX_CALLS,
        projected: bool = True,
    ) -> None:
        root_type = schema.get_root_type(definition.operation)
        if root_type is None:
            raise RequestError(
                ErrorCode.OPERATION_RESOLUTION_FAILURE, f"The schema has no {definition.operation.value} operations."
            )
        self.operation: OperationType = definition.operation
        self.kind: str = definition.operation.value
        self._schema = schema
        self._document = document
        self.definition = definition
        self._root_type = root_type
        self._hide_suggestions = hide_suggestions
        self._max_calls = max_calls
        self._fragments = fragments_of(document)
        self._coercion = VariableCoercion(schema, document, definition, hide_suggestions=hide_suggestions)
        self._sizes = AnswerSize(schema, self._fragments).measure(definition.selection_set, root_type)
        self.own_bytes = sum(size.own for size in self._sizes.values())
        self._projected = projected and has_default_configuration(schema)
        try:
            self._conditions = condition_variables(definition, self._fragments)
        except UnknownDirectiveError:
            self._conditions = ()
            self._projected = False
        self.choices = min(2 ** len(self._conditions), MAX_CHOICES)
        self._planned: dict[tuple[bool, ...], RootFields] = {}

    def coerce(self, given: Mapping[str, object]) -> Coerced:
        """Coerce the variables of one request, and everything else that depends on them.

        Raises:
            RequestError: a value is wrong (``BAD_USER_INPUT``), or the operation makes too many calls of Wethod or
                selects their results too often (``LIMIT_EXCEEDED``). No resolver has run.
        """
        variables = self._coercion.coerce(given)
        choice = tuple([variables.coerced[name] for name in self._conditions]) if self._conditions else ()
        fields = self._planned.get(choice) or self._plan(choice)
        try:
            arguments = [field.arguments(variables) for field in fields.fields]
        except GraphQLError as error:
            raise RequestError(ErrorCode.BAD_USER_INPUT, [error]) from None
        if not fields.counted:
            return Coerced(fields.max_words, fields.calls, given, variables, fields, arguments)
        made = [field.calls(each) for field, each in zip(fields.fields, arguments, strict=True)]
        return Coerced(self._max_words(fields, made), sum(made), given, variables, fields, arguments)

    def _plan(self, choice: tuple[bool, ...]) -> RootFields:
        """Plan the root fields under one choice of ``@skip`` and ``@include``."""
        fields = RootFields(
            Selections(self._schema, self._fragments, dict(zip(self._conditions, choice, strict=True))),
            self.definition,
            self._root_type,
            self._fragments,
            projected=self._projected,
            hide_suggestions=self._hide_suggestions,
        )
        if not fields.counted:
            made = [field.calls({}) for field in fields.fields]
            fields.calls = sum(made)
            fields.max_words = self._max_words(fields, made)
        if len(self._planned) < MAX_CHOICES:
            self._planned[choice] = fields
        return fields

    def _max_words(self, fields: RootFields, made: list[int]) -> int:
        """Bound the words that each call may show, by the number of calls that each field makes.

        Raises:
            RequestError: there are too many calls, or too many names for their results.
        """
        if sum(made) > self._max_calls:
            raise RequestError(
                ErrorCode.LIMIT_EXCEEDED,
                f"The operation makes {sum(made)} calls of Wethod; GATEWAY_MAX_DELETES allows {self._max_calls}.",
                limit="calls",
            )
        max_words = words_for_each_call(
            (self._sizes[field.key], calls) for field, calls in zip(fields.fields, made, strict=True)
        )
        if max_words < MIN_WORDS:
            raise RequestError(
                ErrorCode.LIMIT_EXCEEDED,
                "The operation selects the results of its calls under more names than one answer can hold. "
                "Use fewer aliases, or make fewer calls.",
                limit="words",
            )
        return max_words

    async def execute(self, coerced: Coerced, context: object) -> ExecutionResult:
        """Run the operation. Errors of fields are in the result; nothing is raised for them (GraphQL §6.4.4).

        Args:
            coerced: the values of the request.
            context: the context of the request, which resolvers find at ``info.context``.
        """
        fields: RootFields = coerced.fields
        outcomes: list[object] = []
        if fields.is_projected:
            variables, resolving = coerced.variables, zip(fields.fields, coerced.arguments, strict=True)
            if fields.is_concurrent:
                outcomes = await asyncio.gather(*(field.resolve(each, variables, context) for field, each in resolving))
            else:
                # Not by ``field.resolve``: a coroutine more for each field costs a tenth of the whole execution.
                for field, arguments in resolving:
                    try:
                        value = field.call(arguments, variables, context)
                        outcomes.append(await value if field.is_async else value)
                    except Exception as error:  # noqa: BLE001 - whatever a resolver raises belongs into the answer
                        outcomes.append(Raised(error))
            try:
                return ExecutionResult(fields.project(outcomes), None)
            except Exception:  # noqa: BLE001, S110 - graphql-core completes the values, and words what is wrong
                pass
        name = self.definition.name
        return await delegate(
            self._schema,
            self._document,
            name.value if name is not None else None,
            coerced.given,
            context,
            outcomes={field.key: outcome for field, outcome in zip(fields.fields, outcomes, strict=False)},
            hide_suggestions=self._hide_suggestions,
        )
