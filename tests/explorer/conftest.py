"""One browser for all tests of the page; each has a window and a profile of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.explorer.browser import chromium

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started
