"""Which operation a request means where only trusted documents run, and ``{ _service { sdl } }`` for routers.

A request names a document by ``documentId``, by Relay's ``doc_id``, by ``extensions.persistedQuery.sha256Hash``, or by
its whole text, to the letter; where it does so more than once, all of them must mean the same document.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from app.documents.manifest import ManifestError
from app.documents.persisted import EXTENSION, document_keys, not_supported, persisted_hash
from app.documents.request_error import ErrorCode, Refusal
from app.documents.trusted import TrustedDocuments
from app.execution.federation import asks_for_sdl

if TYPE_CHECKING:
    from pathlib import Path

    from app.documents.cache import Documents
    from app.documents.graphql_request import GraphQLRequest
    from app.execution.plan import Plan

logger = logging.getLogger(__name__)


class TrustedOperations:
    """Finds the plan of a request among the trusted documents.

    Args:
        path: the manifest's file.
        documents: for the schema and the limits that the documents must fit; and what plans the query for the SDL.

    Raises:
        ManifestError: the manifest cannot be used.
    """

    def __init__(self, path: Path, documents: Documents) -> None:
        self._path = path
        self._documents = documents
        self._trusted = self._load()
        self._reload_asked = False
        self._reloading: asyncio.Task[None] | None = None

    def _load(self) -> TrustedDocuments:
        try:
            content = self._path.read_bytes()
        except OSError as error:
            raise ManifestError(f"it cannot be read: {error.strerror or error}") from None
        return TrustedDocuments(content, self._documents)

    def plan(self, request: GraphQLRequest) -> Plan:
        """The plan of the operation that the request means.

        Raises:
            Refusal: it means none, or none that is trusted.
        """
        keys = document_keys(request)
        digest = persisted_hash(request)
        if digest is not None:
            keys[EXTENSION] = digest
        text = request.query
        if text is None and not keys:
            raise Refusal(ErrorCode.BAD_REQUEST, "The parameter documentId is missing; only trusted documents run.")
        trusted = self._trusted
        meant = [trusted.by_key(key) for key in keys.values()]
        if text is not None:
            meant.append(trusted.by_text(text))
            if meant == [None] and asks_for_sdl(text, self._documents.limits):
                return self._documents.find(text, request.operation_name)
        document = meant[0]
        if document is None or None in meant:
            raise not_supported()
        if any(other is not document for other in meant):
            names = ", ".join([*keys, *([] if text is None else ["query"])])
            raise Refusal(ErrorCode.BAD_REQUEST, f"The parameters {names} mean different documents.")
        return document.plan(request.operation_name)

    def reload(self) -> None:
        """Read the manifest anew, aside from the requests in progress; the old one stays where the new one is bad.

        Called on the event loop.
        """
        self._reload_asked = True
        if self._reloading is None:
            self._reloading = asyncio.create_task(self._reload())

    async def _reload(self) -> None:
        while self._reload_asked:
            self._reload_asked = False
            try:
                # Validating takes milliseconds a document: the event loop goes on answering meanwhile.
                self._trusted = await asyncio.to_thread(self._load)
            except ManifestError as error:
                logger.error("the trusted documents stay as they were: %s: %s", self._path, error)  # noqa: TRY400
            except Exception:
                logger.exception("the trusted documents stay as they were: %s", self._path)
            else:
                logger.info("%d trusted documents are in force: %s", len(self._trusted), self._path)
        self._reloading = None
