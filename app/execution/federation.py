"""The one operation that routers need of a subgraph whatever else it runs: its SDL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import FieldNode, OperationDefinitionNode, OperationType

from app.documents.limits import parse_within
from app.documents.request_error import Refusal

if TYPE_CHECKING:
    from graphql import SelectionSetNode

    from app.documents.limits import Limits


def asks_for_sdl(text: str, limits: Limits) -> bool:
    """Whether a document is ``{ _service { sdl } }`` and nothing else, under whatever name and with any comments.

    Routers and composers spell it differently; what counts is its shape.
    """
    if "_service" not in text:  # spares parsing what is refused anyway
        return False
    try:
        definitions = parse_within(text, limits).definitions
    except Refusal:
        return False
    (operation, *others) = definitions
    if others or not isinstance(operation, OperationDefinitionNode) or operation.operation is not OperationType.QUERY:
        return False
    if operation.variable_definitions or operation.directives:
        return False
    service = _only_field(operation.selection_set, "_service")
    sdl = _only_field(service.selection_set, "sdl") if service else None
    return sdl is not None and sdl.selection_set is None


def _only_field(selection_set: SelectionSetNode | None, name: str) -> FieldNode | None:
    """The field of that name, where it is the only selection and bare."""
    if selection_set is None or len(selection_set.selections) != 1:
        return None
    field = selection_set.selections[0]
    if not isinstance(field, FieldNode) or field.name.value != name or field.arguments or field.directives:
        return None
    return field
