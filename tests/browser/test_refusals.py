"""What cannot be searched, and what stands in the way, is told in the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.collection import Collection
from tests.browser.visit import Visit

# The first of them also waits for the server and its index.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_file_that_is_no_picture_is_refused(visit: Visit, collection: Collection) -> None:
    visit.choose(collection.text)
    visit.refused("This is not a picture that can be read")
    expect(visit.page.locator("#preview")).to_be_hidden()
    expect(visit.page.locator("#busy")).to_be_hidden()
    visit.photograph("not-a-picture")


def test_nothing_chosen_is_told(visit: Visit) -> None:
    visit.page.get_by_role("button", name="Find the scene").click()
    visit.refused("No picture yet")


def test_address_without_a_picture_is_refused(visit: Visit, picture_host: str) -> None:
    visit.page.fill("#url", f"{picture_host}/no-such-picture.jpg")
    visit.page.keyboard.press("Enter")
    visit.refused("The picture could not be fetched from that address")
    expect(visit.page.locator("#url")).to_have_value(f"{picture_host}/no-such-picture.jpg")


def test_pasted_words_are_no_picture(visit: Visit) -> None:
    visit.page.evaluate("navigator.clipboard.writeText('some words')")
    visit.page.keyboard.press("Control+V")
    visit.refused("There is no picture in that")


def test_huge_file_is_refused_before_it_is_sent(visit: Visit, tmp_path: Path) -> None:
    sent: list[str] = []
    visit.page.on("request", lambda request: sent.append(request.method))
    huge = tmp_path / "film.mp4"
    with huge.open("wb") as file:
        file.truncate(26 * 1024 * 1024 + 1)
    visit.choose(huge)
    visit.refused("This picture is too large")
    assert "POST" not in sent


def test_unreachable_server_is_told_and_the_next_try_works(visit: Visit, collection: Collection) -> None:
    visit.expected.append("net::ERR_INTERNET_DISCONNECTED")
    visit.page.context.set_offline(True)
    visit.choose(collection.screenshot)
    visit.refused("You are offline, or the server cannot be reached")
    visit.page.context.set_offline(False)
    visit.page.get_by_role("button", name="Find the scene").click()
    visit.answered("Match found")
    expect(visit.page.locator("[role=alert]")).to_have_count(0)


def test_page_that_lost_its_cookie_asks_to_be_reloaded(visit: Visit, collection: Collection) -> None:
    visit.page.context.clear_cookies()
    visit.choose(collection.screenshot)
    visit.refused("This page has been open for too long", 403)


def test_failed_search_takes_the_last_answer_away(visit: Visit, collection: Collection) -> None:
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    visit.choose(collection.text)
    visit.refused("This is not a picture that can be read")
    expect(visit.page.locator(".card")).to_have_count(0)
    assert visit.page.title() == "Find a scene – Frameproof"


def test_unknown_address_has_a_page_with_a_way_home(visit: Visit) -> None:
    visit.expected.append("the server responded with a status of 404")
    page = visit.open("/no/such/page")
    expect(page.locator("h1")).to_have_text("There is no such page")
    visit.photograph("not-found")
    page.get_by_role("main").get_by_role("link", name="Find a scene").click()
    expect(page.locator("#ask")).to_be_visible()
