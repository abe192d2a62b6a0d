"""The documents that a manifest of trusted documents holds, ready to run, by everything that may stand for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from graphql import OperationDefinitionNode

from app.documents.cache import choose_operation, read_document
from app.documents.manifest import ManifestError, read_manifest, shown
from app.documents.persisted import sha256
from app.documents.request_error import Refusal
from app.execution.plan import plan_operation

if TYPE_CHECKING:
    from graphql import DocumentNode, GraphQLSchema

    from app.documents.cache import Documents
    from app.execution.plan import Plan


_OPERATION_NAME = re.compile(r"\b(?:query|mutation|subscription)\s+([_A-Za-z]\w*)", re.ASCII)


class TrustedDocument:
    """One document, every operation of it ready to run.

    Args:
        schema: what the document is valid for.
        document: the document.
        compiled: False runs it on graphql-core, to compare with.
    """

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, *, compiled: bool) -> None:
        self._document = document
        self._plans = {
            _name(node): plan_operation(schema, document, node, hide_suggestions=True, compiled=compiled)
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
        }

    def plan(self, operation_name: str | None) -> Plan:
        """The plan of one of its operations.

        Raises:
            Refusal: it has no such operation, or several and none is named.
        """
        return self._plans[_name(choose_operation(self._document, operation_name))]


def _name(operation: OperationDefinitionNode) -> str | None:
    return operation.name.value if operation.name else None


class TrustedDocuments:
    """The documents of one manifest.

    Args:
        content: the manifest.
        documents: for the schema and the limits that its documents must fit. They may introspect the schema, whatever
            other documents may: whoever wrote the manifest allows that.

    Raises:
        ManifestError: it is no manifest, or one of its documents, which is named, cannot be run.
    """

    def __init__(self, content: bytes, documents: Documents) -> None:
        self._by_text: dict[str, TrustedDocument] = {}
        self._by_key: dict[str, TrustedDocument] = {}
        for key, text in read_manifest(content).items():
            if text not in self._by_text:
                document = _read(key, text, documents)
                self._by_text[text] = TrustedDocument(documents.schema, document, compiled=documents.compiled)
            self._by_key[key] = self._by_text[text]
        self.keys = tuple(self._by_key)
        for text, trusted in self._by_text.items():
            digest = sha256(text)
            for key in (digest, f"sha256:{digest}"):
                self._by_key.setdefault(key, trusted)  # the manifest's own keys come first

    def __len__(self) -> int:
        return len(self._by_text)

    def by_key(self, key: str) -> TrustedDocument | None:
        """What a key of the manifest stands for, or the SHA-256 of a text, bare or as ``sha256:<hex>``."""
        return self._by_key.get(key)

    def by_text(self, text: str) -> TrustedDocument | None:
        """The document of that very text."""
        return self._by_text.get(text)


def _read(key: str, text: str, documents: Documents) -> DocumentNode:
    try:
        return read_document(documents.schema, text, documents.limits)
    except Refusal as refusal:
        error, *others = refusal.errors
        name = _OPERATION_NAME.search(text)  # a person does not know it by its hash
        shown_name = f"{shown(name[1])} ({shown(key)})" if name else shown(key)
        where = f" (line {error.locations[0].line}, column {error.locations[0].column})" if error.locations else ""
        more = f", and {len(others)} more" if others else ""
        message = " ".join(error.message.split())
        raise ManifestError(f"the document {shown_name} cannot be run: {message}{where}{more}") from None
