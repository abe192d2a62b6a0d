"""Operations by their text, or by the hash of a text: automatic persisted queries, as Apollo Client sends them."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from app.documents.graphql_request import FoundOperation
from app.documents.lru_cache import LruCache
from app.execution.request_error import ErrorCode, RequestError

if TYPE_CHECKING:
    from app.documents.graphql_request import GraphQLRequest
    from app.documents.plan_cache import PlanCache

MAX_TEXTS = 1_000
MAX_CHARACTERS = 2_000_000

EXTENSION = "extensions.persistedQuery"
_HASH = f"{EXTENSION}.sha256Hash"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class PersistedOperations:
    """The operations by their text or its SHA-256. The texts that were used last are kept.

    Args:
        plans: the plans of documents.
    """

    def __init__(self, plans: PlanCache) -> None:
        self._plans = plans
        self._texts: LruCache[str, str] = LruCache(MAX_TEXTS, MAX_CHARACTERS)

    def find(self, request: GraphQLRequest) -> FoundOperation:
        """Find the operation of a request.

        Raises:
            RequestError: there is none, or its document cannot run.
        """
        text = request.query
        digest = persisted_hash(request)
        if digest is None:
            if text is not None:
                return FoundOperation(self._plans.find(text, request.operation_name), None)
            if request.document_id is not None or request.doc_id is not None:
                raise not_supported()
            raise RequestError(ErrorCode.BAD_REQUEST, "The parameter query is missing.")
        if not _SHA256.fullmatch(digest):
            message = f"The parameter {_HASH} must be 64 hexadecimal digits in lower case."
            raise RequestError(ErrorCode.BAD_REQUEST, message)
        if text is None:
            kept = self._texts.get(digest)
            if kept is None:
                # Apollo Client recognises this answer by its message or its code, and sends the text.
                raise RequestError(ErrorCode.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")
            return FoundOperation(self._plans.find(kept, request.operation_name), digest)
        if sha256(text) != digest:
            raise RequestError(ErrorCode.BAD_REQUEST, f"The parameter {_HASH} is not the query's hash.")
        plan = self._plans.find(text, request.operation_name)
        self._texts.put(digest, text, len(text))  # only a valid document is kept
        return FoundOperation(plan, None)


def persisted_hash(request: GraphQLRequest) -> str | None:
    """Read the hash in ``extensions.persistedQuery``; None if the request has no such extension.

    Raises:
        RequestError: the extension is not of the form that Apollo Client sends.
    """
    if not request.extensions or "persistedQuery" not in request.extensions:
        return None
    extension = request.extensions["persistedQuery"]
    digest = extension.get("sha256Hash") if isinstance(extension, dict) else None
    if not isinstance(extension, dict) or extension.get("version") != 1 or not isinstance(digest, str):
        message = f"The parameter {EXTENSION} must have a version, which is 1, and a sha256Hash."
        raise RequestError(ErrorCode.BAD_REQUEST, message)
    return digest


def not_supported() -> RequestError:
    """Make the error for an id without a document, with the code and message that clients recognise."""
    return RequestError(ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED, "PersistedQueryNotSupported")


def sha256(text: str) -> str:
    """Compute the digest of a text, in lower case. Texts with different lone surrogates have different digests."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
