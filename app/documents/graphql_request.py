"""A GraphQL request, read from any kind of HTTP request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from app.execution.plan import Plan


class GraphQLRequest(msgspec.Struct, frozen=True, rename="camel"):
    """A well-formed GraphQL request (GraphQL over HTTP, *Request*). None stands for an absent parameter.

    Attributes:
        query: the document.
        operation_name: the operation to run.
        variables: the values of variables before coercion.
        extensions: further information of the client.
        document_id: the id of a stored document, under the name that GraphQL over HTTP proposes.
        doc_id: the same, under the name in Relay's guide.
    """

    query: str | None = None
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None
    document_id: str | None = None
    doc_id: str | None = msgspec.field(default=None, name="doc_id")


class FoundOperation(msgspec.Struct, frozen=True):
    """The operation that a request names.

    Attributes:
        plan: its plan.
        document_id: the id of a persisted or trusted document; None if the request carries the text.
    """

    plan: Plan
    document_id: str | None
