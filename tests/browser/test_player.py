"""A scene in large: in a dialog, as a page of its own, by keyboard, without scripts, blurred where it is for adults."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.collection import LONG_NAME, SHOWN_TITLE, Collection
from tests.browser.conftest import NewVisit
from tests.browser.test_everybody import AXE, axe, violations
from tests.browser.visit import Visit

# The first of them also waits for the server and its index.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
__all__ = ["AXE", "axe"]

CLIP = "Big Buck Bunny.mp4"


def larger(visit: Visit, collection: Collection, name: str = CLIP) -> Page:
    """Search, and open a result in large."""
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    visit.page.locator(".card", has_text=name).get_by_role("link", name="Play it larger").click()
    expect(visit.page.locator("#scene-heading")).to_be_visible()
    return visit.page


def shown(visit: Visit) -> None:
    """Wait until every frame of the film is there, which takes scrolling to those below."""
    visit.page.locator(".film li").last.scroll_into_view_if_needed()
    visit.until("[...document.querySelectorAll('.film img')].every((img) => img.naturalWidth > 0)")


def test_scene_plays_in_a_dialog_and_its_frames_play_from_there(visit: Visit, collection: Collection) -> None:
    page = larger(visit, collection)
    video = page.locator("dialog video")
    visit.until("document.querySelector('dialog video').currentTime > 0.2")
    shown(visit)
    visit.photograph("larger")
    frame = page.locator(".film-frame").nth(1)
    frame.click()
    expect(frame).to_have_attribute("aria-current", "true")
    expect(page.locator(".film-frame[aria-current]")).to_have_count(1)
    expect(page.locator(".player-now")).to_have_text(re.compile(r"From 0:0\d\.\d\d on"))
    expect(video).to_have_attribute("src", re.compile(r"/from/1\.mp4$"))
    visit.until("document.querySelector('dialog video').currentTime > 0.2")
    assert page.url == visit.url + "/"
    page.get_by_role("button", name="Close").click()
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("#answer-heading")).to_be_visible()


def test_dialog_is_opened_used_and_left_by_keyboard(visit: Visit, collection: Collection) -> None:
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    page = visit.page
    link = page.locator(".card", has_text=CLIP).get_by_role("link", name="Play it larger")
    link.press("Enter")
    expect(page.get_by_role("button", name="Close")).to_be_focused()
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.className || document.activeElement.tagName")
        if name == "film-frame":
            page.keyboard.press("Enter")
            break
        reached.add(name)
    assert "VIDEO" in reached
    expect(page.locator(".film-frame[aria-current]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    expect(link).to_be_focused()


def test_scene_that_is_refused_is_told_on_its_own_page(visit: Visit, collection: Collection) -> None:
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    link = visit.page.locator("[data-larger]").first
    link.evaluate("(link) => (link.href = '/scene/nonsense')")
    visit.expected.append("the server responded with a status of 404")
    link.click()
    expect(visit.page.locator("h1")).to_have_text("There is no such scene")


def test_scene_for_adults_stays_blurred_and_still_until_it_is_asked_for(
    visit: Visit, collection: Collection
) -> None:
    page = larger(visit, collection, LONG_NAME)
    video, frame = page.locator("dialog video"), page.locator(".film-frame").first
    blurred = re.compile(r"blur\(")
    for hidden in (video, frame.locator("img")):
        expect(hidden).to_have_css("filter", blurred)
    frame.press("Enter")
    expect(frame).to_have_attribute("aria-current", "true")
    page.wait_for_timeout(600)
    assert page.evaluate("document.querySelector('dialog video').paused")
    visit.photograph("larger-adult")
    switch = page.locator("dialog").get_by_role("checkbox", name="Adult content Show the picture")
    switch.press("Space")
    for hidden in (video, frame.locator("img")):
        expect(hidden).to_have_css("filter", "none")
    frame.press("Enter")
    visit.until("document.querySelector('dialog video').currentTime > 0.1")
    switch.press("Space")
    visit.until("document.querySelector('dialog video').paused")
    expect(video).to_have_css("filter", blurred)
    page.keyboard.press("Escape")
    # Another look begins veiled again.
    page.locator(".card", has_text=LONG_NAME).get_by_role("link", name="Play it larger").click()
    expect(video).to_have_css("filter", blurred)


def test_scene_is_a_page_without_scripts(new_visit: NewVisit, collection: Collection) -> None:
    visit = new_visit(java_script_enabled=False)
    page = visit.open()
    visit.choose(collection.screenshot)
    page.get_by_role("button", name="Find the scene").click()
    page.locator(".card", has_text=LONG_NAME).get_by_role("link", name="Play it larger").click()
    expect(page.locator("#scene-heading")).to_have_text(SHOWN_TITLE)
    expect(page.locator("video")).to_have_css("filter", re.compile(r"blur\("))
    page.locator(".film-frame").first.press("Enter")
    page.wait_for_url("**?frame=0")
    expect(page.locator("video")).to_have_css("filter", re.compile(r"blur\("))
    assert page.evaluate("document.querySelector('video').paused")
    page.get_by_role("checkbox").check()
    expect(page.locator("video")).to_have_css("filter", "none")
    shown(visit)
    visit.photograph("scene-no-script")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_accessibility_rules_find_nothing(
    new_visit: NewVisit, collection: Collection, axe: str, scheme: str, width: int
) -> None:
    visit = new_visit(color_scheme=scheme, reduced_motion="reduce", viewport={"width": width, "height": 800})
    page = visit.open()
    for name in (CLIP, LONG_NAME):
        larger(visit, collection, name)
        shown(visit)
        assert page.evaluate("document.querySelector('dialog video').paused")
        assert violations(page, axe) == []
        page.screenshot(path=visit.artefact(f"larger-{width}-{scheme}-{name[:3].strip('[')}"))
        address = page.locator(".film-frame").first.get_attribute("href") or ""
        page.keyboard.press("Escape")
        visit.open(address.partition("?")[0])
        shown(visit)
        assert visit.overflow() == []
        assert violations(page, axe) == []
        visit.photograph(f"scene-{width}-{scheme}-{name[:3].strip('[')}")
        visit.open()


PLAYS = "document.querySelector('.card-clip')?.currentTime > 0.2"


def test_scene_plays_small_where_it_is_pointed_at(visit: Visit, collection: Collection) -> None:
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    page = visit.page
    card, adult = (page.locator(".card", has_text=name) for name in (CLIP, LONG_NAME))
    clips = page.locator(".card-clip")
    card.locator(".card-picture").hover()
    visit.until(PLAYS)
    assert page.evaluate("document.querySelector('.card-clip').muted")
    visit.photograph("card-clip")
    card.get_by_role("button", name="Stop the scene").click()
    expect(clips).to_have_count(0)
    adult.get_by_role("checkbox").check()
    adult.locator(".card-picture").hover()
    page.wait_for_timeout(600)
    expect(clips).to_have_count(0)
    expect(adult.locator(".card-play")).to_have_count(0)
    # What was stopped stays so under the mouse, until it is asked for again.
    card.locator(".card-picture").hover()
    page.wait_for_timeout(600)
    expect(clips).to_have_count(0)
    button = card.get_by_role("button", name="Play the scene")
    button.focus()
    page.keyboard.press("Enter")
    visit.until(PLAYS)
    page.keyboard.press("Space")
    expect(clips).to_have_count(0)


@pytest.mark.parametrize("touch", [False, True])
def test_best_match_plays_by_itself_while_it_is_in_sight(
    new_visit: NewVisit, collection: Collection, touch: bool
) -> None:
    visit = new_visit(has_touch=touch, viewport={"width": 390, "height": 700})
    page = visit.open()
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    best = page.locator(".card").first
    clip = best.locator(".card-clip")
    best.locator(".card-picture").scroll_into_view_if_needed()
    expect(clip).to_have_count(1)
    visit.until(PLAYS)
    expect(page.locator(".card-clip")).to_have_count(1)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(clip).to_have_count(0)
    best.locator(".card-picture").scroll_into_view_if_needed()
    expect(clip).to_have_count(1)
    button = best.get_by_role("button", name="Stop the scene")
    (button.tap if touch else button.click)()
    expect(clip).to_have_count(0)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    best.locator(".card-picture").scroll_into_view_if_needed()
    page.wait_for_timeout(400)
    expect(clip).to_have_count(0)


def test_nothing_moves_by_itself_for_those_who_want_it_calm(
    new_visit: NewVisit, collection: Collection
) -> None:
    visit = new_visit(reduced_motion="reduce")
    page = visit.open()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    page.locator(".card", has_text=CLIP).locator(".card-picture").hover()
    page.wait_for_timeout(600)
    expect(page.locator(".card-clip")).to_have_count(0)
    assert not [url for url in asked if "/video/" in url]
    page.locator(".card", has_text=CLIP).get_by_role("link", name="Play it larger").click()
    shown(visit)
    page.wait_for_timeout(600)
    assert not [url for url in asked if "/video/" in url or url.endswith(".mp4")]
    page.screenshot(path=visit.artefact("larger-calm"))
    page.evaluate("document.querySelector('dialog video').play()")
    visit.until("document.querySelector('dialog video').currentTime > 0.2")


def test_clip_that_cannot_be_had_is_told(visit: Visit, collection: Collection) -> None:
    page = larger(visit, collection)
    page.route("**/from/2.mp4", lambda route: route.fulfill(status=429))
    visit.expected.append("the server responded with a status of 429")
    page.locator(".film-frame").nth(2).click()
    expect(page.locator(".player-now")).to_have_text(
        "This clip cannot be played now. Please try again in a moment."
    )
