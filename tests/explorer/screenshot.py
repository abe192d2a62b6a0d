"""Takes the picture of GraphiQL that the README shows: ``python -m tests.explorer.screenshot FILE``."""

from __future__ import annotations

import asyncio
import sys

from tests.explorer.browser import browse, chromium
from tests.explorer.gateway import sandbox_gateway


async def take(file: str) -> None:
    """Run the example in the sandbox, open the documentation of an error, and save the window."""
    async with (
        sandbox_gateway() as origin,
        chromium() as browser,
        browse(browser, origin) as explorer,
    ):
        page = explorer.page
        await page.set_viewport_size({"width": 1440, "height": 860})
        await explorer.open(f"{origin}/graphql")
        await page.get_by_role("button", name="Show Documentation Explorer").click()
        docs = page.locator(".graphiql-doc-explorer")
        for name in ("Mutation", "DeleteContactResult"):
            await docs.get_by_role("link", name=name, exact=True).click()
        await explorer.run()
        await page.mouse.move(1200, 600)
        await asyncio.sleep(1)  # for fonts, and for what fades
        await page.screenshot(path=file)


if __name__ == "__main__":
    asyncio.run(take(sys.argv[1]))
