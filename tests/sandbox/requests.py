"""Requests to a sandbox, and direct reads of its database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from tests.support import NO_TLS, until

if TYPE_CHECKING:
    from pathlib import Path

EDITOR_OF_ACME = {
    "Authorization": "Bearer demo-editor",
    "Wethod-Company": "acme",
    "Wethod-Version": "2024-06-15",
}


def address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def contacts_in(database: Path) -> set[tuple[str, int]]:
    """Company and id of every contact that is there, read past the sandbox."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        return set(connection.execute("SELECT company, id FROM contact"))


def editor(url: str, headers: dict[str, str] = EDITOR_OF_ACME) -> httpx.AsyncClient:
    """A client of a sandbox that ignores the environment's proxies."""
    return httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, verify=NO_TLS)


def status(url: str, method: str, number: int) -> int:
    """The status of one request about a contact of acme, for tests without an event loop."""
    with httpx.Client(base_url=url, headers=EDITOR_OF_ACME, trust_env=False, verify=NO_TLS) as client:
        return client.request(method, f"/api/contact/{number}").status_code


async def wait_until_gone(client: httpx.AsyncClient, number: int) -> None:
    """Wait until the client's company has no such contact, at most 15 seconds."""

    async def gone() -> bool:
        return (await client.get(f"/api/contact/{number}")).status_code == 404

    await until(gone)
