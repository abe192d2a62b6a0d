"""A headless Chromium, its windows, and a person's actions on the explorer's page."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from playwright.async_api import async_playwright

from tests.support import until
from tests.system_parts import require

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page, Request

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Without these, Chromium sends requests of its own.
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-quic", "--disable-sync")
PATIENCE_SECONDS = 30.0
Editor: TypeAlias = Literal["operation.graphql", "variables.json", "request-headers.json", "response.json"]
MODELS = "globalThis.__MONACO.editor.getModels()"
"""GraphiQL leaves Monaco where a page's own scripts find it."""


class Window:
    """A page of one origin in a browser, with the browser's warnings and requests."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.origin = origin
        self.complaints: list[str] = []
        self.requests: list[Request] = []
        page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("request", self._note)

    def _note(self, request: Request) -> None:
        self.requests.append(request)

    def assert_no_warnings(self) -> None:
        """No complaint of any kind in the console, and no request to another host."""
        assert self.complaints == []
        hosts = {urlsplit(request.url)[:2] for request in self.requests}
        assert hosts <= {urlsplit(self.origin)[:2]}


class ExplorerPage(Window):
    async def open(self, path: str = "/graphql") -> None:
        """Open the page, and wait until a person can type."""
        await self.page.goto(self.origin + path)
        await self.page.locator(".graphiql-query-editor .view-line").first.wait_for()
        await self.page.locator(".graphiql-editor-tool .graphiql-editor:not(.hidden) .view-line").first.wait_for()

    async def text(self, editor: Editor) -> str:
        """Everything in one of the editors, also what is scrolled out of sight."""
        found = await self.page.evaluate(f"{MODELS}.find(m => m.uri.path.endsWith('{editor}')).getValue()")
        assert isinstance(found, str)
        return found

    async def write(self, editor: Editor, text: str) -> None:
        await self.page.evaluate(f"{MODELS}.find(m => m.uri.path.endsWith('{editor}')).setValue({json.dumps(text)})")

    async def wait_for(self, editor: Editor, part: str) -> None:
        async def is_there() -> bool:
            return part in await self.text(editor)

        await until(is_there, PATIENCE_SECONDS)

    async def wait_until_read(self, part: str) -> None:
        """Wait until GraphiQL has read the name of the operation: 0.1 s after an edit, when it stores the document."""

        async def is_read() -> bool:
            stored = "Object.entries(localStorage).find(([key]) => key.endsWith(':query'))?.[1] ?? ''"
            return part in await self.page.evaluate(stored)

        await until(is_read, PATIENCE_SECONDS)

    async def run(self) -> dict[str, Any]:
        """Click on the one button; the answer that is shown."""
        await self.page.locator(".graphiql-execute-button").click()
        return await self.answer()

    async def answer(self) -> dict[str, Any]:
        """The answer to the operation that is running, once it is shown."""
        await until(lambda: self.text("response.json"), PATIENCE_SECONDS)
        found: dict[str, Any] = json.loads(await self.text("response.json"))
        return found

    async def stored(self) -> str:
        # The page stores an edit half a second after the last key.
        await asyncio.sleep(0.7)
        found = await self.page.evaluate(
            "JSON.stringify({local: {...localStorage}, session: {...sessionStorage}, cookie: document.cookie})"
        )
        assert isinstance(found, str)
        return found


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    require("chromium (Debian's package of that name)", present=CHROMIUM is not None)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            yield browser
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def new_page(browser: Browser, colors: Literal["light", "dark"] = "light") -> AsyncIterator[Page]:
    context = await browser.new_context(color_scheme=colors, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    try:
        yield await context.new_page()
    finally:
        await context.close()


@contextlib.asynccontextmanager
async def browse(
    browser: Browser, origin: str, *, colors: Literal["light", "dark"] = "light"
) -> AsyncIterator[ExplorerPage]:
    """Open a window with an empty profile, for GraphiQL at one origin."""
    async with new_page(browser, colors) as page:
        yield ExplorerPage(page, origin)
