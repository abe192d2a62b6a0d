"""Which operation a request means: by its text, or by the hash of a text that was sent before."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from typing import TYPE_CHECKING

from app.execution.refusal import ErrorCode, Refusal

if TYPE_CHECKING:
    from app.execution.documents import Documents
    from app.execution.plan import Plan
    from app.execution.request import GraphQLRequest

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST_CHARACTERS = 2_000_000


class PersistedQueries:
    """Texts by their SHA-256, as Apollo Client's automatic persisted queries send them; bounded by length.

    Args:
        most_characters: how much text is kept; the least recently used goes first.
    """

    def __init__(self, most_characters: int = _MOST_CHARACTERS) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()
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
        while self._characters > self._most_characters:
            _, oldest = self._texts.popitem(last=False)
            self._characters -= len(oldest)


class Operations:
    """Finds the plan of a request by its text or by its persisted query.

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
        if not request.extensions or "persistedQuery" not in request.extensions:
            if text is None:
                raise Refusal(ErrorCode.BAD_REQUEST, "The parameter query is missing.")
            return self._documents.find(text, request.operation_name)
        digest = _digest(request.extensions["persistedQuery"])
        if text is None:
            return self._documents.find(self._persisted.get(digest), request.operation_name)
        if hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() != digest:
            raise Refusal(
                ErrorCode.BAD_REQUEST, "The parameter extensions.persistedQuery.sha256Hash is not the query's hash."
            )
        plan = self._documents.find(text, request.operation_name)
        self._persisted.put(digest, text)  # only what is valid is kept
        return plan


def _digest(extension: object) -> str:
    digest = extension.get("sha256Hash") if isinstance(extension, dict) else None
    if not isinstance(extension, dict) or extension.get("version") != 1 or not isinstance(digest, str):
        raise Refusal(
            ErrorCode.BAD_REQUEST,
            "The parameter extensions.persistedQuery must have a version, which is 1, and a sha256Hash.",
        )
    if not _SHA256.fullmatch(digest):
        raise Refusal(
            ErrorCode.BAD_REQUEST,
            "The parameter extensions.persistedQuery.sha256Hash must be 64 hexadecimal digits in lower case.",
        )
    return digest
