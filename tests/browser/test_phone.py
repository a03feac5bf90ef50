"""The site on a phone: without a connection, in the share menu, and where something was tried too often."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.collection import Collection
from tests.browser.conftest import NewVisit
from tests.browser.live_site import LiveSite
from tests.browser.models import make_clips
from tests.browser.test_everybody import axe, violations  # noqa: F401 - a fixture
from tests.browser.visit import Visit

# The first of them also waits for the server and its index.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
PHONE = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "device_scale_factor": 2}


def worker_is_there(page: Page) -> None:
    page.evaluate("navigator.serviceWorker.ready.then((ready) => ready.active.state)")
    page.reload()
    assert page.evaluate("navigator.serviceWorker.controller !== null")


def shown_offline(page: Page) -> None:
    expect(page.locator("h1")).to_have_text("You are offline, or the server cannot be reached")
    assert page.evaluate("getComputedStyle(document.querySelector('.lost')).textAlign") == "center"


@pytest.mark.parametrize("scripts", [True, False])
def test_photo_is_taken_and_found(new_visit: NewVisit, collection: Collection, scripts: bool) -> None:
    visit = new_visit(**PHONE, java_script_enabled=scripts)
    page = visit.open()
    button = page.locator("label", has_text="Take a photo")
    expect(button).to_be_visible()
    assert page.locator("#photo").get_attribute("capture") == "environment"
    assert visit.overflow() == []
    page.screenshot(path=visit.artefact(f"photo-{scripts}"))
    page.set_input_files("#photo", collection.screenshot)
    if not scripts:
        page.get_by_role("button", name="Find the scene").click()
    expect(page.locator("#answer-heading")).to_have_text("Match found")
    visit.photograph(f"photo-{'found' if scripts else 'no-script'}")


def test_photo_is_not_offered_where_there_is_a_mouse(new_visit: NewVisit) -> None:
    page = new_visit().open()
    expect(page.locator("label", has_text="Take a photo")).to_be_hidden()
    expect(page.locator("#photo")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_without_a_connection_is_one_of_the_site(
    new_visit: NewVisit,
    axe: str,  # noqa: F811
    scheme: str,
) -> None:
    visit = new_visit(**PHONE, color_scheme=scheme)
    page = visit.open()
    worker_is_there(page)
    visit.expected.append("net::ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    visit.open("/rankings?period=weekly")
    shown_offline(page)
    assert visit.overflow() == []
    assert violations(page, axe) == []
    visit.photograph(f"offline-{scheme}")
    page.get_by_role("link", name="Try again").click()
    shown_offline(page)
    page.context.set_offline(False)
    page.get_by_role("link", name="Try again").click()
    expect(page.locator("h1")).to_have_text("Rankings")
    assert page.url.endswith("/rankings?period=weekly")


def test_page_without_a_connection_speaks_the_language_that_was_chosen(new_visit: NewVisit) -> None:
    visit = new_visit()
    page = visit.open()
    worker_is_there(page)
    page.get_by_label("Language").select_option("ko")
    page.get_by_role("button", name="Change the language").click()
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    kept = "caches.match('/offline').then((page) => page.headers.get('Content-Language') === 'ko')"
    visit.until(kept)
    visit.expected.append("net::ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    visit.open("/rankings")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(page.locator(".lost")).to_be_visible()


def test_worker_keeps_nothing_that_was_seen(visit: Visit, collection: Collection) -> None:
    page = visit.page
    worker_is_there(page)
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    visit.open("/accounts/login/")
    visit.open("/rankings")
    kept: list[str] = page.evaluate(
        """async () => (await Promise.all((await caches.keys()).map(async (name) =>
          (await (await caches.open(name)).keys()).map((request) => new URL(request.url).pathname)))).flat()"""
    )
    assert "/offline" in kept
    assert all(path == "/offline" or path.startswith("/static/") for path in kept)


def test_manifest_is_one_that_the_browser_takes(visit: Visit) -> None:
    session = visit.page.context.new_cdp_session(visit.page)
    read = session.send("Page.getAppManifest")
    assert read["errors"] == []
    said = json.loads(read["data"])
    assert said["share_target"]["action"] == "/share"
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A visit of a test leaves no traces, as a private window does.
    assert [each["errorId"] for each in errors] in ([], ["in-incognito"])


def test_foreign_page_shares_nothing_past_the_worker(
    visit: Visit, site: LiveSite, picture_host: str, collection: Collection
) -> None:
    worker_is_there(visit.page)
    visit.expected.append("the server responded with a status of 403")
    foreign = picture_host.replace("127.0.0.1", "localhost")
    for policy in ("same-origin", "no-referrer"):
        (collection.screenshot.parent / "share.html").write_text(
            f"""<!doctype html><link rel="icon" href="data:,"><meta name="referrer" content="{policy}">
            <form method="post" enctype="multipart/form-data" action="{site.url}/share">
            <input type="file" name="media"><button>Go</button></form>"""
        )
        visit.page.goto(f"{foreign}/share.html")
        visit.page.set_input_files("[type=file]", collection.screenshot)
        visit.page.click("button")
        expect(visit.page.locator("#results h2")).to_have_text("This was not shared by your own device")
    visit.photograph("share-refused")


def test_shared_video_is_analysed_on_a_word(new_visit: NewVisit, tmp_path: Path) -> None:
    visit = new_visit(**PHONE)
    clip = make_clips(tmp_path).dark
    # No page can send what a share menu sends: this is the browser's session, and not a page of it.
    shared = visit.page.context.request.post(
        f"{visit.url}/share",
        headers={"Sec-Fetch-Site": "none", "Origin": "null"},
        multipart={"media": {"name": clip.name, "mimeType": "video/mp4", "buffer": clip.read_bytes()}},
        max_redirects=0,
    )
    page = visit.open(shared.headers["location"])
    expect(page.get_by_role("status").first).to_contain_text("“dark.mp4” is here")
    assert visit.overflow() == []
    visit.photograph("share-video")
    page.get_by_role("button", name="Analyse the video").click()
    expect(page.locator("h1")).to_have_text("Very likely real", timeout=60_000)


def test_too_many_tries_are_counted_down(
    new_visit: NewVisit,
    axe: str,  # noqa: F811
) -> None:
    visit = new_visit(**PHONE)
    visit.expected.append("the server responded with a status of 429")
    page = visit.open("/accounts/password/reset/")
    for _ in range(6):
        visit.open("/accounts/password/reset/")
        page.get_by_label("Email").fill("nobody@example.com")
        page.locator("main form button").first.click()
        if page.locator(".lost").count():
            break
    expect(page.locator("h1")).to_have_text("Too many requests")
    expect(page.locator("[data-resets-at]")).to_contain_text("You can try again in 0:")
    assert visit.overflow() == []
    assert violations(page, axe) == []
    visit.photograph("too-many-requests")
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_label("Email")).to_be_visible()
