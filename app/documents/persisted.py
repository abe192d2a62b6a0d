"""What stands for a document in a request: the hash that Apollo Client sends, or a key of a manifest."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from app.documents.graphql_request import DOCUMENT_KEYS
from app.documents.request_error import ErrorCode, Refusal

if TYPE_CHECKING:
    from app.documents.graphql_request import GraphQLRequest

EXTENSION = "extensions.persistedQuery"
HASH = f"{EXTENSION}.sha256Hash"


def persisted_hash(request: GraphQLRequest) -> str | None:
    """What ``extensions.persistedQuery`` holds; None where the request has no such extension.

    Raises:
        Refusal: it is not of the form that Apollo Client sends.
    """
    if "persistedQuery" not in request.extensions:
        return None
    extension = request.extensions["persistedQuery"]
    digest = extension.get("sha256Hash") if isinstance(extension, dict) else None
    if not isinstance(extension, dict) or extension.get("version") != 1 or not isinstance(digest, str):
        raise Refusal(
            ErrorCode.BAD_REQUEST, f"The parameter {EXTENSION} must have a version, which is 1, and a sha256Hash."
        )
    return digest


def document_keys(request: GraphQLRequest) -> dict[str, str]:
    """The keys that stand for a document outside the extensions, by the parameters that carry them.

    Raises:
        Refusal: one of them is no string.
    """
    keys: dict[str, str] = {}
    for name in DOCUMENT_KEYS:
        key = request.parameters.get(name)
        if isinstance(key, str):
            keys[name] = key
        elif key is not None:
            raise Refusal(ErrorCode.BAD_REQUEST, f"The parameter {name} must be a string or null.")
    return keys


def not_supported() -> Refusal:
    """What stands for a document is not known here, and cannot be made known; clients tell this by its very words."""
    return Refusal(ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED, "PersistedQueryNotSupported")


def sha256(text: str) -> str:
    """The digest of a text, in lower case. No two texts share their bytes, those with lone surrogates included."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
