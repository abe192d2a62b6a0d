"""Operations of trusted documents alone, and the two queries that routers send to every subgraph.

A request names a document by ``documentId``, by Relay's ``doc_id``, by ``extensions.persistedQuery.sha256Hash``, or by
its exact text. If it does so more than once, all of them must name the same document.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING

from graphql import FieldNode, OperationDefinitionNode, OperationType

from app.documents.graphql_request import FoundOperation
from app.documents.limits import parse_within
from app.documents.manifest import ManifestError, read_manifest, shown
from app.documents.persisted import EXTENSION, not_supported, persisted_hash, sha256
from app.documents.plan_cache import choose_operation
from app.execution.request_error import ErrorCode, RequestError

if TYPE_CHECKING:
    from pathlib import Path

    from graphql import SelectionSetNode

    from app.documents.graphql_request import GraphQLRequest
    from app.documents.limits import Limits
    from app.documents.plan_cache import PlanCache
    from app.execution.plan import Plan

logger = logging.getLogger(__name__)

_OPERATION_NAME = re.compile(r"\b(?:query|mutation|subscription)\s+([_A-Za-z]\w*)", re.ASCII)


class TrustedDocuments:
    """The documents of one manifest, every operation planned.

    Args:
        content: the manifest.
        plans: makes the plans. The documents may introspect the schema, even if others may not.

    Raises:
        ManifestError: the manifest cannot be used, or one of its documents, which the message names, cannot run.
    """

    def __init__(self, content: bytes, plans: PlanCache) -> None:
        self._by_text: dict[str, list[Plan]] = {}
        self._by_id: dict[str, list[Plan]] = {}
        for key, text in read_manifest(content).items():
            if text not in self._by_text:
                self._by_text[text] = _plans_of(key, text, plans)
            self._by_id[key] = self._by_text[text]
        for text, document in self._by_text.items():
            digest = sha256(text)
            for key in (digest, f"sha256:{digest}"):
                self._by_id.setdefault(key, document)  # the manifest's own ids come first

    def __len__(self) -> int:
        return len(self._by_text)

    def by_id(self, key: str) -> list[Plan] | None:
        """Find the document of an id: a key of the manifest, or the text's SHA-256, bare or as ``sha256:<hex>``."""
        return self._by_id.get(key)

    def by_text(self, text: str) -> list[Plan] | None:
        """Find the document of exactly this text."""
        return self._by_text.get(text)


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
    """Finds the operations of trusted documents.

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
        named = [trusted.by_id(key) for key in ids.values()]
        if text is not None:
            named.append(trusted.by_text(text))
            if named == [None] and is_router_query(text, self._plans.limits):
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
                logger.error("the trusted documents stay as they were: %s: %s", self._path, error)  # noqa: TRY400
            except Exception:
                logger.exception("the trusted documents stay as they were: %s", self._path)
            else:
                logger.info("%d trusted documents are in force: %s", len(self._trusted), self._path)
        self._reloading = None


def is_router_query(text: str, limits: Limits) -> bool:
    """Recognise ``{ _service { sdl } }`` and ``{ __typename }``, with any name, alias and comment.

    Routers and composers read the SDL by the first, and check that a subgraph is alive by the second.
    """
    if "_service" not in text and "__typename" not in text:  # saves parsing
        return False
    try:
        definitions = parse_within(text, limits).definitions
    except RequestError:
        return False
    operation = definitions[0]
    if (
        len(definitions) > 1
        or not isinstance(operation, OperationDefinitionNode)
        or operation.operation is not OperationType.QUERY
        or operation.variable_definitions
        or operation.directives
    ):
        return False
    field = _only_field(operation.selection_set)
    if field is None or field.name.value == "__typename":
        return field is not None and field.selection_set is None
    sdl = _only_field(field.selection_set)
    return field.name.value == "_service" and sdl is not None and sdl.name.value == "sdl" and sdl.selection_set is None


def _only_field(selection_set: SelectionSetNode | None) -> FieldNode | None:
    """Find the only selection, if it is a field without arguments and directives."""
    if selection_set is None or len(selection_set.selections) != 1:
        return None
    field = selection_set.selections[0]
    return field if isinstance(field, FieldNode) and not field.arguments and not field.directives else None
