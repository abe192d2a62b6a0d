"""Requests that name a document, and the responses to them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from tests.gateway import HEADERS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import httpx

    from tests.gateway import GatewayClient

CONTEXT = "query Context { wethodContext { company } }"
DELETE = "mutation Delete($id: ID!) { deleteContact(id: $id) { __typename } }"
FOUND = {"data": {"wethodContext": {"company": "acme"}}}
DELETED = {"data": {"deleteContact": {"__typename": "DeleteContactSuccess"}}}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def persisted(digest: object, version: object = 1) -> dict[str, object]:
    """The parameter in which Apollo Client sends a digest."""
    return {"extensions": {"persistedQuery": {"version": version, "sha256Hash": digest}}}


def refused(code: str, message: str) -> dict[str, object]:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}


def write_manifest(path: Path, texts: Mapping[str, str]) -> None:
    """Write a manifest of documents by key, atomically, as a deployment should."""
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(texts), encoding="utf-8")
    beside.replace(path)


async def post(
    client: GatewayClient, parameters: Mapping[str, object], headers: Mapping[str, str] = HEADERS
) -> httpx.Response:
    return await client.http.post(f"{client.url}/graphql", json=parameters, headers=headers)
