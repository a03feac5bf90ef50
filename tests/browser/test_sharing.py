"""A result is shared, seen by somebody else, and withdrawn: with and without scripts, by keyboard, on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.collection import LONG_NAME, Collection
from tests.browser.conftest import NewVisit
from tests.browser.test_everybody import AXE, axe, violations
from tests.browser.visit import Visit

# The first of them also waits for the server and its index.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
__all__ = ["AXE", "axe"]

GONE = "There is no such shared result"


def shared(visit: Visit, collection: Collection) -> str:
    """Search, share what is found, and return the link."""
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    visit.page.get_by_role("button", name="Share this result").click()
    link = visit.page.locator(".share-link a")
    expect(link).to_be_visible()
    return link.get_attribute("href") or ""


def pictures_are_there(visit: Visit) -> None:
    visit.until(
        "[...document.querySelectorAll('main img')].every((img) => img.complete && img.naturalWidth > 0)"
    )


def withdraw(page: Page) -> None:
    page.locator("summary", has_text="Withdraw the link").first.click()
    page.get_by_role("button", name="Withdraw it for good").first.click()
    expect(page.get_by_text("The link was withdrawn, and the picture deleted.")).to_be_visible()


def test_result_is_shared_in_its_page_seen_by_another_and_withdrawn(
    visit: Visit, new_visit: NewVisit, collection: Collection
) -> None:
    page = visit.page
    link = shared(visit, collection)
    assert re.fullmatch(rf"{re.escape(visit.url)}/s/[\w-]{{32}}", link)
    expect(page.locator(".share")).to_be_focused()
    expect(page.locator("#status")).to_have_text(
        "The link is made. Whoever has it sees this result and your picture."
    )
    expect(page.locator("#answer-heading")).to_be_visible()
    page.locator(".share").get_by_role("button", name="Copy the link").click()
    expect(page.locator(".share [data-copy]")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == link
    page.locator(".share").scroll_into_view_if_needed()
    visit.photograph("share-made")

    other = new_visit()
    other.open(link.removeprefix(visit.url))
    pictures_are_there(other)
    expect(other.page.locator("#answer-heading")).to_have_text("Match found")
    expect(other.page.get_by_text("You have shared this")).to_have_count(0)
    expect(other.page.locator(".judge")).to_have_count(0)
    other.page.locator("[data-copy]").first.click()
    expect(other.page.locator("#status")).to_contain_text("Copied: 0:0")
    other.photograph("shared")

    visit.open(link.removeprefix(visit.url))
    expect(page.get_by_text("You have shared this")).to_be_visible()
    pictures_are_there(visit)
    visit.photograph("shared-own")
    withdraw(page)
    for each in (visit, other):
        each.expected.append("the server responded with a status of 404")
        each.open(link.removeprefix(visit.url))
        expect(each.page.locator("h1")).to_have_text(GONE)
    other.photograph("shared-gone")


def test_pictures_of_a_shared_adult_result_are_blurred_until_they_are_asked_for(
    visit: Visit, new_visit: NewVisit, collection: Collection
) -> None:
    link = shared(visit, collection)
    other = new_visit()
    page = other.open(link.removeprefix(visit.url))
    blurred = re.compile(r"blur\(")
    asked = page.locator(".asked")
    card = page.locator(".card", has_text=LONG_NAME)
    for place in (asked, card):
        expect(place.locator("img")).to_have_css("filter", blurred)
    asked.get_by_role("checkbox").press("Space")
    expect(asked.locator("img")).to_have_css("filter", "none")
    expect(card.locator("img")).to_have_css("filter", blurred)
    card.get_by_role("link", name="Play it larger").click()
    expect(page.locator("dialog video")).to_have_css("filter", blurred)
    page.keyboard.press("Escape")
    page.reload()
    expect(asked.locator("img")).to_have_css("filter", blurred)


def test_sharing_needs_no_scripts(new_visit: NewVisit, collection: Collection) -> None:
    visit = new_visit(java_script_enabled=False)
    page = visit.open()
    visit.choose(collection.screenshot)
    page.get_by_role("button", name="Find the scene").click()
    page.get_by_role("button", name="Share this result").press("Enter")
    page.wait_for_url("**/s/*")
    expect(page.locator("#link-text")).to_have_text(page.url)
    expect(page.get_by_role("button", name="Copy the link")).to_be_hidden()
    pictures_are_there(visit)
    visit.photograph("shared-no-script")
    link = page.url
    page.get_by_role("link", name="Your shared results").press("Enter")
    expect(page.locator(".shares li")).to_have_count(1)
    page.locator(".shares a").press("Enter")
    expect(page.get_by_text("It is stored nowhere, and cannot be shown again.")).to_be_visible()
    page.go_back()
    page.locator("summary", has_text="Withdraw the link").press("Enter")
    page.get_by_role("button", name="Withdraw it for good").press("Enter")
    expect(page.get_by_text("You share nothing now.")).to_be_visible()
    visit.expected.append("the server responded with a status of 404")
    visit.open(link.removeprefix(visit.url))
    expect(page.locator("h1")).to_have_text(GONE)


def test_what_cannot_be_shared_is_told_in_the_page(visit: Visit, collection: Collection) -> None:
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    page = visit.page
    page.locator("input[name=picture]").evaluate("(field) => (field.value = 'another')")
    visit.expected.append("the server responded with a status of 410")
    page.get_by_role("button", name="Share this result").click()
    expect(page.locator(".share [role=alert] h2")).to_have_text("This result cannot be shared any more")
    expect(page.locator("#answer-heading")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_accessibility_rules_find_nothing(
    new_visit: NewVisit, collection: Collection, axe: str, scheme: str, width: int
) -> None:
    visit = new_visit(color_scheme=scheme, reduced_motion="reduce", viewport={"width": width, "height": 800})
    page = visit.open()
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    assert violations(page, axe) == []
    assert visit.overflow() == []
    visit.photograph(f"share-offer-{width}-{scheme}")
    link = shared(visit, collection).removeprefix(visit.url)
    assert violations(page, axe) == []
    assert visit.overflow() == []
    visit.photograph(f"share-made-{width}-{scheme}")
    visit.expected.append("the server responded with a status of 404")
    for name, path in (("own", link), ("list", "/shared"), ("gone", "/s/nothing")):
        visit.open(path)
        pictures_are_there(visit)
        if name != "gone":
            page.locator("summary").first.click()
        assert violations(page, axe) == [], name
        assert visit.overflow() == [], name
        visit.photograph(f"shared-{name}-{width}-{scheme}")
