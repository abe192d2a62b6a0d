"""The command that takes the README's pictures: ``python -m tests.explorer.screenshot GRAPHIQL_FILE EXAMPLE_FILE``."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from tests.explorer.browser import browse, chromium
from tests.explorer.example_page import browse_example
from tests.explorer.gateway import IMPATIENT, sandbox_gateway

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page


async def take(graphiql: str, example: str) -> None:
    async with chromium() as browser:
        await take_graphiql(browser, graphiql)
        await take_example(browser, example)


async def take_graphiql(browser: Browser, file: str) -> None:
    """Run the example in the sandbox, open the documentation of an error, and save the window."""
    async with sandbox_gateway() as origin, browse(browser, origin) as explorer:
        page = explorer.page
        await page.set_viewport_size({"width": 1440, "height": 860})
        await explorer.open()
        await page.get_by_role("button", name="Show Documentation Explorer").click()
        docs = page.locator(".graphiql-doc-explorer")
        for name in ("Mutation", "DeleteContactResult"):
            await docs.get_by_role("link", name=name, exact=True).click()
        await explorer.run()
        await save(page, file)


async def take_example(browser: Browser, file: str) -> None:
    """Delete four contacts, each with another outcome, and one whose answer comes too late; save the window."""
    async with sandbox_gateway(environ=IMPATIENT) as origin, browse_example(browser, origin) as example:
        await example.page.set_viewport_size({"width": 1440, "height": 860})
        await example.delete_many("Ada Albani", "Jana Jansen", more="999 007")
        await example.choose("demo-slow")
        await example.delete("Carla Conti")
        await save(example.page, file)


async def save(page: Page, file: str) -> None:
    await page.mouse.move(1200, 600)
    await asyncio.sleep(1)  # for fonts, and for what fades
    await page.screenshot(path=file)


if __name__ == "__main__":
    asyncio.run(take(*sys.argv[1:]))
