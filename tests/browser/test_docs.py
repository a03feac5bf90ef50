"""The API documentation in a browser: read on any screen, with keyboard or without scripts, and tried with a key."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from docs_site.surfaces import SURFACES
from tests.browser.collection import Collection
from tests.browser.conftest import NewVisit
from tests.browser.live_site import ROOT, LiveSite
from tests.browser.test_everybody import axe, violations  # noqa: F401 - a fixture
from tests.browser.visit import Visit

# The first of them also waits for the server and its index.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PAGES = ["/docs", *(f"/docs/{surface.name}" for surface in SURFACES)]
EMAIL = "reader@example.com"


@pytest.fixture(scope="session")
def key(site: LiveSite) -> str:
    """An API key of a user of the site."""
    profile = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
    environment = {name: value for name, value in os.environ.items() if name not in profile}
    environment["DATA_DIR"] = str(site.log.parent)

    def manage(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=environment,
            input="a long enough secret 17", text=True, capture_output=True, check=True,
        )  # fmt: skip
        return done.stdout

    manage("user_create", EMAIL, "--password-stdin")
    made = manage("apikeys_create", EMAIL, "browser")
    return next(word for word in made.split() if word.startswith("ak_"))


def open_form(page: Page, operation: str) -> None:
    page.locator(f"section[aria-labelledby={operation}] .try summary").click()


def send(page: Page, operation: str) -> None:
    page.locator(f"section[aria-labelledby={operation}] .try [type=submit]").click()


def answer(page: Page, operation: str) -> str:
    shown = page.locator(f"section[aria-labelledby={operation}] [data-try-answer]")
    expect(shown.locator(".try-status")).to_be_visible()
    return shown.inner_text()


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "dark")])
def test_pages_fit_and_keep_to_the_content_policy(new_visit: NewVisit, width: int, scheme: str) -> None:
    visit = new_visit(viewport={"width": width, "height": 900}, color_scheme=scheme)
    for path in PAGES:
        for language in ("en", "ko"):
            page = visit.open(f"{path}?lang={language}")
            page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, language)
            visit.photograph(
                f"docs{path.removeprefix('/docs').replace('/', '-')}-{language}-{scheme}-{width}"
            )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility_rules_find_nothing(new_visit: NewVisit, axe: str, scheme: str) -> None:  # noqa: F811
    visit = new_visit(color_scheme=scheme, reduced_motion="reduce")
    for path in PAGES:
        page = visit.open(path)
        page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        assert violations(page, axe) == [], path


def test_request_with_a_key_is_sent_and_the_key_is_kept_nowhere(visit: Visit, key: str) -> None:
    page = visit.open("/docs/aividect")
    visit.expected.append("the server responded with a status of 401")
    open_form(page, "getDetectorAccount")
    send(page, "getDetectorAccount")
    assert "MISSING_AUTH" in answer(page, "getDetectorAccount")
    page.fill("#try-key", key)
    send(page, "getDetectorAccount")
    expect(page.locator("section[aria-labelledby=getDetectorAccount] .try-status")).to_have_text("200 OK")
    told = answer(page, "getDetectorAccount")
    assert EMAIL in told
    assert "ratelimit" in told
    kept: str = page.evaluate(
        "JSON.stringify([localStorage, sessionStorage, document.cookie, history.state])"
    )
    assert key not in kept
    assert key not in page.url
    page.reload()
    expect(page.locator("#try-key")).to_have_value("")


def test_picture_is_searched_and_the_scene_is_shown(visit: Visit, key: str, collection: Collection) -> None:
    page = visit.open("/docs/tracemoe")
    page.fill("#try-key", key)
    open_form(page, "searchUpload")
    page.set_input_files("#try-searchUpload-body-image", collection.screenshot)
    send(page, "searchUpload")
    found = answer(page, "searchUpload")
    assert found.startswith("200")
    token = found.split("/image/")[1].split('"')[0]
    open_form(page, "getSceneImage")
    page.fill("#try-getSceneImage-token", token)
    page.select_option("#try-getSceneImage-size", "l")
    send(page, "getSceneImage")
    expect(page.locator("section[aria-labelledby=getSceneImage] .try-answer img")).to_be_visible()
    visit.until("document.querySelector('.try-answer img').naturalWidth === 640")
    open_form(page, "getSceneVideo")
    page.fill("#try-getSceneVideo-token", token)
    send(page, "getSceneVideo")
    expect(page.locator("section[aria-labelledby=getSceneVideo] .try-answer video")).to_be_visible()
    visit.until("document.querySelector('.try-answer video').duration > 0")
    page.goto(f"{visit.url}/docs/tracemoe-legacy")
    open_form(page, "searchBase64")
    page.set_input_files("#try-searchBase64-body-image", collection.screenshot)
    send(page, "searchBase64")
    assert "tokenthumb" in answer(page, "searchBase64")


def test_server_that_does_not_answer_is_told(visit: Visit) -> None:
    page = visit.open("/docs/tracemoe")
    visit.expected.append("ERR_INTERNET_DISCONNECTED")
    open_form(page, "getSearchLimits")
    page.context.set_offline(True)
    send(page, "getSearchLimits")
    assert "No answer" in answer(page, "getSearchLimits")


def test_examples_are_chosen_by_keyboard_and_copied(visit: Visit) -> None:
    page = visit.open("/docs/whatanime")
    samples = page.locator("section[aria-labelledby=searchScene] .samples")
    expect(samples.locator("pre").first).to_be_visible()
    page.locator("#sample-searchScene-1").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#code-searchScene-2")).to_be_visible()
    expect(page.locator("#code-searchScene-1")).to_be_hidden()
    samples.get_by_role("button", name="Copy").click()
    expect(samples.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").startswith("import requests")


def test_everything_can_be_read_without_scripts(new_visit: NewVisit) -> None:
    visit = new_visit(java_script_enabled=False)
    page = visit.open("/docs/whatanime")
    expect(page.locator("#try-key")).to_be_hidden()
    expect(page.locator(".try").first).to_be_hidden()
    page.locator("label[for=sample-searchScene-3]").click()
    expect(page.locator("#code-searchScene-3")).to_be_visible()
    page.locator("section[aria-labelledby=searchScene] summary", has_text="errors").click()
    expect(page.get_by_text("IMAGE_UNDECODABLE").first).to_be_visible()
    page.get_by_label("Language").select_option("한국어")
    page.get_by_role("button", name="Change the language").click()
    expect(page.locator("h1")).to_have_text("장면 검색")
