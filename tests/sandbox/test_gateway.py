"""The outcome of a delete for each token, company and kind of contact that the sandbox knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from app.sandbox import serve_sandbox
from tests.gateway import HEADERS, gateway
from tests.outcomes.outcomes import EMPTY_RESPONSE, deleted, rejection, unknown
from tests.sandbox.requests import contacts_in
from tests.sandbox.words import BAD_VERSION, IN_USE, INVALID, NO_COMPANY, NO_CONTACT, NO_PERMISSION, NO_TOKEN

if TYPE_CHECKING:
    from pathlib import Path


def sparse(status: int, phrase: str, **more: object) -> dict[str, Any]:
    """The response of an outcome."""
    return {"response": EMPTY_RESPONSE | {"statusCode": status, "statusText": phrase} | more}


def whole(status: int, phrase: str, content: str) -> dict[str, Any]:
    headers = [
        {"name": "cache-control", "values": ["no-cache, private"]},
        {"name": "content-type", "values": ["application/json"]},
    ]
    return sparse(status, phrase, headers=headers, content=content, version="1.1", charset="UTF-8")


@dataclass(frozen=True)
class Case:
    """One delete.

    Attributes:
        outcome: the whole outcome.
        gone: true if the sandbox no longer has the contact.
    """

    outcome: dict[str, Any]
    contact_id: str = "7"
    token: str = "demo-editor"
    company: str = "acme"
    version: str = "2024-06-15"
    gone: bool = False


NOT_FOUND = rejection(404, message=NO_CONTACT) | sparse(404, "Not Found")

CASES = {
    "success": Case(deleted("7"), gone=True),
    "success-globex": Case(deleted("107"), "107", company="globex", gone=True),
    "success-by-absence": Case(deleted("7", "ABSENCE"), token="demo-dropped", gone=True),
    "outcome-unknown": Case(unknown(), token="demo-slow", gone=True),
    "validation": Case(
        rejection(400, message=INVALID, failures=[BAD_VERSION]) | whole(400, "Bad Request", INVALID),
        version="2023-01-01",
    ),
    "validation-bare": Case(
        rejection(400, message=INVALID, failures=[BAD_VERSION]), company="globex", version="2023-01-01"
    ),
    "unauthorized": Case(rejection(401, message=NO_TOKEN) | whole(401, "Unauthorized", NO_TOKEN), token="stolen"),
    "forbidden": Case(
        rejection(403, message=NO_PERMISSION) | whole(403, "Forbidden", NO_PERMISSION), token="demo-viewer"
    ),
    "forbidden-company": Case(rejection(403, message=NO_COMPANY), company="initech"),
    "not-found": Case(NOT_FOUND, "201"),
    "not-found-of-globex": Case(NOT_FOUND, "107"),
    "not-found-of-acme": Case(rejection(404, message=NO_CONTACT), company="globex"),
    "not-found-by-demo-dropped": Case(NOT_FOUND, "201", token="demo-dropped"),
    "not-found-by-demo-slow": Case(NOT_FOUND, "201", token="demo-slow"),
    "precondition-failed": Case(rejection(412, message=IN_USE) | sparse(412, "Precondition Failed"), "10"),
    "rate-limited": Case(rejection(429, message="Too many requests.", retryAfterSeconds=30), token="demo-throttled"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_a_delete_of_the_sandbox_has_its_outcome(tmp_path: Path, case: Case) -> None:
    database = tmp_path / "sandbox.db"
    headers = HEADERS | {
        "Authorization": f"Bearer {case.token}",
        "Wethod-Company": case.company,
        "Wethod-Version": case.version,
    }
    # A short deadline, so that demo-slow takes a second and not ten.
    environ = {"WETHOD_TRANSPORT": "httpx", "WETHOD_TIMEOUT_SECONDS": "1", "WETHOD_CONNECT_TIMEOUT_SECONDS": "1"}
    with serve_sandbox(database=database) as url:
        async with gateway(url, environ) as client:
            before = contacts_in(database)
            assert await client.delete(case.contact_id, headers) == case.outcome
            assert before - contacts_in(database) == ({(case.company, int(case.contact_id))} if case.gone else set())
