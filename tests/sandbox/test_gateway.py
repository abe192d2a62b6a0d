"""From GraphQL over the sandbox and back: the outcome that each of its tokens, companies and contacts comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from app.sandbox import serve_sandbox
from tests.gateway import HEADERS, gateway
from tests.sandbox.requests import contacts_in

if TYPE_CHECKING:
    from pathlib import Path

NO_ENVELOPE: dict[str, Any] = {
    "headers": [],
    "content": None,
    "version": None,
    "statusCode": None,
    "statusText": None,
    "charset": None,
    "callback": None,
    "encodingOptions": 64,
}


def sparse(status: int, phrase: str) -> dict[str, Any]:
    """The envelope of acme's 404 and 412."""
    return {**NO_ENVELOPE, "statusCode": status, "statusText": phrase}


def whole(status: int, phrase: str, content: str) -> dict[str, Any]:
    """The envelope of acme's other errors."""
    return {
        "headers": [
            {"name": "cache-control", "values": ["no-cache, private"]},
            {"name": "content-type", "values": ["application/json"]},
        ],
        "content": content,
        "version": "1.1",
        "statusCode": status,
        "statusText": phrase,
        "charset": "UTF-8",
        "callback": None,
        "encodingOptions": 64,
    }


def error(
    typename: str, status: int | None, key: str, message: str, response: dict[str, Any] | None, **fields: object
) -> dict[str, Any]:
    """An outcome that is an error."""
    return {
        "__typename": typename,
        "key": key,
        "message": message,
        "statusCode": status,
        "response": response,
        **fields,
    }


def success(number: int, message: str, evidence: str) -> dict[str, Any]:
    """An outcome that is a success."""
    return {
        "__typename": "DeleteContactSuccess",
        "deletedContactId": str(number),
        "contact": {"__typename": "Contact", "id": str(number)},
        "message": message,
        "confirmedBy": evidence,
    }


@dataclass(frozen=True)
class Case:
    """One mutation, its outcome, and whether the sandbox has the contact no more."""

    id: str
    outcome: dict[str, Any]
    number: int = 7
    token: str = "demo-editor"
    company: str = "acme"
    version: str = "2024-06-15"
    gone: bool = False


INVALID = "You provided invalid data. Check 'failures' for details."
NO_TOKEN = "The access token is missing or not valid."
NO_PERMISSION = "You do not have the permission crm.edit."
NO_COMPANY = "You do not have access to this company."
NO_CONTACT = "The contact was not found."
IN_USE = "The contact is in use and cannot be deleted."
UNANSWERED = "The request was sent and no conclusive answer came. The contact may be gone; repeating is safe."
BAD_VERSION = [{"field": "Wethod-Version", "message": "This version is not known. The known one is 2024-06-15."}]
NOT_FOUND = error("WethodNotFoundError", 404, "not_found", NO_CONTACT, sparse(404, "Not Found"))
NOT_FOUND_BARE = error("WethodNotFoundError", 404, "not_found", NO_CONTACT, NO_ENVELOPE)

CASES = [
    Case("success", success(7, "Contact successfully deleted.", "RESPONSE"), gone=True),
    Case("success-globex", success(107, "Contact successfully deleted.", "RESPONSE"), 107, company="globex", gone=True),
    Case(
        "success-by-absence",
        success(7, "The company has no such contact any more.", "ABSENCE"),
        token="demo-dropped",
        gone=True,
    ),
    Case(
        "outcome-unknown",
        error("WethodOutcomeUnknownError", None, "outcome_unknown", UNANSWERED, None),
        token="demo-slow",
        gone=True,
    ),
    Case(
        "validation",
        error(
            "WethodValidationError",
            400,
            "invalid_data",
            INVALID,
            whole(400, "Bad Request", INVALID),
            failures=BAD_VERSION,
        ),
        version="2023-01-01",
    ),
    Case(
        "validation-bare",
        error("WethodValidationError", 400, "invalid_data", INVALID, NO_ENVELOPE, failures=BAD_VERSION),
        company="globex",
        version="2023-01-01",
    ),
    Case(
        "unauthorized",
        error("WethodUnauthorizedError", 401, "unauthorized", NO_TOKEN, whole(401, "Unauthorized", NO_TOKEN)),
        token="stolen",
    ),
    Case(
        "forbidden",
        error("WethodForbiddenError", 403, "forbidden", NO_PERMISSION, whole(403, "Forbidden", NO_PERMISSION)),
        token="demo-viewer",
    ),
    Case(
        "forbidden-company",
        error("WethodForbiddenError", 403, "forbidden", NO_COMPANY, NO_ENVELOPE),
        company="initech",
    ),
    Case("not-found", NOT_FOUND, 201),
    Case("not-found-of-globex", NOT_FOUND, 107),
    Case("not-found-of-acme", NOT_FOUND_BARE, company="globex"),
    Case("not-found-by-demo-dropped", NOT_FOUND, 201, token="demo-dropped"),
    Case("not-found-by-demo-slow", NOT_FOUND, 201, token="demo-slow"),
    Case(
        "precondition-failed",
        error(
            "WethodPreconditionFailedError",
            412,
            "precondition_failure",
            IN_USE,
            sparse(412, "Precondition Failed"),
        ),
        10,
    ),
    Case(
        "rate-limited",
        error(
            "WethodRateLimitedError",
            429,
            "too_many_requests",
            "Too many requests.",
            NO_ENVELOPE,
            retryAfterSeconds=30,
        ),
        token="demo-throttled",
    ),
]


@pytest.mark.parametrize("transport", ["httpx"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_a_mutation_comes_to_its_outcome(tmp_path: Path, case: Case, transport: str) -> None:
    """The whole outcome is the expected one, and the contact is gone exactly where it says or cannot know."""
    database = tmp_path / "sandbox.db"
    headers = {
        **HEADERS,
        "Authorization": f"Bearer {case.token}",
        "Wethod-Company": case.company,
        "Wethod-Version": case.version,
    }
    # A short deadline, so that demo-slow takes a second and not ten.
    environ = {"WETHOD_TRANSPORT": transport, "WETHOD_TIMEOUT_SECONDS": "1", "WETHOD_CONNECT_TIMEOUT_SECONDS": "1"}
    with serve_sandbox(database=database) as url:
        async with gateway(url, environ) as client:
            before = contacts_in(database)
            assert await client.delete(str(case.number), headers) == case.outcome
            assert before - contacts_in(database) == ({(case.company, case.number)} if case.gone else set())
