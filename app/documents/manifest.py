"""The manifests of trusted documents that build tools write, read into one form.

===================================  ==========================================================================
graphql-codegen's client preset      ``persisted-documents.json``: ``{hash: text}``
Relay's compiler                     ``persisted_queries.json``: ``{hash: text}``
Apollo's operation manifest          ``{"format": "apollo-persisted-query-manifest", "version": 1, "operations":
                                     [{"id": …, "name": …, "type": …, "body": text}]}``
===================================  ==========================================================================
"""

from __future__ import annotations

from app.urls import shown
from schema.json_codec import DecodeError, decode

_APOLLO = "apollo-persisted-query-manifest"


class ManifestError(ValueError):
    """A manifest cannot be used; the message is one line that names what is wrong and where."""


def read_manifest(content: bytes) -> dict[str, str]:
    """Read the texts of a manifest, at least one, by the ids that clients send.

    Raises:
        ManifestError: the manifest has none of the three forms.
    """
    try:
        manifest = decode(content)
    except DecodeError as error:
        raise ManifestError(f"it is not JSON: {error}") from None
    if not isinstance(manifest, dict):
        raise ManifestError("it is no manifest: a JSON object is expected")
    pairs = _apollo_pairs(manifest) if "format" in manifest else list(manifest.items())
    texts: dict[str, str] = {}
    for key, text in pairs:
        if not isinstance(key, str) or not key or not isinstance(text, str):
            raise ManifestError(f"the document {shown(str(key))} must have a key and a text, both strings")
        if texts.setdefault(key, text) != text:
            raise ManifestError(f"the key {shown(key)} stands for two documents")
    if not texts:
        raise ManifestError("it holds no document")
    return texts


def _apollo_pairs(manifest: dict[str, object]) -> list[tuple[object, object]]:
    if manifest["format"] != _APOLLO or manifest.get("version") != 1:
        raise ManifestError(f"its format must be {_APOLLO}, its version 1")
    operations = manifest.get("operations")
    if not isinstance(operations, list) or not all(isinstance(operation, dict) for operation in operations):
        raise ManifestError("its operations must be a list of objects")
    return [(operation.get("id"), operation.get("body")) for operation in operations]
