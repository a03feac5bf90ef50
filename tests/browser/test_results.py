"""What can be done with a result: look in its title alone, say whether it is right, see what is left."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.collection import ANILIST_ID, LONG_NAME, Collection
from tests.browser.conftest import NewVisit
from tests.browser.visit import Visit

# The first of them also waits for the server and its index.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_title_of_a_result_is_looked_in_alone_and_left_again(visit: Visit, collection: Collection) -> None:
    page = visit.page
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    card = page.locator(".card", has_text=LONG_NAME)
    card.get_by_role("link", name="Search only in this anime").click()
    expect(page.locator("#only")).to_contain_text("Only in That Time I Was Reborn")
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator(".card")).to_contain_text(LONG_NAME)
    assert visit.overflow() == []
    visit.photograph("only-in")
    page.get_by_role("link", name="Search in all").click()
    visit.answered("Match found")
    expect(page.locator("#only")).to_be_hidden()


def test_title_is_looked_in_alone_without_scripts(new_visit: NewVisit, collection: Collection) -> None:
    visit = new_visit(java_script_enabled=False)
    page = visit.open(f"/anime/{ANILIST_ID}")
    page.get_by_role("link", name="Search only in this anime").click()
    expect(page.locator("#only")).to_be_visible()
    visit.choose(collection.screenshot)
    page.get_by_role("button", name="Find the scene").click()
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator(".card")).to_contain_text(LONG_NAME)
    page.get_by_role("button", name="Wrong").click()
    expect(page.locator(".judged")).to_have_text("Thank you. It does not count in the rankings.")
    assert page.url.endswith("/searches/judge")


def test_word_on_a_result_is_taken_in_the_page(visit: Visit, collection: Collection) -> None:
    page = visit.page
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    form = page.locator(".judge").first
    visit.photograph("judge")
    form.get_by_role("button", name="This is right").press("Enter")
    expect(form.locator(".judged")).to_have_text(
        "Thank you. Right results with a title count in the rankings."
    )
    expect(form).to_be_focused()
    expect(page.locator("#status")).to_have_text(
        "Thank you. Right results with a title count in the rankings."
    )
    expect(page.locator("#answer-heading")).to_be_visible()


def test_time_until_there_are_more_searches_counts_down(visit: Visit) -> None:
    page = visit.page
    page.evaluate(
        """() => {
          const line = document.createElement("span");
          line.dataset.resetsAt = new Date(Date.now() + 2500).toISOString();
          line.dataset.text = "More in {time}.";
          line.dataset.textNow = "There are more now.";
          document.getElementById("left").append(line);
        }"""
    )
    line = page.locator("#left [data-resets-at]")
    expect(line).to_have_text("More in 0:00:02.")
    expect(line).to_have_text("There are more now.")
