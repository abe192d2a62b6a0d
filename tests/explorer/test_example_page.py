"""A person at the example page, in a real browser: the look of each outcome."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sqlite3
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.async_api import expect

from tests.explorer.example_page import ExamplePage, Shown, browse_example
from tests.explorer.gateway import IMPATIENT, sandbox_gateway, strips_prefix, tells_prefix

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from playwright.async_api import Browser, Route
    from starlette.types import ASGIApp

UNKNOWN = "The request was sent and no conclusive answer came. The contact may be gone; repeating is safe."
LOST = "The answer did not reach this page. The contact may be gone; repeating is safe."
IN_USE = "The contact is in use and cannot be deleted."
NOT_FOUND = Shown("Not found", "Ada Albani", "WethodNotFoundError", "The contact was not found.")


@contextlib.asynccontextmanager
async def example_on_sandbox(browser: Browser, **environ: str) -> AsyncIterator[ExamplePage]:
    """Open the page on a new sandbox."""
    async with sandbox_gateway(environ=IMPATIENT | environ) as origin, browse_example(browser, origin) as example:
        yield example


@pytest.fixture
async def example(browser: Browser) -> AsyncIterator[ExamplePage]:
    async with example_on_sandbox(browser) as opened:
        yield opened


class Held:
    """Answers to a page, on their way until ``release`` is set."""

    def __init__(self) -> None:
        self.arrived, self.release = asyncio.Event(), asyncio.Event()

    async def answer(self, route: Route) -> None:
        response = await route.fetch()
        self.arrived.set()
        await self.release.wait()
        await route.fulfill(response=response)


async def delete_elsewhere(origin: str, contact_id: int) -> None:
    headers = {"Authorization": "Bearer demo-editor", "Wethod-Company": "acme"}
    query = f"mutation {{ deleteContact(id: {contact_id}) {{ __typename }} }}"
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{origin}/graphql", json={"query": query}, headers=headers)
    assert answer.json() == {"data": {"deleteContact": {"__typename": "DeleteContactSuccess"}}}


@pytest.mark.parametrize(
    ("token", "evidence", "text"),
    [
        ("demo-editor", "RESPONSE", "Contact successfully deleted."),
        ("demo-dropped", "ABSENCE", "The company has no such contact any more."),
    ],
)
async def test_a_deleted_contact_leaves_the_list(example: ExamplePage, token: str, evidence: str, text: str) -> None:
    """After Wethod's answer, and after the repeat of a lost answer; the list is not loaded again."""
    await example.choose(token)
    assert await example.delete("Ada Albani") == Shown(
        "Deleted", "Ada Albani", f"DeleteContactSuccess, {evidence}", text
    )
    await expect(example.row("Ada Albani")).to_have_count(0)
    await expect(example.status).to_have_text(f"Ada Albani: Deleted. {text}")
    await expect(example.page.get_by_role("heading", name="Contacts of acme (99)")).to_be_visible()
    assert [request.url.rpartition("/")[2] for request in example.requests].count("contacts") == 1
    example.assert_no_warnings()


async def test_a_contact_that_is_not_found_reloads_the_list(example: ExamplePage) -> None:
    """The list was stale."""
    await delete_elsewhere(example.origin, 1)
    await delete_elsewhere(example.origin, 2)
    await expect(example.row("Ada Albani")).to_be_visible()
    assert await example.delete("Ada Albani") == NOT_FOUND
    await expect(example.row("Ada Albani")).to_have_count(0)
    await expect(example.row("Bruno Berger")).to_have_count(0)
    await expect(example.row("Carla Conti")).to_be_visible()
    example.assert_no_warnings()


async def test_an_unknown_outcome_stays_greyed_out_and_can_be_repeated(example: ExamplePage) -> None:
    await example.choose("demo-slow")
    row = example.row("Ada Albani")
    color = "element => getComputedStyle(element.querySelector('th > span')).color"
    usual = await row.evaluate(color)
    assert await example.delete("Ada Albani") == Shown("Unknown", "Ada Albani", "WethodOutcomeUnknownError", UNKNOWN)
    await expect(row.locator(".note")).to_have_text(UNKNOWN)
    assert await row.evaluate(color) != usual
    await example.choose("demo-editor")
    assert await example.delete("Ada Albani", "Repeat") == Shown(
        "Gone", "Ada Albani", "WethodNotFoundError", "The contact was not found."
    )
    await expect(row).to_have_count(0)
    example.assert_no_warnings()


async def test_a_reload_settles_an_unknown_outcome(example: ExamplePage) -> None:
    await example.choose("demo-slow")
    await example.delete("Ada Albani")
    await example.page.get_by_role("button", name="Reload").click()
    await expect(example.status).to_have_text("No longer unknown, gone: Ada Albani.")
    await expect(example.row("Ada Albani")).to_have_count(0)


@pytest.mark.parametrize(
    ("token", "name", "code", "text"),
    [
        pytest.param("demo-editor", "Jana Jansen", "WethodPreconditionFailedError", IN_USE, id="in-use"),
        pytest.param(
            "demo-viewer",
            "Ada Albani",
            "WethodForbiddenError",
            "You do not have the permission crm.edit.",
            id="forbidden",
        ),
        pytest.param(
            "demo-throttled",
            "Ada Albani",
            "WethodRateLimitedError",
            "Too many requests. Repeat in 30 s.",
            id="rate-limited",
        ),
        pytest.param(
            "no token",
            "Ada Albani",
            "WethodUnauthorizedError",
            "The header Authorization did not arrive.",
            id="unauthorized",
        ),
    ],
)
async def test_a_contact_that_was_not_deleted_stays_with_the_reason(
    example: ExamplePage, token: str, name: str, code: str, text: str
) -> None:
    await example.choose(token)
    shown = await example.delete(name)
    assert (shown.label, shown.name, shown.code) == ("Not deleted", name, code)
    assert shown.text.startswith(text)
    await expect(example.row(name).locator(".note")).to_have_text(shown.text)
    await expect(example.row(name).get_by_role("button")).to_have_text("Delete")
    assert len(await example.names()) == 100
    example.assert_no_warnings()


async def test_a_bulk_shows_the_outcome_of_each_entry(example: ExamplePage) -> None:
    assert await example.delete_many("Ada Albani", "Jana Jansen", more="999, 007") == [
        Shown("Deleted", "Ada Albani", "DeleteContactSuccess, RESPONSE", "Contact successfully deleted."),
        Shown("Not deleted", "Jana Jansen", "WethodPreconditionFailedError", IN_USE),
        Shown("Not found", "Id 999", "WethodNotFoundError", "The contact was not found."),
        Shown(
            "Not deleted",
            "Id 007",
            "WethodValidationError",
            "id: Must be a whole number from 1 to 9223372036854775807.",
        ),
    ]
    await expect(example.status).to_have_text("Deleted: 1, Not deleted: 2, Not found: 1.")
    await expect(example.row("Ada Albani")).to_have_count(0)
    await expect(example.row("Jana Jansen").locator(".note")).to_have_text(IN_USE)
    await expect(example.page.get_by_label("Also delete these ids")).to_have_value("")
    (mutation,) = [request for request in example.requests if request.method == "POST"]
    assert json.loads(mutation.post_data or "")["variables"] == {"ids": ["1", "10", "999", "007"]}
    example.assert_no_warnings()


async def test_all_contacts_can_be_selected(browser: Browser) -> None:
    """Every tenth is in use, and one answer is lost twice."""
    async with example_on_sandbox(browser, WETHOD_TIMEOUT_SECONDS="10") as example:
        await example.page.get_by_label("Select all contacts").check()
        await expect(example.page.get_by_role("button", name="Delete selected (100)")).to_be_visible()
        shown = await example.delete_many()
        assert len(shown) == 100
        await expect(example.status).to_have_text("Deleted: 89, Not deleted: 10, Unknown: 1.")
        assert len(await example.names()) == 11
        example.assert_no_warnings()


async def test_a_refused_request_deletes_nothing(browser: Browser) -> None:
    async with example_on_sandbox(browser, GATEWAY_MAX_DELETES="1") as example:
        shown = await example.delete_many("Ada Albani", "Bruno Berger")
        assert [(entry.label, entry.code) for entry in shown] == [("Not deleted", "LIMIT_EXCEEDED")] * 2
        await expect(example.row("Ada Albani").get_by_role("button")).to_have_text("Delete")
        await expect(example.row("Ada Albani").locator(".note")).to_have_text(shown[0].text)


@pytest.mark.parametrize("fate", ["lost", "page of a proxy", "bug"])
async def test_an_answer_that_does_not_arrive_is_unknown(example: ExamplePage, fate: str) -> None:
    """The page must not show it as a delete that was not done."""

    async def answer(route: Route) -> None:
        if fate == "lost":
            await route.abort()
        elif fate == "page of a proxy":
            await route.fulfill(status=502, content_type="text/html", body="<h1>Bad gateway</h1>")
        else:
            errors = [{"message": "Internal error", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]
            await route.fulfill(status=500, json={"errors": errors})

    await example.page.route("**/graphql", answer)
    assert await example.delete("Ada Albani") == Shown("Unknown", "Ada Albani", "no answer", LOST)
    await expect(example.row("Ada Albani").get_by_role("button")).to_have_text("Repeat")


@pytest.mark.parametrize("member", ["WethodUnexpectedResponseError", "WethodMemberOfALaterVersionError"])
async def test_a_member_that_says_nothing_about_the_contact_is_unknown(example: ExamplePage, member: str) -> None:
    """The page does not claim that the contact was not deleted."""
    outcome = {"__typename": member, "key": "k", "message": "The contact may be gone.", "statusCode": 409}

    async def answer(route: Route) -> None:
        await route.fulfill(json={"data": {"deleteContact": outcome}})

    await example.page.route("**/graphql", answer)
    assert await example.delete("Ada Albani") == Shown("Unknown", "Ada Albani", member, "The contact may be gone.")
    await expect(example.row("Ada Albani").get_by_role("button")).to_have_text("Repeat")


async def test_an_older_list_does_not_bring_a_deleted_contact_back(example: ExamplePage) -> None:
    lists = Held()
    await example.page.route("**/example/contacts", lists.answer)
    await example.page.get_by_role("button", name="Reload").click()
    await lists.arrived.wait()
    await example.delete("Ada Albani")
    lists.release.set()
    await expect(example.status).to_have_text("The list has 99 contacts.")
    await expect(example.row("Ada Albani")).to_have_count(0)


async def test_a_row_waits_for_its_outcome_through_a_reload(example: ExamplePage) -> None:
    outcomes = Held()
    await example.page.route("**/graphql", outcomes.answer)
    row = example.row("Ada Albani")
    await row.get_by_role("button").click()
    await outcomes.arrived.wait()
    await example.page.get_by_role("button", name="Reload").click()
    await expect(example.status).to_have_text("The list has 100 contacts.")
    await expect(row.get_by_role("button")).to_have_text("Deleting…")
    outcomes.release.set()
    await expect(example.status).to_have_text("Ada Albani: Deleted. Contact successfully deleted.")
    await expect(row).to_have_count(0)


async def test_a_list_that_cannot_be_loaded_is_announced(example: ExamplePage) -> None:
    async def answer(route: Route) -> None:
        await route.fulfill(status=502, json={"message": "The sandbox does not answer."})

    await example.page.route("**/example/contacts", answer)
    await example.page.get_by_role("button", name="Reload").click()
    await expect(example.status).to_have_text("The list cannot be loaded. The sandbox does not answer.")
    assert len(await example.names()) == 100


async def test_markup_in_names_and_messages_is_shown_as_text(browser: Browser, tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)><script>document.title='owned'</script>"
    database = tmp_path / "sandbox.db"
    async with sandbox_gateway(environ=IMPATIENT, database=database) as origin:
        with contextlib.closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("UPDATE contact SET name = ?, surname = 'Albani' WHERE id IN (1, 10)", (hostile,))
        async with browse_example(browser, origin) as example:
            assert (await example.names())[0] == f"{hostile} Albani"
            await example.page.get_by_label("Select <img").first.check()
            (shown,) = await example.delete_many(more="")
            assert shown.name == f"{hostile} Albani"
            (shown,) = await example.delete_many(more="<b>1</b>")
            assert (shown.name, shown.code) == ("Id <b>1</b>", "WethodValidationError")
            await example.page.get_by_text("GraphQL: request and answer").first.click()
            await expect(example.page.locator("pre").nth(1)).to_contain_text("<b>1</b>")
            assert await example.page.locator("main").locator("img, script, li b b").count() == 0
            assert await example.page.title() == "Delete contacts · wethod-graphql"
            example.assert_no_warnings()


async def test_the_page_works_by_keyboard_alone(example: ExamplePage) -> None:
    keyboard = example.page.keyboard
    await example.page.get_by_label("demo-editor").focus()
    for _ in range(3):
        await keyboard.press("ArrowRight")
    await expect(example.page.get_by_label("demo-slow")).to_be_checked()
    await example.page.get_by_role("button", name="Delete Ada Albani").focus()
    await keyboard.press("Enter")
    repeat = example.page.get_by_role("button", name="Repeat: delete Ada Albani")
    await expect(repeat).to_be_focused()
    await keyboard.press("Enter")
    await expect(example.page.get_by_role("button", name="Delete Bruno Berger")).to_be_focused()
    await keyboard.press("Shift+Tab")
    await keyboard.press("Space")
    await expect(example.page.get_by_label("Select Bruno Berger")).to_be_checked()
    await expect(example.page.get_by_role("button", name="Delete selected (1)")).to_be_visible()
    example.assert_no_warnings()


async def test_a_delete_that_is_in_progress_is_not_sent_again(example: ExamplePage) -> None:
    outcomes = Held()
    await example.page.route("**/graphql", outcomes.answer, times=1)
    button = example.row("Ada Albani").get_by_role("button")
    await button.click()
    await expect(button).to_have_text("Deleting…")
    await expect(example.page.get_by_label("Select Ada Albani")).to_be_disabled()
    await button.click(force=True)
    assert await example.delete_many("Jana Jansen", more="1") == [
        Shown("Not deleted", "Jana Jansen", "WethodPreconditionFailedError", IN_USE)
    ]
    outcomes.release.set()
    await expect(example.row("Ada Albani")).to_have_count(0)
    assert len([request for request in example.requests if request.method == "POST"]) == 2


async def test_every_control_has_a_name(example: ExamplePage) -> None:
    tree = await example.page.locator("body").aria_snapshot()
    assert tree.count("- button") == 102
    assert tree.count("- checkbox") == 101
    assert re.findall(r"- (?:button|checkbox|radio|textbox)(?: \[.*\])?$", tree, re.MULTILINE) == []


@pytest.mark.parametrize(("behind", "path"), [(strips_prefix, "example/"), (tells_prefix, "example")])
async def test_the_page_works_behind_a_prefix(
    browser: Browser, behind: Callable[[ASGIApp], ASGIApp], path: str
) -> None:
    async with sandbox_gateway(behind) as origin, browse_example(browser, origin, f"/crm/{path}") as example:
        assert (await example.delete("Ada Albani")).label == "Deleted"
        await expect(example.page.get_by_role("link", name="GraphiQL")).to_have_attribute(
            "href", f"{origin}/crm/graphql"
        )
        assert all(request.url.startswith(f"{origin}/crm/") for request in example.requests)
        example.assert_no_warnings()


async def test_the_page_sends_what_the_settings_ask_for(browser: Browser) -> None:
    environ = {
        "GATEWAY_AUTHORIZATION_HEADER": "Wethod-Authorization",
        "WETHOD_COMPANY": "globex",
        "GATEWAY_GRAPHIQL": "false",
    }
    async with example_on_sandbox(browser, **environ) as example:
        await expect(example.page.get_by_role("heading", name="Contacts of globex (100)")).to_be_visible()
        assert (await example.delete((await example.names())[0])).label == "Deleted"
        await expect(example.page.get_by_role("link", name="GraphiQL", include_hidden=True)).to_be_hidden()
        example.assert_no_warnings()
