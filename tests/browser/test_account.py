"""The account: every page of it for everybody, and what is made, looked up and deleted there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from tests.browser.collection import Collection
from tests.browser.conftest import NewVisit
from tests.browser.live_site import ROOT, LiveSite
from tests.browser.test_everybody import axe, violations  # noqa: F401 - a fixture
from tests.browser.visit import Visit

# The first of them also waits for the server and its index.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

EMAIL, PASSWORD = "member@example.com", "a long enough secret 17"
PAGES = {
    "/account": "Your account",
    "/account/credits": "Credits",
    "/account/keys": "API keys",
    "/account/searches": "Your searches",
    "/detect/history": "Your analyses",
    "/accounts/email/": "E-mail address",
    "/accounts/password/change/": "Change Password",
    "/accounts/2fa/": "Two-Factor Authentication",
    "/accounts/sessions/": "Sessions",
    "/account/delete": "Delete the account",
    "/pricing": "Tiers and credits",
}


@pytest.fixture(scope="session")
def member(site: LiveSite) -> None:
    """A user with some credits, who has used some already."""
    profile = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
    environment = {name: value for name, value in os.environ.items() if name not in profile}
    environment["DATA_DIR"] = str(site.log.parent)
    for command in (
        ["user_create", EMAIL, "--password-stdin"],
        ["credits_grant", EMAIL, "25", "--reason", "a gift"],
        ["apikeys_create", EMAIL, "A key with a rather long name for the render farm in the cellar"],
    ):
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=environment,
            input=PASSWORD,
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def sign_in(visit: Visit) -> Page:
    page = visit.open("/accounts/login/")
    page.fill("[name=login]", EMAIL)
    page.fill("[name=password]", PASSWORD)
    page.locator("[name=password]").press("Enter")
    expect(page.locator("h1")).to_have_text("Your account")
    return page


def search(visit: Visit, collection: Collection) -> None:
    visit.open()
    visit.choose(collection.screenshot)
    visit.page.get_by_role("button", name="Find the scene").click()
    expect(visit.page.locator("#answer-heading")).to_have_text("Match found")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_every_page_fits_and_keeps_to_the_rules(
    new_visit: NewVisit,
    member: None,
    collection: Collection,
    axe: str,  # noqa: F811
    width: int,
    scheme: str,
) -> None:
    visit = new_visit(viewport={"width": width, "height": 740}, color_scheme=scheme, reduced_motion="reduce")
    page = sign_in(visit)
    search(visit, collection)
    faults = {}
    for path, heading in PAGES.items():
        visit.open(path)
        expect(page.locator("h1")).to_have_text(heading)
        visit.photograph(f"account-{path.strip('/').replace('/', '-')}-{width}-{scheme}")
        faults[path] = visit.overflow() + violations(page, axe)
    assert {path: found for path, found in faults.items() if found} == {}


def test_tabs_lead_to_every_page_and_name_their_own(new_visit: NewVisit, member: None) -> None:
    visit = new_visit()
    page = sign_in(visit)
    tabs = page.get_by_role("navigation", name="Account")
    names = tabs.get_by_role("link").all_inner_texts()
    assert len(names) >= 8
    for name in names:
        tabs.get_by_role("link", name=name, exact=True).click()
        expect(tabs.locator("[aria-current=page]")).to_have_text(name)


def test_key_is_made_copied_once_and_revoked_by_keyboard(new_visit: NewVisit, member: None) -> None:
    visit = new_visit(permissions=["clipboard-read", "clipboard-write"])
    page = sign_in(visit)
    visit.open("/account/keys")
    page.get_by_label("Title").focus()
    page.keyboard.type("laptop")
    page.keyboard.press("Enter")
    key = page.locator("#new-key-text").inner_text()
    assert key.startswith("ak_")
    page.get_by_role("button", name="Copy the key").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == key
    visit.photograph("account-new-key")
    visit.open("/account/keys")
    assert key not in page.content()
    page.get_by_role("link", name="Revoke… laptop").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Revoke it").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Revoked keys")).to_be_visible()


def test_searches_are_looked_up_and_deleted_without_scripts(
    new_visit: NewVisit, member: None, collection: Collection
) -> None:
    visit = new_visit(java_script_enabled=False)
    page = sign_in(visit)
    for _ in range(2):
        search(visit, collection)
    visit.open("/account/searches")
    lines = page.locator(".analysis-line")
    count = lines.count()
    assert count >= 2
    expect(lines.first.locator("img")).to_be_visible()
    expect(lines.first).to_contain_text("Match")
    lines.first.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The search was deleted.")).to_be_visible()
    expect(lines).to_have_count(count - 1)
    page.get_by_text("Delete all searches").click()
    visit.photograph("account-searches-sure")
    page.get_by_role("button", name="Delete all for good").click()
    expect(page.get_by_text("Nothing was searched yet.")).to_be_visible()


def test_language_is_chosen_in_the_account(new_visit: NewVisit, member: None) -> None:
    visit = new_visit()
    page = sign_in(visit)
    page.locator("#account-language").select_option("ko")
    page.get_by_role("button", name="Change the language").first.click()
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    assert page.url.endswith("/account")
