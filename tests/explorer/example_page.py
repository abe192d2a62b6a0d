"""The example page in a browser, and a person's actions there."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tests.explorer.browser import Window, new_page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Locator


@dataclass(frozen=True, slots=True)
class Shown:
    label: str
    name: str
    code: str
    text: str


class ExamplePage(Window):
    async def open(self, path: str) -> None:
        await self.page.goto(self.origin + path)
        await self.page.locator("tbody tr").first.wait_for()

    def row(self, name: str) -> Locator:
        return self.page.locator("tbody tr", has=self.page.get_by_text(name, exact=True))

    @property
    def status(self) -> Locator:
        return self.page.get_by_role("status")

    async def names(self) -> list[str]:
        return await self.page.locator("tbody th > span:first-child").all_text_contents()

    async def choose(self, token: str) -> None:
        await self.page.get_by_label(token).check()

    async def delete(self, name: str, button: Literal["Delete", "Repeat"] = "Delete") -> Shown:
        """Click on the button in a contact's row; the outcome."""
        (shown,) = await self._outcomes_of(self.row(name).get_by_role("button", name=button))
        return shown

    async def delete_many(self, *names: str, more: str = "") -> list[Shown]:
        """Select contacts, type ids, and delete them all with one mutation; the outcomes."""
        for name in names:
            await self.page.get_by_label(f"Select {name}", exact=True).check()
        await self.page.get_by_label("Also delete these ids").fill(more)
        return await self._outcomes_of(self.page.get_by_role("button", name="Delete selected"))

    async def _outcomes_of(self, button: Locator) -> list[Shown]:
        entries = self.page.locator("#outcomes > li")
        before = await entries.count()
        await button.click()
        await entries.nth(before).wait_for()
        return [
            Shown(*[await item.locator(part).inner_text() for part in ("b", ".name", "code", ".text")])
            for item in await entries.first.locator("ul > li").all()
        ]


@contextlib.asynccontextmanager
async def browse_example(browser: Browser, origin: str, path: str = "/example") -> AsyncIterator[ExamplePage]:
    """Open a window with an empty profile on the example page."""
    async with new_page(browser) as page:
        example = ExamplePage(page, origin)
        await example.open(path)
        yield example
