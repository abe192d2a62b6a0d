"""Python's clients against the live gateway and its sandbox; docs/clients.md shows their code as recipes."""

from __future__ import annotations

import asyncio
import importlib
import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Protocol

import pytest

from app.sandbox import serve_sandbox
from schema.sdl import api_sdl
from tests.clients.project import HERE
from tests.clients.recipes import gql_contact
from tests.gateway import gateway
from tests.system_parts import require_environment
from tests.upstream import Answer, answer, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from pathlib import Path

HEADERS = {"Authorization": "Bearer demo-editor", "Wethod-Company": "acme"}


class DeleteContact(Protocol):
    def __call__(self, url: str, headers: dict[str, str], contact_id: str) -> Awaitable[str]: ...


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ariadne-codegen's client, and the recipe that uses it."""
    # In an environment of its own, since it needs another graphql-core.
    programs = require_environment(HERE / ".venv", HERE / "ariadne-codegen.lock")
    folder = tmp_path_factory.mktemp("ariadne")
    for name in ("ariadne-codegen.toml", "delete_contact.graphql", "ariadne_contact.py"):
        shutil.copy(HERE / "recipes" / name, folder)
    (folder / "schema.graphql").write_text(api_sdl(), encoding="utf-8")
    command: list[str | Path] = [programs / "ariadne-codegen", "--config", "ariadne-codegen.toml"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def recipes(generated: Path) -> dict[str, DeleteContact]:
    sys.path.insert(0, str(generated))
    try:
        ariadne_contact = importlib.import_module("ariadne_contact")
    finally:
        sys.path.remove(str(generated))
    return {"gql": gql_contact.delete_contact, "ariadne-codegen": ariadne_contact.delete_contact}


@pytest.fixture(scope="module")
async def url() -> AsyncIterator[str]:
    with serve_sandbox() as wethod:
        async with gateway(wethod) as client:
            yield f"{client.url}/graphql"


CONTACTS = {"gql": "51", "ariadne-codegen": "52"}


@pytest.mark.parametrize("client", CONTACTS)
async def test_a_client_deletes_and_understands_every_outcome(
    recipes: dict[str, DeleteContact], url: str, client: str
) -> None:
    delete_contact = recipes[client]
    assert await delete_contact(url, HEADERS, CONTACTS[client]) == "The contact is gone."
    assert "not found" in await delete_contact(url, HEADERS, CONTACTS[client])
    assert "in use" in await delete_contact(url, HEADERS, "60")
    assert (await delete_contact(url, HEADERS, "x")).startswith("id: ")
    assert "Authorization" in await delete_contact(url, {"Wethod-Company": "acme"}, "53")


@pytest.mark.parametrize("client", CONTACTS)
async def test_an_error_of_a_later_version_is_not_a_success(recipes: dict[str, DeleteContact], client: str) -> None:
    """The models of ariadne-codegen refuse it, which the recipe handles."""
    outcome = {"__typename": "WethodConflictError", "key": "conflict", "message": "Being edited."}
    body = json.dumps({"data": {"deleteContact": outcome}}).encode()
    async with upstream([answer(200, body)]) as later:
        shown = await recipes[client](later.url, HEADERS, "1")
    assert shown == {"gql": "Being edited."}.get(client, "Something went wrong. Check if the contact is gone.")


async def test_the_clients_wait_longer_than_the_gateway(recipes: dict[str, DeleteContact]) -> None:
    """The default timeout of httpx would be shorter."""
    async with (
        upstream([Answer()]) as wethod,
        gateway(wethod.url, {"WETHOD_TIMEOUT_SECONDS": "5.5"}) as client,
    ):
        shown = await asyncio.gather(
            *(
                delete(f"{client.url}/graphql", HEADERS, str(contact))
                for contact, delete in enumerate(recipes.values(), 1)
            )
        )
    assert len(set(shown)) == 1
    assert "may be gone" in shown[0]


def test_the_generated_client_is_strictly_typed(generated: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "ariadne_contact.py"],
        cwd=generated,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
