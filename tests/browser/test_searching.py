"""Every way to ask, and what the answer shows."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Route, expect

from tests.browser.collection import ANILIST_ID, LONG_NAME, SHOWN_TITLE, Collection
from tests.browser.conftest import NewVisit
from tests.browser.visit import Visit

# The first of them also waits for the server and its index.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_chosen_file_is_found(visit: Visit, collection: Collection) -> None:
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    page = visit.page
    cards = page.locator(".card")
    assert cards.count() >= 2
    titles = cards.locator("h3").all_text_contents()
    assert {"Big Buck Bunny", SHOWN_TITLE} <= set(titles)
    bunny = cards.nth(titles.index("Big Buck Bunny"))
    expect(bunny.locator(".band")).to_have_text("Match")
    expect(bunny.locator(".card-file")).to_have_text("Big Buck Bunny.mp4")
    expect(bunny.locator(".tags")).to_contain_text("mirrored")
    similarity = bunny.locator(".similarity b").inner_text()
    assert 87.0 < float(similarity.removesuffix("%")) < 100.0
    at = re.fullmatch(r"0:(\d\d\.\d\d)", bunny.locator("[data-copy]").get_attribute("data-copy") or "")
    assert at is not None
    assert 1.8 < float(at[1]) < 3.4
    assert page.title().startswith((f"{SHOWN_TITLE}, at 0:0", "Big Buck Bunny, at 0:0"))
    visit.photograph("match")


@pytest.mark.parametrize("kind", ["gif", "video"])
def test_clip_is_sent_whole_and_found_by_its_frames(visit: Visit, collection: Collection, kind: str) -> None:
    file: Path = getattr(collection, kind)
    if kind == "gif":
        assert file.stat().st_size > 1.5 * 1024 * 1024
    with visit.page.expect_request(lambda request: request.method == "POST") as sent:
        visit.choose(file)
    assert int(sent.value.all_headers()["content-length"]) > file.stat().st_size
    visit.answered("Match found")
    bunny = visit.page.locator(".card").first
    said = re.fullmatch(r"(\d+) of (\d+) frames agree", bunny.locator(".card-agreeing").inner_text())
    assert said is not None
    assert 3 <= int(said[1]) <= int(said[2]) <= 12
    at = re.fullmatch(r"0:(\d\d\.\d\d)", bunny.locator("[data-copy]").get_attribute("data-copy") or "")
    assert at is not None
    assert 1.0 < float(at[1]) < 2.2
    expect(visit.page.locator("#preview")).to_be_visible()
    visit.photograph(f"match-of-a-{kind}")


def test_title_that_is_known_links_to_anilist(visit: Visit, collection: Collection) -> None:
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    card = visit.page.locator(".card", has_text=LONG_NAME)
    link = card.get_by_role("link", name="AniList")
    expect(link).to_have_attribute("href", f"https://anilist.co/anime/{ANILIST_ID}")
    expect(link).to_have_accessible_name(f"AniList : {SHOWN_TITLE} (opens in a new tab)")
    expect(card.locator(".card-episode")).to_have_text("Episode 5")
    unnamed = visit.page.locator(".card", has_text="Big Buck Bunny.mp4")
    expect(unnamed.get_by_role("link")).to_have_count(1)
    expect(unnamed.get_by_role("link", name="Play it larger")).to_be_visible()


def test_dropped_file_is_found(visit: Visit, collection: Collection) -> None:
    session = visit.page.context.new_cdp_session(visit.page)
    data = {"items": [], "files": [str(collection.screenshot)], "dragOperationsMask": 1}
    # Not over the frame itself: the whole page takes what is dropped.
    for kind in ("dragEnter", "dragOver"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 60, "y": 700, "data": data})
    expect(visit.page.locator("#drop")).to_have_class(re.compile(r"\bis-over\b"))
    visit.photograph("drag-over")
    session.send("Input.dispatchDragEvent", {"type": "drop", "x": 60, "y": 700, "data": data})
    visit.answered("Match found")
    expect(visit.page.locator("#drop")).not_to_have_class(re.compile(r"\bis-over\b"))


def test_pasted_picture_is_found(visit: Visit, collection: Collection) -> None:
    png = io.BytesIO()
    with Image.open(collection.screenshot) as picture:
        picture.save(png, "PNG")
    visit.page.evaluate(
        """async (data) => {
          const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
          const blob = new Blob([bytes], {type: "image/png"});
          await navigator.clipboard.write([new ClipboardItem({"image/png": blob})]);
        }""",
        base64.b64encode(png.getvalue()).decode(),
    )
    visit.page.keyboard.press("Control+V")
    visit.answered("Match found")
    expect(visit.page.locator("#preview")).to_be_visible()


def test_pasted_address_is_fetched(visit: Visit, picture_host: str) -> None:
    visit.page.evaluate("(url) => navigator.clipboard.writeText(url)", f"{picture_host}/screenshot.jpg")
    visit.page.keyboard.press("Control+V")
    visit.answered("Match found")
    expect(visit.page.locator("#url")).to_have_value(f"{picture_host}/screenshot.jpg")


def test_text_pasted_into_the_field_stays_there(visit: Visit) -> None:
    visit.page.evaluate("navigator.clipboard.writeText('some words')")
    visit.page.focus("#url")
    visit.page.keyboard.press("Control+V")
    expect(visit.page.locator("#url")).to_have_value("some words")
    expect(visit.page.locator("#results")).to_be_empty()


def test_address_is_fetched_and_its_picture_shown(visit: Visit, picture_host: str) -> None:
    visit.page.fill("#url", f"{picture_host}/screenshot.jpg")
    visit.page.get_by_role("button", name="Find the scene").click()
    visit.answered("Match found")
    preview = visit.page.locator("#preview")
    expect(preview).to_be_visible()
    assert (preview.get_attribute("src") or "").startswith("data:image/jpeg;base64,")


def test_picture_is_previewed_at_once_and_the_search_can_be_stopped(
    new_visit: NewVisit, collection: Collection
) -> None:
    visit = new_visit(reduced_motion="reduce")
    page = visit.open()
    held: list[Route] = []
    page.route(visit.url + "/", lambda route: held.append(route))
    visit.choose(collection.screenshot)
    expect(page.locator("#busy")).to_be_visible()
    expect(page.locator("#preview")).to_be_visible()
    visit.until("document.getElementById('preview').naturalWidth > 0")
    expect(page.locator("#results")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#status")).not_to_be_empty()
    assert (
        page.evaluate("getComputedStyle(document.getElementById('drop'), '::after').animationName") == "none"
    )
    visit.photograph("busy")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#busy")).to_be_hidden()
    expect(page.locator("#status")).to_have_text("The search was stopped.")
    expect(page.locator("#picture")).to_be_focused()
    for route in held:
        route.abort()
    page.unroute_all()
    page.get_by_role("button", name="Find the scene").click()
    visit.answered("Match found")


def test_progress_of_a_slow_upload_is_shown(visit: Visit, collection: Collection) -> None:
    session = visit.page.context.new_cdp_session(visit.page)
    session.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 300_000}
    session.send("Network.emulateNetworkConditions", slow)
    visit.choose(collection.noise)
    visit.until("0.05 < document.getElementById('progress').value")
    assert visit.page.evaluate("document.getElementById('progress').value") < 1
    expect(visit.page.locator("#busy-text")).to_have_text("Sending the picture…")
    visit.photograph("uploading")
    visit.answered("No confident match")


def test_large_picture_is_sent_small(visit: Visit, collection: Collection, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    with Image.open(collection.screenshot) as picture:
        picture.resize((5120, 2880)).save(large)
    assert large.stat().st_size > 4_000_000
    with visit.page.expect_request(lambda request: request.method == "POST") as sent:
        visit.choose(large)
    assert int(sent.value.all_headers()["content-length"]) < 600_000
    visit.answered("Match found")


def test_format_that_only_the_browser_knows_is_redrawn(
    visit: Visit, collection: Collection, tmp_path: Path
) -> None:
    avif = tmp_path / "screenshot.avif"
    with Image.open(collection.screenshot) as picture:
        picture.save(avif)
    visit.choose(avif)
    visit.answered("Match found")


def test_whole_frame_opens_the_file_picker(visit: Visit, collection: Collection) -> None:
    for _ in range(2):
        with visit.page.expect_file_chooser() as chooser:
            visit.page.locator("#drop").click(position={"x": 60, "y": 60})
        chooser.value.set_files(collection.screenshot)
        visit.answered("Match found")


def test_picture_that_matches_nothing_is_called_that(visit: Visit, collection: Collection) -> None:
    visit.choose(collection.noise)
    visit.answered("No confident match")
    page = visit.page
    expect(page.locator(".answer-head")).to_contain_text("probably not the one you are looking for")
    assert set(page.locator(".band").all_text_contents()) == {"Probably not"}
    assert page.title().startswith("No confident match")
    visit.photograph("no-match")


def test_new_search_takes_the_place_of_the_last(visit: Visit, collection: Collection) -> None:
    visit.choose(collection.noise)
    visit.answered("No confident match")
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    expect(visit.page.locator(".answer")).to_have_count(1)


def test_time_is_copied(visit: Visit, collection: Collection) -> None:
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    button = visit.page.locator("[data-copy]").last
    button.click()
    expect(button).to_contain_text("Copied")
    time = button.get_attribute("data-copy")
    assert visit.page.evaluate("navigator.clipboard.readText()") == time
    expect(visit.page.locator("#status")).to_have_text(f"Copied: {time}")
    expect(button).to_contain_text("Copy time")


def test_adult_picture_is_blurred_until_it_is_asked_for(visit: Visit, collection: Collection) -> None:
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    card = visit.page.locator(".card", has_text=LONG_NAME)
    picture = card.locator("img")
    expect(picture).to_have_css("filter", re.compile(r"blur\("))
    card.get_by_role("checkbox", name="Adult content Show the picture").click()
    expect(picture).to_have_css("filter", "none")
    bunny = visit.page.locator(".card", has_text="Big Buck Bunny.mp4")
    expect(bunny.locator("img").first).to_have_css("filter", "none")
