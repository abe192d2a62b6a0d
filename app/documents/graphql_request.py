"""A GraphQL request, whatever carried it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping


DOCUMENT_KEYS = ("documentId", "doc_id")
"""Parameters that stand for a document: the name that GraphQL over HTTP proposes, and the one of Relay's guide."""


class GraphQLRequest(msgspec.Struct, frozen=True):
    """A well-formed GraphQL request (GraphQL over HTTP, *Request*).

    Attributes:
        query: the document; None where the request means a stored one.
        operation_name: which of its operations; None where it does not say.
        variables: their raw values.
        extensions: what else the client says.
        parameters: the keys of the request, for those who know further ones; none where there are no others.
    """

    query: str | None
    operation_name: str | None
    variables: Mapping[str, object]
    extensions: Mapping[str, object]
    parameters: Mapping[str, object]
