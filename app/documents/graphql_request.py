"""A GraphQL request, read from any kind of HTTP request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.execution.plan import Plan

DOCUMENT_KEYS = ("documentId", "doc_id")
"""Parameters that stand for a document: the name that GraphQL over HTTP proposes, and the one of Relay's guide."""


class GraphQLRequest(msgspec.Struct, frozen=True):
    """A well-formed GraphQL request (GraphQL over HTTP, *Request*).

    Attributes:
        query: the document; None if the request names a stored one.
        operation_name: the operation to run; None if the request names none.
        variables: their values before coercion.
        extensions: further information of the client.
        parameters: all parameters of the request, those above included, by name.
    """

    query: str | None
    operation_name: str | None
    variables: Mapping[str, object]
    extensions: Mapping[str, object]
    parameters: Mapping[str, object]


class FoundOperation(msgspec.Struct, frozen=True):
    """The operation that a request names.

    Attributes:
        plan: its plan.
        document_id: the id of a persisted or trusted document; None if the request carries the text.
    """

    plan: Plan
    document_id: str | None
