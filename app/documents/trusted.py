"""The operations of trusted documents only, and the two queries that routers send to every subgraph.

A request names a document by ``documentId``, by Relay's ``doc_id``, by ``extensions.persistedQuery.sha256Hash``, or by
its exact text. If it does so more than once, all of them must name the same document.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING

from app.documents.graphql_request import FoundOperation
from app.documents.manifest import ManifestError, read_manifest
from app.documents.persisted import EXTENSION, not_supported, persisted_hash, sha256
from app.documents.plan_cache import choose_operation
from app.execution.request_error import ErrorCode, RequestError
from app.urls import shown

if TYPE_CHECKING:
    from pathlib import Path

    from app.documents.graphql_request import GraphQLRequest
    from app.documents.plan_cache import PlanCache
    from app.execution.plan import Plan

logger = logging.getLogger(__name__)

_OPERATION_NAME = re.compile(r"\b(?:query|mutation|subscription)\s+([_A-Za-z]\w*)", re.ASCII)

# Between tokens GraphQL ignores white space, commas, comments and a byte order mark (GraphQL §2.1.7).
_IGNORED = re.compile(r"(?:[\t\n\r ,\ufeff]|#[^\n\r]*)+")
_ALIAS = r"(?:[_A-Za-z]\w* ?: ?)?"
_ROUTER_QUERY = re.compile(
    rf"(?:query(?: [_A-Za-z]\w*)? ?)?{{ ?{_ALIAS}(?:__typename|_service ?{{ ?{_ALIAS}sdl ?}}) ?}}", re.ASCII
)
_MAX_ROUTER_QUERY = 1_000
"""Characters of the longest text that is compared with the routers' queries."""


class TrustedDocuments:
    """The documents of one manifest, every operation planned.

    Args:
        content: the manifest.
        plans: makes the plans. The documents may introspect the schema, even if others may not.

    Attributes:
        by_text: the plans of each document by its exact text.
        by_id: the same by the keys of the manifest and by the text's SHA-256, bare or as ``sha256:<hex>``.

    Raises:
        ManifestError: the manifest cannot be used, or one of its documents, which the message names, cannot run.
    """

    def __init__(self, content: bytes, plans: PlanCache) -> None:
        texts = read_manifest(content)
        self.by_text = {text: _plans_of(key, text, plans) for key, text in texts.items()}
        self.by_id: dict[str, list[Plan]] = {}
        for text, document in self.by_text.items():
            digest = sha256(text)
            self.by_id |= {digest: document, f"sha256:{digest}": document}
        # The manifest's own keys come first.
        self.by_id |= {key: self.by_text[text] for key, text in texts.items()}


def _plans_of(key: str, text: str, plans: PlanCache) -> list[Plan]:
    try:
        return plans.plans_of(text)
    except RequestError as request_error:
        error, *others = request_error.errors
        name = _OPERATION_NAME.search(text)  # people know a document by its name, not by its hash
        document = f"{shown(name[1])} ({shown(key)})" if name else shown(key)
        where = f" (line {error.locations[0].line}, column {error.locations[0].column})" if error.locations else ""
        more = f", and {len(others)} more" if others else ""
        message = " ".join(error.message.split())
        raise ManifestError(f"the document {document} cannot be run: {message}{where}{more}") from None


class TrustedOperations:
    """The operations of trusted documents, found by id or exact text.

    Args:
        path: the manifest's file.
        plans: makes the plans of its documents, and keeps those of the routers' queries.

    Raises:
        ManifestError: the manifest cannot be used.
    """

    def __init__(self, path: Path, plans: PlanCache) -> None:
        self._path = path
        self._plans = plans
        self._trusted = self._load()
        self._reload_asked = False
        self._reloading: asyncio.Task[None] | None = None

    def _load(self) -> TrustedDocuments:
        try:
            content = self._path.read_bytes()
        except OSError as error:
            raise ManifestError(f"it cannot be read: {error.strerror or error}") from None
        return TrustedDocuments(content, self._plans)

    def find(self, request: GraphQLRequest) -> FoundOperation:
        """Find the operation of a request.

        Raises:
            RequestError: the request names no document, one that is not trusted, or different ones.
        """
        given = {"documentId": request.document_id, "doc_id": request.doc_id, EXTENSION: persisted_hash(request)}
        ids = {name: key for name, key in given.items() if key is not None}
        text = request.query
        if text is None and not ids:
            message = "The parameter documentId is missing; only trusted documents run."
            raise RequestError(ErrorCode.BAD_REQUEST, message)
        trusted = self._trusted
        named = [trusted.by_id.get(key) for key in ids.values()]
        if text is not None:
            named.append(trusted.by_text.get(text))
            if named == [None] and is_router_query(text):
                return FoundOperation(self._plans.find(text, request.operation_name), None)
        document = named[0]
        if document is None or None in named:
            raise not_supported()
        if any(other is not document for other in named):
            names = ", ".join([*ids, *([] if text is None else ["query"])])
            raise RequestError(ErrorCode.BAD_REQUEST, f"The parameters {names} mean different documents.")
        definition = choose_operation([plan.definition for plan in document], request.operation_name)
        plan = next(plan for plan in document if plan.definition is definition)
        return FoundOperation(plan, None if text is not None else next(iter(ids.values())))

    def reload(self) -> None:
        """Read the manifest again in a thread; if it is bad, the documents stay as they were.

        Called on the event loop.
        """
        self._reload_asked = True
        if self._reloading is None:
            self._reloading = asyncio.create_task(self._reload())

    async def _reload(self) -> None:
        while self._reload_asked:
            self._reload_asked = False
            try:
                # Each document takes milliseconds to validate; the event loop answers requests meanwhile.
                self._trusted = await asyncio.to_thread(self._load)
            except ManifestError as error:
                logger.error("the trusted documents stay as they were: %s: %s", self._path, error)  # noqa: TRY400 - the message is complete
            except Exception:
                logger.exception("the trusted documents stay as they were: %s", self._path)
            else:
                logger.info("loaded %d trusted documents from %s", len(self._trusted.by_text), self._path)
        self._reloading = None


def is_router_query(text: str) -> bool:
    """Recognise ``{ _service { sdl } }`` and ``{ __typename }``, with any name, alias and comment.

    Routers and composers read the SDL by the first, and check that a subgraph is alive by the second.
    """
    return len(text) <= _MAX_ROUTER_QUERY and bool(_ROUTER_QUERY.fullmatch(_IGNORED.sub(" ", text).strip()))
