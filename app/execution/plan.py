"""The plan of one operation: made once, run any number of times."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import msgspec
from graphql import ExecutionResult, GraphQLError, VariableNode

from app.execution.answer_size import MIN_TEXT_BYTES, AnswerSize, text_bytes_for_each_call
from app.execution.delegation import Raised, delegate
from app.execution.request_error import ErrorCode, RequestError
from app.execution.root_field import RootFields
from app.execution.selection_set import Selections, fragments_of
from app.execution.strawberry_types import declared_calls
from app.execution.variables import VariableCoercion
from schema.json_codec import encode

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from graphql import DocumentNode, GraphQLObjectType, GraphQLSchema, OperationDefinitionNode

    from app.execution.graphql_core import Variables

MAX_CHOICES = 8
"""Choices that a plan keeps; it plans any other one again for each request.

A choice is a combination of the Boolean variables: it decides what ``@skip`` and ``@include`` leave out.
"""


class Coerced(msgspec.Struct, frozen=True):
    """The coerced values of one request, and what depends on them.

    Attributes:
        max_text_bytes: bytes of Wethod's text that each call may show.
        given: the variables before coercion.
        variables: the variables after it.
        fields: the root fields that run.
        arguments: the arguments of each of them, by response name.
    """

    max_text_bytes: int
    given: Mapping[str, object]
    variables: Variables
    fields: RootFields
    arguments: dict[str, dict[str, Any]]


class Plan:
    """One operation of a valid document.

    Args:
        schema: the schema that validated the document.
        document: the whole document.
        definition: the operation.
        hide_suggestions: messages leave out names of the schema that the client did not write.
        max_calls: the maximum number of calls of Wethod.
        max_refusal_bytes: the longest answer to a caller without a usable token.

    Attributes:
        definition: the operation.
        kind: ``query`` or ``mutation``.
        choices: the maximum number of choices of ``@skip`` and ``@include`` that it keeps.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        definition: OperationDefinitionNode,
        *,
        hide_suggestions: bool,
        max_calls: int,
        max_refusal_bytes: int,
    ) -> None:
        self.definition = definition
        self.kind = definition.operation.value
        self._schema = schema
        self._document = document
        # Validation refuses an operation of a type that the schema does not have.
        self._root_type = cast("GraphQLObjectType", schema.get_root_type(definition.operation))
        self._hide_suggestions = hide_suggestions
        self._max_calls = max_calls
        self._fragments = fragments_of(document)
        self._coercion = VariableCoercion(schema, document, definition, hide_suggestions=hide_suggestions)
        self._sizes = AnswerSize(schema, self._fragments).measure(definition.selection_set, self._root_type)
        self._max_refusal_bytes = max_refusal_bytes
        self._check_refusal_bytes(sum(size.own for size in self._sizes.values()))
        self._counted_lists = self._find_counted_lists()
        # ``@skip`` and ``@include`` take a Boolean, so only Boolean variables can change the choice.
        self._conditions = self._coercion.booleans
        self.choices = min(2 ** len(self._conditions), MAX_CHOICES)
        self._planned: dict[tuple[bool | None, ...], RootFields] = {}

    def coerce(self, given: Mapping[str, object]) -> Coerced:
        """Coerce the variables and the arguments of one request, and choose the root fields that run.

        Raises:
            RequestError: a value is wrong (``BAD_USER_INPUT``), or the operation makes too many calls of Wethod or
                selects their results too often (``LIMIT_EXCEEDED``). No resolver has run.
        """
        for name in self._counted_lists:
            value = given.get(name)
            if isinstance(value, list):
                # Before coercion, which is slow for a long list.
                self._check_calls(len(value))
        variables = self._coercion.coerce(given)
        choice = tuple([variables.coerced.get(name) for name in self._conditions]) if self._conditions else ()
        fields = self._planned.get(choice) or self._plan(choice)
        try:
            arguments = {field.key: field.arguments(variables) for field in fields.fields}
        except GraphQLError as error:
            raise RequestError(ErrorCode.BAD_USER_INPUT, [error]) from None
        if not fields.counted:
            return Coerced(fields.max_text_bytes, given, variables, fields, arguments)
        made = [field.calls(arguments[field.key]) for field in fields.fields]
        echoed = self._echoed_bytes(fields, arguments)
        return Coerced(self._max_text_bytes(fields, made, echoed), given, variables, fields, arguments)

    def _find_counted_lists(self) -> tuple[str, ...]:
        """Name the variables whose elements are the calls of a field. A skipped field's variable is coerced too."""
        names = []
        selections = Selections(self._schema, self._fragments, None)
        for node, *_ in selections.collect([self.definition.selection_set], self._root_type).values():
            field = self._root_type.fields.get(node.name.value)
            counted = declared_calls(field) if field is not None else None
            names += [
                argument.value.name.value
                for argument in node.arguments or ()
                if argument.name.value == counted and isinstance(argument.value, VariableNode)
            ]
        return tuple(names)

    def _check_calls(self, made: int) -> None:
        if made > self._max_calls:
            raise RequestError(
                ErrorCode.LIMIT_EXCEEDED,
                f"The operation makes {made} calls of Wethod; GATEWAY_MAX_DELETES allows {self._max_calls}.",
                limit="calls",
            )

    def _echoed_bytes(self, fields: RootFields, arguments: Mapping[str, dict[str, Any]]) -> int:
        """Check the size of the answer to a caller without a usable token, which depends on the lists in the request.

        Each element of a list has an entry in the answer, which may repeat the element under several names. An empty
        list counts as one element, because the answer contains its name.

        Returns:
            Bytes of the elements in the answer.

        Raises:
            RequestError: the answer would be too long.
        """
        own = sum(self._sizes[key].own for key in fields.typenames)
        echoed = 0
        for field in fields.fields:
            size = self._sizes[field.key]
            if field.counted is None:
                own += size.own
            else:
                given = arguments[field.key].get(field.counted) or ()
                own += size.own * max(1, len(given))
                echoed += size.names * len(encode(given))
        self._check_refusal_bytes(own + echoed)
        return echoed

    def _check_refusal_bytes(self, size: int) -> None:
        if size > self._max_refusal_bytes:
            message = "The answer would be too long. Select fewer aliases of a field, or give shorter lists."
            raise RequestError(ErrorCode.LIMIT_EXCEEDED, [GraphQLError(message, [self.definition])], limit="words")

    def _plan(self, choice: tuple[bool | None, ...]) -> RootFields:
        """Plan the root fields under one choice of ``@skip`` and ``@include``."""
        fields = RootFields(
            Selections(self._schema, self._fragments, dict(zip(self._conditions, choice, strict=True))),
            self.definition,
            self._root_type,
            hide_suggestions=self._hide_suggestions,
        )
        if not fields.counted:
            made = [field.calls({}) for field in fields.fields]
            fields.max_text_bytes = self._max_text_bytes(fields, made)
        if len(self._planned) < MAX_CHOICES:
            self._planned[choice] = fields
        return fields

    def _max_text_bytes(self, fields: RootFields, made: list[int], echoed: int = 0) -> int:
        """Bound the text that each call may show, by the number of calls that each field makes.

        Raises:
            RequestError: there are too many calls, or too many names for their results.
        """
        self._check_calls(sum(made))
        sizes = [(self._sizes[field.key], calls) for field, calls in zip(fields.fields, made, strict=True)]
        sizes += [(self._sizes[key], 0) for key in fields.typenames]
        max_text_bytes = text_bytes_for_each_call(sizes, echoed)
        if max_text_bytes < MIN_TEXT_BYTES:
            raise RequestError(
                ErrorCode.LIMIT_EXCEEDED,
                "The operation selects the results of its calls under more names than one answer can hold. "
                "Use fewer aliases, or make fewer calls.",
                limit="words",
            )
        return max_text_bytes

    async def execute(self, coerced: Coerced, context: object) -> ExecutionResult:
        """Run the operation; resolvers find ``context`` at ``info.context``.

        Errors of fields are in the result; nothing is raised for them (GraphQL §6.4.4).
        """
        fields = coerced.fields
        outcomes: dict[str, object] = {}
        if fields.is_projected:
            variables = coerced.variables
            if fields.is_concurrent:
                resolving = [each.resolve(coerced.arguments[each.key], variables, context) for each in fields.fields]
                outcomes = dict(zip(coerced.arguments, await _gather(resolving), strict=True))
            else:
                # ``field.resolve`` would add a coroutine for each field: a tenth of the time of the whole execution.
                for field in fields.fields:
                    try:
                        value = field.call(coerced.arguments[field.key], variables, context)
                        outcomes[field.key] = await value if field.is_async else value
                    except Exception as error:  # noqa: BLE001 - whatever a resolver raises belongs in the answer
                        outcomes[field.key] = Raised(error)
            try:
                return ExecutionResult(fields.project(outcomes), None)
            except Exception:  # noqa: BLE001, S110 - graphql-core completes the values, and writes the messages
                pass  # it gets `outcomes`, and calls no resolver again
        name = self.definition.name
        return await delegate(
            self._schema,
            self._document,
            name.value if name is not None else None,
            coerced.given,
            context,
            outcomes=outcomes,
            hide_suggestions=self._hide_suggestions,
        )


async def _gather(resolving: list[Coroutine[Any, Any, object]]) -> list[object]:
    """Run resolvers concurrently. Pass a cancellation on to them, and return what they then return."""
    tasks = [asyncio.create_task(each) for each in resolving]
    try:
        await asyncio.wait(tasks)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        current = asyncio.current_task()
        if current is not None and not any(task.cancelled() for task in tasks):
            current.uncancel()
    return [task.result() for task in tasks]
