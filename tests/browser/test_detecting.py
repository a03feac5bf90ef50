"""The journey of "Is it real?": ask, look on, read the verdict, look back; for everybody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewVisit
from tests.browser.folder_host import folder_host
from tests.browser.live_site import LiveSite
from tests.browser.models import Clips, make_clips, slow_model
from tests.browser.test_everybody import axe, focused, violations  # noqa: F401 - a fixture
from tests.browser.visit import Visit

# The first of them also waits for the server and its index.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    return make_clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="session")
def video_host(clips: Clips) -> Iterator[str]:
    """A web server on this machine that has the videos."""
    with folder_host(clips.dark.parent) as address:
        yield address


@pytest.fixture
def asking(new_visit: NewVisit) -> Visit:
    """A visitor on the page that asks for a video."""
    begun = new_visit()
    begun.open("/detect")
    return begun


def analyse(visit: Visit, clip: Path, title: str) -> Page:
    """Have a file analysed, and wait for the page of this title with its pictures."""
    page = visit.page
    page.set_input_files("#video", clip)
    page.get_by_role("button", name="Analyse the video").click()
    ended(visit, title)
    return page


def ended(visit: Visit, title: str) -> None:
    page = visit.page
    expect(page.get_by_role("heading", level=1)).to_have_text(title, timeout=60_000)
    for picture in page.locator("article img").all():
        picture.scroll_into_view_if_needed()
    visit.until(
        "[...document.querySelectorAll('article img')].every((img) => img.complete && img.naturalWidth > 0)"
    )


def test_video_is_analysed_and_the_verdict_explained(asking: Visit, clips: Clips) -> None:
    page = asking.page
    page.set_input_files("#video", clips.bright)
    expect(page.locator("#chosen")).to_contain_text("A holiday with a rather long name")
    asking.until("document.getElementById('preview').videoWidth === 640")
    expect(page.locator("#keep")).not_to_be_checked()
    asking.photograph("detect-chosen")
    # It costs something: nothing was sent so far.
    expect(page).to_have_url(re.compile(r"/detect$"))
    page.get_by_role("button", name="Analyse the video").click()
    expect(page).to_have_url(re.compile(r"/detect/[0-9a-f]{12}$"))
    ended(asking, "Very likely AI-made")
    assert page.title().startswith("Very likely AI-made")
    article = page.locator("article")
    for words in (
        "The file itself says", "It names: OpenAI Sora", "Of 100 real videos it calls 3.1 AI-made.", "640 × 360",
        "The file was deleted when the analysis ended.", "Between 40.0% and 80.0% this model does not decide.",
    ):  # fmt: skip
        expect(article).to_contain_text(words)
    expect(page.locator(".strip img")).to_have_count(8)
    expect(page.locator(".pair img")).to_have_count(6)
    expect(page.locator(".box-region").first).to_be_attached()
    page.get_by_text("As a table").click()
    expect(page.locator("#timeline-heading ~ details tbody tr")).to_have_count(8)
    asking.photograph("detect-verdict")


def test_verdict_is_downloaded_and_printed(asking: Visit, clips: Clips) -> None:
    page = analyse(asking, clips.dark, "Very likely real")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as JSON").click()
    told = json.loads(download.value.path().read_text())
    assert told["result"] == "real"
    assert len(told["evidence"]["frames"]) == 8
    page.evaluate("window.print = () => (document.documentElement.dataset.printed = 'yes')")
    page.get_by_role("button", name="Print").click()
    assert page.evaluate("document.documentElement.dataset.printed") == "yes"
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("#timeline-heading ~ details table")).to_be_visible()
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    expect(page.get_by_role("navigation")).to_be_hidden()
    asking.photograph("detect-print")


def test_inconclusive_verdict_is_called_that(asking: Visit, clips: Clips) -> None:
    page = analyse(asking, clips.grey, "Inconclusive")
    expect(page.locator("article")).to_contain_text("wrong too often")
    asking.photograph("detect-inconclusive")


def test_dropped_file_and_pasted_address_take_each_others_place(new_visit: NewVisit, clips: Clips) -> None:
    visit = new_visit(permissions=["clipboard-read", "clipboard-write"])
    page = visit.open("/detect")
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(clips.dark)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 60, "y": 700, "data": data})
    expect(page.locator("#chosen")).to_contain_text("dark.mp4")
    page.evaluate("navigator.clipboard.writeText('https://videos.example/a.mp4')")
    page.locator("h1").click()
    page.keyboard.press("Control+V")
    expect(page.locator("#url")).to_have_value("https://videos.example/a.mp4")
    expect(page.locator("#chosen")).to_be_hidden()
    page.set_input_files("#video", clips.dark)
    expect(page.locator("#url")).to_have_value("")


def test_address_is_fetched(asking: Visit, video_host: str) -> None:
    page = asking.page
    page.fill("#url", f"{video_host}/dark.mp4")
    page.keyboard.press("Enter")
    ended(asking, "Very likely real")
    expect(page.locator(".source a")).to_have_attribute("href", f"{video_host}/dark.mp4")
    page.get_by_role("link", name="Analyse it again").click()
    expect(page.locator("#url")).to_have_value(f"{video_host}/dark.mp4")


def test_address_without_a_video_is_told(asking: Visit, video_host: str) -> None:
    page = asking.page
    page.fill("#url", f"{video_host}/missing.mp4")
    page.get_by_role("button", name="Analyse the video").click()
    ended(asking, "The video could not be fetched")
    expect(page.locator("main")).to_contain_text("Nothing was charged for it.")
    asking.photograph("detect-failed")


def test_messages_show_without_leaving_the_page(asking: Visit, clips: Clips) -> None:
    page = asking.page
    notice = page.locator("#results [role=alert] h2")
    page.get_by_role("button", name="Analyse the video").click()
    expect(notice).to_have_text("No video yet")
    page.fill("#url", "https://me:secret@videos.example/")
    asking.expected.append("the server responded with a status of 400")
    page.get_by_role("button", name="Analyse the video").click()
    expect(notice).to_have_text("This address is not one of a video")
    page.evaluate("document.getElementById('ask').dataset.mostBytes = '1000'")
    page.set_input_files("#video", clips.dark)
    page.get_by_role("button", name="Analyse the video").click()
    expect(notice).to_have_text("This file is too large")
    expect(page).to_have_url(re.compile(r"/detect$"))
    asking.photograph("detect-refused")


def test_sending_can_be_stopped(asking: Visit, clips: Clips) -> None:
    page = asking.page
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 20_000}
    session.send("Network.emulateNetworkConditions", slow)
    page.set_input_files("#video", clips.bright)
    page.get_by_role("button", name="Analyse the video").click()
    expect(page.locator("#busy-text")).to_have_text("Sending the video…")
    expect(page.locator("#go")).to_be_disabled()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#busy")).to_be_hidden()
    expect(page.locator("#status")).to_have_text("Sending was stopped.")
    expect(page.locator("#go")).to_be_focused()
    expect(page).to_have_url(re.compile(r"/detect$"))


def test_progress_is_shown_live_and_cancelled(asking: Visit, site: LiveSite, clips: Clips) -> None:
    page = asking.page
    with slow_model(site.log.parent):
        page.set_input_files("#video", clips.dark)
        page.get_by_role("button", name="Analyse the video").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("The video is being analysed")
        expect(page.locator("#status")).to_have_text("Judging the frames", timeout=60_000)
        expect(page.locator(".step-done")).to_have_count(3)
        expect(page.locator("[aria-current=step]")).to_contain_text("Judging the frames")
        asking.photograph("detect-progress")
        page.get_by_role("button", name="Cancel the analysis").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("The analysis was cancelled")
    expect(page.locator("main")).to_contain_text("Nothing was charged for it.")


def test_server_that_is_away_is_told_and_waited_for(asking: Visit, site: LiveSite, clips: Clips) -> None:
    page = asking.page
    with slow_model(site.log.parent):
        page.set_input_files("#video", clips.dark)
        page.get_by_role("button", name="Analyse the video").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("The video is being analysed")
        asking.expected.append("net::ERR_INTERNET_DISCONNECTED")
        page.context.set_offline(True)
        expect(page.locator("#lost")).to_be_visible()
        page.context.set_offline(False)
        expect(page.locator("#lost")).to_be_hidden()
        page.get_by_role("button", name="Cancel the analysis").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("The analysis was cancelled")


def test_file_is_kept_if_its_owner_wants_and_analysed_again(asking: Visit, clips: Clips) -> None:
    page = asking.page
    page.get_by_label("Keep my file").check()
    analyse(asking, clips.dark, "Very likely real")
    first = page.url
    page.get_by_role("button", name="Analyse it again").click()
    expect(page).not_to_have_url(first)
    ended(asking, "Very likely real")
    expect(page.locator("main")).to_contain_text("The file was deleted when the analysis ended.")
    page.goto(first)
    page.get_by_role("button", name="Delete the file, keep the verdict").click()
    expect(page.locator(".said")).to_have_text("The file was removed. The verdict stays.")


def test_everything_works_without_scripts(new_visit: NewVisit, clips: Clips) -> None:
    visit = new_visit(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = visit.open("/detect")
    page.get_by_role("button", name="Analyse the video").click()
    expect(page.locator("#results h2")).to_have_text("No video yet")
    visit.expected.append("the server responded with a status of 400")
    page.set_input_files("#video", clips.bright)
    visit.photograph("detect-no-script")
    page.get_by_role("button", name="Analyse the video").click()
    # The page looks again by itself.
    expect(page.get_by_role("heading", level=1)).to_have_text("Very likely AI-made", timeout=60_000)
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    page.get_by_text("Delete", exact=True).click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.locator(".said")).to_contain_text("The analysis was deleted")
    expect(page.locator("main")).to_contain_text("Nothing was analysed yet.")


def test_keyboard_alone_is_enough(asking: Visit, clips: Clips) -> None:
    page = asking.page
    order = []
    expected = [
        "Skip to the content",
        "Frameproof",
        "Find a scene",
        "Is it real?",
        "Rankings",
        "Sign in",
        "video",
        "url",
        "keep",
        "go",
    ]
    for _ in expected:
        page.keyboard.press("Tab")
        order.append(focused(page))
    assert order == expected
    page.set_input_files("#video", clips.bright)
    page.focus("#go")
    page.keyboard.press("Enter")
    ended(asking, "Very likely AI-made")
    reached = []
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.append(focused(page))
    for name in (
        "Print",
        "Download as JSON",
        "Analyse another video",
        "Delete",
        "As a table",
        "All that was measured",
    ):
        assert name in reached
    page.locator("summary", has_text="Delete").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page).startswith("Delete for good")


@pytest.mark.parametrize("width", [320, 360, 768])
def test_narrow_page_never_scrolls_sideways(new_visit: NewVisit, clips: Clips, width: int) -> None:
    visit = new_visit(viewport={"width": width, "height": 740}, device_scale_factor=2, has_touch=width < 700)
    page = visit.open("/detect")
    assert visit.overflow() == []
    page.set_input_files("#video", clips.bright)
    assert visit.overflow() == []
    visit.photograph(f"detect-{width}")
    analyse(visit, clips.bright, "Very likely AI-made")
    for summary in page.locator("summary").all():
        summary.click()
    assert visit.overflow() == []
    visit.photograph(f"detect-verdict-{width}")
    visit.open("/detect/history")
    page.locator("summary").first.click()
    assert visit.overflow() == []
    visit.photograph(f"detect-history-{width}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility_rules_find_nothing(new_visit: NewVisit, clips: Clips, axe: str, scheme: str) -> None:  # noqa: F811
    visit = new_visit(color_scheme=scheme, reduced_motion="reduce")
    page = visit.open("/detect")
    assert violations(page, axe) == []
    page.get_by_role("button", name="Analyse the video").click()
    expect(page.locator("#results h2")).to_have_text("No video yet")
    assert violations(page, axe) == []
    for clip, title in (
        (clips.bright, "Very likely AI-made"),
        (clips.dark, "Very likely real"),
        (clips.grey, "Inconclusive"),
        (clips.text, "The video could not be read"),
    ):
        visit.open("/detect")
        analyse(visit, clip, title)
        for summary in page.locator("summary").all():
            summary.click()
        assert violations(page, axe) == []
        visit.photograph(f"detect-{scheme}-{title.split()[-1]}")
    visit.open("/detect/history")
    assert violations(page, axe) == []
    visit.expected.append("the server responded with a status of 404")
    visit.open("/detect/0123456789ab")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")


def test_progress_is_accessible(new_visit: NewVisit, site: LiveSite, clips: Clips, axe: str) -> None:  # noqa: F811
    visit = new_visit(viewport={"width": 320, "height": 640}, reduced_motion="reduce")
    page = visit.open("/detect")
    with slow_model(site.log.parent):
        page.set_input_files("#video", clips.bright)
        page.get_by_role("button", name="Analyse the video").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("The video is being analysed")
        assert violations(page, axe) == []
        assert visit.overflow() == []
        visit.photograph("detect-progress-320")
        page.get_by_role("button", name="Cancel the analysis").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("The analysis was cancelled")
        assert violations(page, axe) == []
