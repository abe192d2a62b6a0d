"""Which operation a request means: by its text, or by the hash of a text that was sent before."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import TYPE_CHECKING

from app.documents.persisted import HASH, document_keys, not_supported, persisted_hash, sha256
from app.documents.request_error import ErrorCode, Refusal

if TYPE_CHECKING:
    from app.documents.cache import Documents
    from app.documents.graphql_request import GraphQLRequest
    from app.execution.plan import Plan

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST_TEXTS = 1_000
_MOST_CHARACTERS = 2_000_000


class PersistedQueries:
    """Texts by their SHA-256, as Apollo Client's automatic persisted queries send them; the recently used ones kept.

    Args:
        most_texts: how many are kept.
        most_characters: how long they are together.
    """

    def __init__(self, most_texts: int = _MOST_TEXTS, most_characters: int = _MOST_CHARACTERS) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._most_texts = most_texts
        self._most_characters = most_characters
        self._characters = 0

    def get(self, digest: str) -> str:
        """The text of a digest.

        Raises:
            Refusal: it is not known; the client then sends it together with the text.
        """
        text = self._texts.get(digest)
        if text is None:
            # Apollo Client tells this answer by its message or by its code.
            raise Refusal(ErrorCode.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")
        self._texts.move_to_end(digest)
        return text

    def put(self, digest: str, text: str) -> None:
        """Keep a text whose digest has been verified."""
        if digest not in self._texts:
            self._characters += len(text)
        self._texts[digest] = text
        self._texts.move_to_end(digest)
        while len(self._texts) > self._most_texts or self._characters > self._most_characters:
            _, oldest = self._texts.popitem(last=False)
            self._characters -= len(oldest)


class Operations:
    """Finds the plan of a request by its text or by its automatic persisted query.

    Args:
        documents: what makes and keeps plans.
        persisted: the texts that were sent with their hashes.
    """

    def __init__(self, documents: Documents, persisted: PersistedQueries) -> None:
        self._documents = documents
        self._persisted = persisted

    def plan(self, request: GraphQLRequest) -> Plan:
        """The plan of the operation that the request means.

        Raises:
            Refusal: there is none, or the document that holds it is refused.
        """
        text = request.query
        digest = persisted_hash(request) if request.extensions else None
        if digest is None:
            if text is None:
                if document_keys(request):
                    raise not_supported()  # there is no manifest to look them up in
                raise Refusal(ErrorCode.BAD_REQUEST, "The parameter query is missing.")
            return self._documents.find(text, request.operation_name)
        if not _SHA256.fullmatch(digest):
            raise Refusal(ErrorCode.BAD_REQUEST, f"The parameter {HASH} must be 64 hexadecimal digits in lower case.")
        if text is None:
            return self._documents.find(self._persisted.get(digest), request.operation_name)
        if sha256(text) != digest:
            raise Refusal(ErrorCode.BAD_REQUEST, f"The parameter {HASH} is not the query's hash.")
        plan = self._documents.find(text, request.operation_name)
        self._persisted.put(digest, text)  # only what is valid is kept
        return plan
