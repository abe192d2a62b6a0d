"""Every row of the operation's contract, through a real socket."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from app.sandbox import serve_sandbox
from tests.sandbox.requests import address, contacts_in, editor
from tests.sandbox.words import BAD_VERSION, IN_USE, INVALID, NO_COMPANY, NO_CONTACT, NO_PERMISSION, NO_TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    import httpx


@dataclass(frozen=True)
class Row:
    id: str
    status: int
    body: dict[str, Any] | None
    method: str = "DELETE"
    path: str = "/api/contact/1"
    token: str | None = "demo-editor"
    company: str | None = "acme"
    version: str | None = "2024-06-15"
    answered_headers: dict[str, str] = field(default_factory=dict)


def enveloped(status: int, phrase: str, key: str, message: str) -> dict[str, Any]:
    return {
        "headers": {"cache-control": ["no-cache, private"], "content-type": ["application/json"]},
        "content": message,
        "version": "1.1",
        "status_code": status,
        "status_text": phrase,
        "charset": "UTF-8",
        "encoding_options": 64,
        "key": key,
        "message": message,
    }


def sparse(status: int, phrase: str, key: str, message: str) -> dict[str, Any]:
    return {"headers": [], "status_code": status, "status_text": phrase, "key": key, "message": message}


def bare(key: str, message: str) -> dict[str, Any]:
    return {"key": key, "message": message}


NOT_FOUND = sparse(404, "Not Found", "not_found", NO_CONTACT)
UNAUTHORIZED = enveloped(401, "Unauthorized", "unauthorized", NO_TOKEN)
FORBIDDEN = enveloped(403, "Forbidden", "forbidden", NO_PERMISSION)
BAD_ID = {"field": "id", "message": "This value must be an integer from 1 to 9223372036854775807."}
NO_HEADER = "This value is required."
MISSING_COMPANY = {"field": "Wethod-Company", "message": NO_HEADER}
NO_PATH = bare("route_not_found", "There is nothing at this path.")
NO_METHOD = bare("method_not_allowed", "This method is not allowed here.")
ALLOW = {"allow": "DELETE, GET, HEAD"}
BEARER = {"www-authenticate": "Bearer"}


def invalid(*failures: dict[str, str], envelope: bool = True) -> dict[str, Any]:
    body = enveloped(400, "Bad Request", "invalid_data", INVALID) if envelope else bare("invalid_data", INVALID)
    return {**body, "failures": list(failures)}


ROWS = [
    Row("200-deleted", 200, None),
    Row("200-deleted-of-globex", 200, None, path="/api/contact/101", company="globex"),
    Row("200-escaped-digit", 200, None, path="/api/contact/%31"),
    Row("200-query-ignored", 200, None, path="/api/contact/1?x=1"),
    Row("400-version", 400, invalid(BAD_VERSION), version="2023-01-01"),
    Row("400-no-version", 400, invalid({"field": "Wethod-Version", "message": NO_HEADER}), version=None),
    Row("400-no-company", 400, invalid(MISSING_COMPANY, envelope=False), company=None),
    Row("400-id", 400, invalid(BAD_ID), path="/api/contact/seven"),
    Row(
        "400-everything",
        400,
        invalid(BAD_ID, MISSING_COMPANY, BAD_VERSION, envelope=False),
        path="/api/contact/0",
        company=None,
        version="latest",
    ),
    Row("401-unknown-token", 401, UNAUTHORIZED, token="stolen", answered_headers=BEARER),
    Row("401-no-token", 401, UNAUTHORIZED, token=None, answered_headers=BEARER),
    Row(
        "401-before-everything",
        401,
        bare("unauthorized", NO_TOKEN),
        path="/api/contact/x",
        token="demo-editor2",
        company="nobody",
        version="x",
        answered_headers=BEARER,
    ),
    Row("403-viewer", 403, FORBIDDEN, token="demo-viewer"),
    Row("403-before-404", 403, FORBIDDEN, path="/api/contact/999", token="demo-viewer"),
    Row("403-unknown-company", 403, bare("forbidden", NO_COMPANY), company="initech"),
    Row("404-absent", 404, NOT_FOUND, path="/api/contact/201"),
    Row("404-largest-id", 404, NOT_FOUND, path=f"/api/contact/{2**63 - 1}"),
    Row("404-of-globex", 404, NOT_FOUND, path="/api/contact/101"),
    Row("404-of-acme", 404, bare("not_found", NO_CONTACT), company="globex"),
    *(
        Row(f"404-absent-for-{token}", 404, NOT_FOUND, path="/api/contact/201", token=token)
        for token in ("demo-slow", "demo-dropped")
    ),
    Row("412-in-use", 412, sparse(412, "Precondition Failed", "precondition_failure", IN_USE), path="/api/contact/10"),
    Row(
        "429-throttled",
        429,
        {"message": "Too many requests."},
        token="demo-throttled",
        answered_headers={"x-ratelimit-retry-after": "30"},
    ),
    Row("404-other-path", 404, NO_PATH, path="/api/companies"),
    Row("404-root", 404, NO_PATH, path="/"),
    Row("404-no-id", 404, NO_PATH, path="/api/contact/"),
    Row("404-trailing-slash", 404, NO_PATH, path="/api/contact/1/"),
    Row("404-escaped-slash", 404, NO_PATH, path="/api/contact/1%2F1"),
    *(
        Row(f"405-{method}", 405, NO_METHOD, method=method, answered_headers=ALLOW)
        for method in ("POST", "PUT", "PATCH", "OPTIONS")
    ),
    Row("405-list", 405, NO_METHOD, path="/api/contacts", answered_headers={"allow": "GET, HEAD"}),
]


def request_headers(row: Row) -> dict[str, str]:
    headers = {
        "Authorization": row.token and f"Bearer {row.token}",
        "Wethod-Company": row.company,
        "Wethod-Version": row.version,
    }
    return {name: value for name, value in headers.items() if value is not None}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
async def test_a_request_gets_the_exact_response_of_its_row(tmp_path: Path, row: Row) -> None:
    """Only a 200 deletes a contact."""
    database = tmp_path / "sandbox.db"
    with serve_sandbox(database=database) as url:
        async with editor(url, {}) as client:
            before = contacts_in(database)
            answer = await client.request(row.method, row.path, headers=request_headers(row))
            gone = before - contacts_in(database)

    expected_headers = {"content-length": str(len(answer.content)), **row.answered_headers}
    if row.body is not None:
        expected_headers["content-type"] = "application/json"
    assert answer.status_code == row.status
    assert (answer.json() if answer.content else None) == row.body
    assert {name: value for name, value in answer.headers.items() if name != "date"} == expected_headers
    assert gone == ({(row.company, 1 if row.company == "acme" else 101)} if row.status == 200 else set())


async def test_a_blank_company_is_a_missing_one(sandbox: str) -> None:
    reader, writer = await asyncio.open_connection(*address(sandbox))
    writer.write(
        b"DELETE /api/contact/7 HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n"
        b"Authorization: Bearer demo-editor\r\nWethod-Company:  \r\nWethod-Version: 2024-06-15\r\n\r\n"
    )
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body) == invalid(MISSING_COMPANY, envelope=False)


async def test_a_contact_can_be_seen_until_it_is_deleted(client: httpx.AsyncClient) -> None:
    before = await client.get("/api/contact/7")
    deleted = await client.delete("/api/contact/7")
    after = await client.get("/api/contact/7")
    again = await client.delete("/api/contact/7")

    assert before.json() == {
        "id": 7,
        "created_at": "2024-07-09T02:00:00+00:00",
        "updated_at": "2024-07-09T02:00:00+00:00",
        "client_id": 2,
        "email": "giulia.greco@example.com",
        "name": "Giulia",
        "surname": "Greco",
        "role": "Chief financial officer",
        "notes": None,
        "linkedin": None,
        "description": None,
        "telephone": "+44 20 7946 0007",
    }
    assert [before.status_code, deleted.status_code, after.status_code, again.status_code] == [200, 200, 404, 404]


async def test_head_is_get_without_the_body(client: httpx.AsyncClient) -> None:
    get, head = await client.get("/api/contact/7"), await client.head("/api/contact/7")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(get.content)), b"")


@pytest.mark.parametrize(
    ("scheme", "status"), [("bearer", 200), ("BEARER", 200), ("Bearer ", 200), ("Basic", 401), ("", 401)]
)
async def test_the_scheme_is_bearer_in_any_case(client: httpx.AsyncClient, scheme: str, status: int) -> None:
    """RFC 9110 §11.1."""
    answer = await client.delete("/api/contact/7", headers={"Authorization": f"{scheme} demo-editor".strip()})
    assert answer.status_code == status


@pytest.mark.parametrize(("name", "status"), [("Authorization", 401), ("Wethod-Company", 400), ("Wethod-Version", 400)])
async def test_a_repeated_header_is_refused(client: httpx.AsyncClient, name: str, status: int) -> None:
    headers = [*client.headers.items(), (name, client.headers[name])]
    async with editor(str(client.base_url), {}) as other:
        answer = await other.delete("/api/contact/7", headers=headers)
    failures = None if status == 401 else [{"field": name, "message": "This value must be given once."}]
    assert (answer.status_code, answer.json().get("failures")) == (status, failures)


async def test_a_version_beyond_ascii_is_unknown(client: httpx.AsyncClient) -> None:
    answer = await client.delete(
        "/api/contact/7", headers={b"Wethod-Version": "2024\N{EN DASH}06\N{EN DASH}15".encode()}
    )
    assert answer.json()["failures"] == [BAD_VERSION]


async def test_a_body_is_ignored(client: httpx.AsyncClient) -> None:
    first = await client.request("DELETE", "/api/contact/7", content=b"x" * 200_000)
    second = await client.delete("/api/contact/8")
    assert (first.status_code, second.status_code) == (200, 200)


async def test_exactly_one_of_concurrent_deletes_finds_the_contact(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(client.delete("/api/contact/7") for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 404: 19}


async def test_a_deleted_contact_leaves_the_other_company_alone(client: httpx.AsyncClient) -> None:
    refused = await client.delete("/api/contact/107")
    of_globex = {"Wethod-Company": "globex"}
    still_there = await client.get("/api/contact/107", headers=of_globex)
    deleted = await client.delete("/api/contact/107", headers=of_globex)
    assert (refused.status_code, still_there.status_code, deleted.status_code) == (404, 200, 200)


LISTED = [
    pytest.param("acme", "", [*range(1, 101)], id="all contacts"),
    pytest.param("globex", "", [*range(101, 201)], id="of-the-company-alone"),
    pytest.param("acme", "?limit=3&offset=5", [6, 7, 8], id="a-page"),
    pytest.param("acme", "?limit=100&offset=98", [99, 100], id="the-last-page"),
    pytest.param("acme", "?offset=100", [], id="past-the-end"),
    pytest.param("acme", "?client_id=2", [6, 7, 8, 9, 10], id="of-a-client"),
    pytest.param("acme", "?client_id=21", [], id="of-a-client-of-another-company"),
]


@pytest.mark.parametrize(("company", "query", "ids"), LISTED)
async def test_contacts_are_listed_by_id(client: httpx.AsyncClient, company: str, query: str, ids: list[int]) -> None:
    answer = await client.get(f"/api/contacts{query}", headers={"Wethod-Company": company})
    assert answer.status_code == 200
    assert [contact["id"] for contact in answer.json()] == ids


async def test_the_list_shows_which_contacts_can_be_deleted(client: httpx.AsyncClient) -> None:
    await client.delete("/api/contact/8")
    answer = await client.get("/api/contacts?limit=3&offset=6", headers={"Authorization": "Bearer demo-viewer"})
    assert answer.json() == [
        {"id": 7, "name": "Giulia", "surname": "Greco", "state": "free"},
        {"id": 9, "name": "Ivo", "surname": "Ivanov", "state": "free"},
        {"id": 10, "name": "Jana", "surname": "Jansen", "state": "in_use"},
    ]


async def test_a_bad_list_is_refused_with_every_failure(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/contacts?client_id=-1&limit=101&offset=x", headers={"Wethod-Version": "v1"})
    assert (answer.status_code, answer.json()) == (
        400,
        invalid(
            {"field": "client_id", "message": "This value must be an integer from 0 to 9223372036854775807."},
            {"field": "limit", "message": "This value must be an integer from 1 to 100."},
            {"field": "offset", "message": "This value must be an integer from 0 to 9223372036854775807."},
            BAD_VERSION,
        ),
    )


async def test_the_people_are_invented_and_always_the_same(client: httpx.AsyncClient) -> None:
    """Every address is in a domain for examples."""
    with serve_sandbox() as url:
        async with editor(url) as other:
            for company, first in (("acme", 1), ("globex", 101)):
                headers = {"Wethod-Company": company}
                paths = [f"/api/contact/{number}" for number in range(first, first + 100)]
                people = [(await client.get(path, headers=headers)).json() for path in paths]
                assert people == [(await other.get(path, headers=headers)).json() for path in paths]
                assert [person["id"] for person in people] == [*range(first, first + 100)]
                assert len({person["email"] for person in people}) == 100
                assert all(person["email"].endswith("@example.com") for person in people)
