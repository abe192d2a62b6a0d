"""A sandbox for each test, and a client that speaks to it as an editor of acme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.sandbox import serve_sandbox
from tests.sandbox.requests import editor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import httpx


@pytest.fixture
def sandbox() -> Iterator[str]:
    with serve_sandbox() as url:
        yield url


@pytest.fixture
async def client(sandbox: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose headers may delete contacts of acme."""
    async with editor(sandbox) as client:
        yield client
