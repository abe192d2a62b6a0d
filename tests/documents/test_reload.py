"""SIGHUP to the running program: every worker takes the new manifest of trusted documents, and drops no request."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.documents.requests import write_manifest
from tests.gateway import HEADERS
from tests.program import running
from tests.support import NO_TLS, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.program import Program

NOWHERE = "http://127.0.0.1:9"
OLD, NEW, KEPT = (f"query {name} {{ wethodContext {{ company }} }}" for name in ("Old", "New", "Kept"))
FOUND = (200, {"data": {"wethodContext": {"company": "acme"}}})
ASKERS = 8


def replace(manifest: Path, *texts: str) -> None:
    """Write a manifest whose keys have the names of the operations."""
    write_manifest(manifest, {f"key-{text.split()[1]}": text for text in texts})


async def ask(http: httpx.AsyncClient, url: str, key: str) -> tuple[int, object]:
    """Send one request by a key on a new connection, so that any worker may accept it."""
    headers = HEADERS | {"Connection": "close"}
    response = await http.post(f"{url}/graphql", json={"documentId": key}, headers=headers)
    return response.status_code, response.json()


async def is_everywhere(http: httpx.AsyncClient, url: str, key: str, *, known: bool) -> bool:
    """Return true if many requests in a row, answered by several workers, have the same answer."""
    answers = await asyncio.gather(*(ask(http, url, key) for _ in range(40)))
    return all((answer == FOUND) is known for answer in answers)


def errors(program: Program) -> list[str]:
    return [line for line in program.log if "the trusted documents stay as they were" in line]


@pytest.mark.parametrize("workers", [1, 2])
async def test_sighup_reloads_the_documents_of_every_worker(tmp_path: Path, workers: int) -> None:
    """No request fails meanwhile. Each worker refuses a bad manifest, logs why, and takes the next good one."""
    manifest = tmp_path / "manifest.json"
    replace(manifest, OLD, KEPT)
    environ = {"GATEWAY_TRUSTED_DOCUMENTS": str(manifest), "GATEWAY_WORKERS": str(workers)}
    async with running(NOWHERE, environ) as program, httpx.AsyncClient(timeout=10, verify=NO_TLS) as http:
        stop = asyncio.Event()
        answers: list[tuple[int, object]] = []

        async def go_on() -> None:
            while not stop.is_set():
                answers.append(await ask(http, program.url, "key-Kept"))

        asking = [asyncio.create_task(go_on()) for _ in range(ASKERS)]
        assert await is_everywhere(http, program.url, "key-Old", known=True)
        replace(manifest, "query Broken { nothing }")
        os.kill(program.process.pid, signal.SIGHUP)
        await until(lambda: len(errors(program)) >= workers)
        assert await is_everywhere(http, program.url, "key-Old", known=True)

        replace(manifest, NEW, KEPT, *(f"query Many{i} {{ wethodContext {{ company }} }}" for i in range(100)))
        os.kill(program.process.pid, signal.SIGHUP)
        await until(lambda: is_everywhere(http, program.url, "key-New", known=True))
        assert await is_everywhere(http, program.url, "key-Old", known=False)
        stop.set()
        await asyncio.gather(*asking)
        assert len(answers) > ASKERS
        assert answers == [FOUND] * len(answers)
        assert all(
            " ERROR " in line and "the document Broken (key-Broken) cannot be run: Cannot query field 'nothing'" in line
            for line in errors(program)
        )
        program.process.terminate()
        assert await program.wait(30) == 0
