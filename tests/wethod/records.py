"""Records of deletes, and the lines of an audit."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from app.headers import Headers, parse_headers
from app.settings import load
from app.wethod.caller import CallerReader
from app.wethod.record import OperationRecord
from app.wethod.sender import ReadableResponse
from schema.delete_contact import DELETE_CONTACT, from_response
from tests.gateway import AUDIT_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.wethod.caller import Caller
    from schema.contact import DeleteContactOutcome

TOKEN = "test-token"
FINGERPRINT = hashlib.blake2b(TOKEN.encode(), key=AUDIT_KEY, digest_size=16).hexdigest()

AUDIT_LINE: dict[str, Any] = {
    "company": "acme",
    "version": "2024-06-15",
    "contactId": "7",
    "token": FINGERPRINT,
    "requestId": "request-1",
    "client": "203.0.113.7",
    "outcome": "DeleteContactSuccess",
    "statusCode": 200,
    "attempts": 1,
    "shared": False,
    "durationMs": 12.5,
    "confirmedBy": "RESPONSE",
}
"""The line of a success, without its time."""

HEADERS = {
    "authorization": f"Bearer {TOKEN}",
    "wethod-company": "acme",
    "wethod-version": "2024-06-15",
    "x-request-id": "request-1",
}


def caller(headers: Mapping[str, str] = HEADERS, client: str = "203.0.113.7") -> Caller:
    return CallerReader(load({})).read(
        parse_headers([(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]), client
    )


def response(status: int, body: bytes = b"") -> ReadableResponse:
    return ReadableResponse(status, Headers(), body, 16_384)


def record(
    outcome: DeleteContactOutcome | None = None,
    contact_id: str = "7",
    *,
    by: Caller | None = None,
    attempts: int = 1,
    shared: bool = False,
) -> OperationRecord:
    """The record of a delete; a success unless another outcome is given."""
    return OperationRecord(
        DELETE_CONTACT,
        by or caller(),
        (contact_id,),
        outcome or from_response(response(200), contact_id),
        attempts,
        shared,
        0.0125,
    )
