"""A person at the page, in a real browser."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Literal

import pytest
from playwright.async_api import expect
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from app.explorer.page import STATIC, Explorer
from app.settings import load
from tests.explorer.browser import Editor, ExplorerPage, browse
from tests.explorer.gateway import sandbox_gateway, strips_prefix, tells_prefix
from tests.gateway import serve
from tests.system_parts import require

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from playwright.async_api import Browser
    from starlette.requests import Request
    from starlette.types import ASGIApp

SUCCESS = {
    "data": {
        "deleteContact": {
            "__typename": "DeleteContactSuccess",
            "deletedContactId": "1",
            "contact": {"id": "1"},
            "message": "Contact successfully deleted.",
            "confirmedBy": "RESPONSE",
        }
    }
}
NOT_FOUND = {
    "data": {
        "deleteContact": {
            "__typename": "WethodNotFoundError",
            "key": "not_found",
            "message": "The contact was not found.",
            "statusCode": 404,
        }
    }
}


@pytest.fixture(autouse=True)
def bundle() -> None:
    require("GraphiQL's bundle (scripts/explorer)", present=STATIC.is_dir())


@pytest.fixture
async def explorer(browser: Browser) -> AsyncIterator[ExplorerPage]:
    """GraphiQL on a new sandbox, opened."""
    async with sandbox_gateway() as origin, browse(browser, origin) as opened:
        await opened.open()
        yield opened


async def test_a_first_run_takes_one_click(explorer: ExplorerPage) -> None:
    assert await explorer.run() == SUCCESS
    await expect(explorer.page.locator(".result-window")).to_contain_text("DeleteContactSuccess")
    assert await explorer.run() == NOT_FOUND
    await expect(explorer.page.locator(".result-window")).to_contain_text("WethodNotFoundError")
    explorer.assert_no_warnings()
    operations = [request for request in explorer.requests if request.method == "POST"]
    assert [json.loads(request.post_data or "")["operationName"] for request in operations] == [
        "IntrospectionQuery",
        "DeleteContact",
        "DeleteContact",
    ]
    for request in operations:
        assert request.headers["accept"] == "application/graphql-response+json, application/json"
        assert request.headers["content-type"] == "application/json"
        assert not request.headers.get("referer")


async def test_the_second_tab_deletes_many(explorer: ExplorerPage) -> None:
    await explorer.page.get_by_role("tab", name="DeleteContacts").click()
    # A click on the button before GraphiQL has filled both editors would run half of each tab.
    await explorer.wait_until_read("deleteContacts(")
    await explorer.wait_for("variables.json", "ids")
    answer = await explorer.run()
    assert "errors" not in answer, answer
    assert [(entry["id"], entry["result"]["__typename"]) for entry in answer["data"]["deleteContacts"]] == [
        ("2", "DeleteContactSuccess"),
        ("10", "WethodPreconditionFailedError"),
        ("999", "WethodNotFoundError"),
        ("x", "WethodValidationError"),
    ]
    explorer.assert_no_warnings()


@pytest.mark.parametrize(
    ("sandbox", "note"),
    [(True, "sandbox: invented contacts"), (False, "live: a delete is final")],
    ids=["sandbox", "live"],
)
async def test_the_page_shows_if_deletes_are_real(browser: Browser, note: str, *, sandbox: bool) -> None:
    """For real contacts there is no token, and the id is blank."""
    explorer = Explorer(load({}), sandbox=sandbox)
    app = Starlette(routes=[Route("/graphql", lambda _: explorer.page()), *explorer.routes])
    async with serve(app) as origin, browse(browser, origin) as shown:
        await shown.open()
        await expect(shown.page.locator(".graphiql-logo")).to_have_text(note)
        assert ("demo-editor" in await shown.text("request-headers.json")) is sandbox
        assert json.loads(await shown.text("variables.json")) == {"id": "1" if sandbox else ""}


async def test_the_documentation_of_a_type_can_be_read(explorer: ExplorerPage) -> None:
    page = explorer.page
    await page.get_by_role("button", name="Show Documentation Explorer").click()
    docs = page.locator(".graphiql-doc-explorer")
    await docs.get_by_role("link", name="Mutation", exact=True).click()
    await expect(docs).to_contain_text("Delete a contact. Required permission: crm.edit.")
    await docs.get_by_role("link", name="DeleteContactResult").click()
    await docs.get_by_role("link", name="WethodRateLimitedError").click()
    await expect(docs.locator(".graphiql-doc-explorer-title")).to_have_text("WethodRateLimitedError")
    await expect(docs).to_contain_text("retryAfterSeconds")
    explorer.assert_no_warnings()


async def test_everything_works_by_keyboard_alone(explorer: ExplorerPage) -> None:
    keyboard = explorer.page.keyboard
    for _ in range(20):
        await keyboard.press("Tab")
        if await explorer.page.evaluate("!!document.activeElement.closest('.graphiql-query-editor')"):
            break
    await keyboard.press("Enter")
    await keyboard.press("Control+Enter")
    assert await explorer.answer() == SUCCESS
    await keyboard.press("Control+Alt+k")
    docs = explorer.page.locator(".graphiql-doc-explorer")
    await expect(docs.locator("input")).to_be_focused()
    await keyboard.type("WethodValidationErr")
    await expect(docs.get_by_role("option").first).to_contain_text("WethodValidationError")
    await keyboard.press("ArrowDown")
    await keyboard.press("Enter")
    await expect(docs.locator(".graphiql-doc-explorer-title")).to_have_text("WethodValidationError")
    explorer.assert_no_warnings()


@pytest.mark.parametrize(("colors", "dark"), [("light", False), ("dark", True)], ids=["light", "dark"])
async def test_the_page_follows_the_systems_colors(
    browser: Browser, colors: Literal["light", "dark"], *, dark: bool
) -> None:
    async with sandbox_gateway() as origin, browse(browser, origin, colors=colors) as explorer:
        await explorer.open()
        background = await explorer.page.evaluate(
            "getComputedStyle(document.querySelector('.graphiql-container')).backgroundColor"
        )
        channels = [int(number) for number in re.findall(r"\d+", background)[:3]]
        assert (sum(channels) < 3 * 128) is dark
        assert await explorer.page.evaluate("!!document.querySelector('.monaco-editor.vs-dark')") is dark
        explorer.assert_no_warnings()


async def test_the_browser_stores_no_token(explorer: ExplorerPage) -> None:
    """The document is stored, and comes back with the headers that the gateway suggests."""
    await explorer.write("request-headers.json", '{"Authorization": "Bearer secret-of-a-person"}')
    await explorer.write("operation.graphql", "query Mine { wethodContext { company } }")
    await expect(explorer.page.locator("#graphiql-session-tab-0")).to_have_text("Mine")
    await explorer.run()
    await explorer.page.get_by_role("button", name="New tab").click()
    stored = await explorer.stored()
    assert "query Mine" in stored
    assert "secret-of-a-person" not in stored
    assert "Bearer" not in stored
    # The switch that would store them is not offered.
    await explorer.page.get_by_role("button", name="Open settings dialog").click()
    await expect(explorer.page.get_by_role("dialog")).to_contain_text("Theme")
    await expect(explorer.page.get_by_role("dialog")).not_to_contain_text("Persist headers")

    await explorer.open()
    await explorer.page.get_by_role("button", name="Show History").click()
    await explorer.page.locator(".graphiql-history-item-label").first.click()
    assert await explorer.text("operation.graphql") == "query Mine { wethodContext { company } }"
    assert json.loads(await explorer.text("request-headers.json"))["Authorization"] == "Bearer demo-editor"
    await expect(explorer.page.locator("#graphiql-session-tab-0")).to_have_text("Mine")
    explorer.assert_no_warnings()


async def test_the_tabs_of_a_sandbox_do_not_come_back_for_real_contacts(browser: Browser) -> None:
    """The same address may serve both, one after the other."""
    explorer = Explorer(load({}), sandbox=True)

    async def page(request: Request) -> Response:
        del request
        return explorer.page()

    app = Starlette(routes=[Route("/graphql", page), *explorer.routes])
    async with serve(app) as origin, browse(browser, origin) as shown:
        await shown.open()
        assert "graphiql:tabState" in await shown.stored()
        explorer = Explorer(load({}), sandbox=False)
        await shown.open()
        assert json.loads(await shown.text("variables.json")) == {"id": ""}


async def test_a_reload_brings_back_what_was_there(browser: Browser) -> None:
    async with sandbox_gateway() as origin, browse(browser, origin) as explorer:
        for variables in (None, '{"id": "2"}'):
            await explorer.open()
            if variables:
                await explorer.write("variables.json", variables)
            editors: tuple[Editor, ...] = ("operation.graphql", "variables.json", "request-headers.json")
            before = [await explorer.text(editor) for editor in editors]
            await explorer.stored()
            await explorer.open()
            assert [await explorer.text(editor) for editor in editors] == before
            await expect(explorer.page.locator(".graphiql-tab-button")).to_have_count(2)
        explorer.assert_no_warnings()


async def test_the_page_works_with_a_damaged_history(explorer: ExplorerPage) -> None:
    await explorer.page.evaluate("localStorage['wethod-graphql:sandbox:/graphql:graphiql:queries'] = '{'")
    await explorer.open()
    assert await explorer.run() == SUCCESS
    explorer.assert_no_warnings()


@pytest.mark.parametrize(("behind", "path"), [(strips_prefix, "graphql/"), (tells_prefix, "graphql")])
async def test_the_page_works_behind_a_prefix(
    browser: Browser, behind: Callable[[ASGIApp], ASGIApp], path: str
) -> None:
    """With a gateway that knows the prefix, and one that does not."""
    async with sandbox_gateway(behind) as origin, browse(browser, origin) as explorer:
        await explorer.open(f"/crm/{path}")
        assert await explorer.run() == SUCCESS
        explorer.assert_no_warnings()
        assert all(request.url.startswith(f"{origin}/crm/graphql") for request in explorer.requests)


async def test_an_answer_that_is_not_graphql_is_shown_as_text(browser: Browser) -> None:
    """A proxy's page must not be rendered."""
    explorer = Explorer(load({}), sandbox=True)

    async def graphql(request: Request) -> Response:
        if request.method == "GET":
            return explorer.page()
        return HTMLResponse("<h1>Bad gateway</h1><script>document.title='owned'</script>", 502)

    app = Starlette(routes=[Route("/graphql", graphql, methods=["GET", "POST"]), *explorer.routes])
    async with serve(app) as origin, browse(browser, origin) as shown:
        await shown.open()
        answer = await shown.run()
        (error,) = answer["errors"]
        assert error["message"] == (
            "The answer is not JSON: HTTP 502, text/html; charset=utf-8. "
            "It begins: <h1>Bad gateway</h1><script>document.title='owned'</script>"
        )
        assert await shown.page.title() == "GraphiQL · wethod-graphql"


async def test_the_content_security_policy_is_enforced(explorer: ExplorerPage) -> None:
    refused = await explorer.page.evaluate(
        """async () => {
          const refused = new Set();
          document.addEventListener('securitypolicyviolation', (event) => refused.add(event.effectiveDirective));
          const script = document.createElement('script');
          script.textContent = 'globalThis.owned = true';
          const frame = document.createElement('iframe');
          frame.src = '/graphql';
          document.body.append(script, frame);
          document.body.insertAdjacentHTML('beforeend', '<style>body { color: red }</style>');
          document.body.insertAdjacentHTML('beforeend', '<img src="//example.invalid/" onerror="owned = true">');
          await fetch('//example.invalid/').catch(() => null);
          await new Promise((resolve) => setTimeout(resolve, 200));
          return [globalThis.owned ?? false, ...[...refused].sort()];
        }"""
    )
    assert refused == [
        False,
        "connect-src",
        "frame-src",
        "img-src",
        "script-src-attr",
        "script-src-elem",
        "style-src-elem",
    ]
