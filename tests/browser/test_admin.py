"""The admin's pages in a browser: nothing on them asks for more than the content policy allows."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewVisit
from tests.browser.live_site import ROOT, LiveSite
from tests.browser.visit import Visit

# The first of them also waits for the server and its index.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

EMAIL, PASSWORD = "staff@example.com", "a long enough secret 17"
LISTS = (
    "accounts/user", "accounts/user/add", "auth/group/add", "admin/logentry", "apikeys/apikey", "credits/policy",
    "credits/policy/1/change", "credits/ledgerentry", "credits/creditaccount", "credits/admission", "credits/daycount",
    "anime_search/anime", "anime_search/anime/add", "anime_search/video", "anime_search/ingestjob",
    "rankings/tally", "rankings/searchevent",
)  # fmt: skip


@pytest.fixture(scope="session")
def staff(site: LiveSite) -> None:
    """A superuser, and a user with an API key."""
    profile = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
    environment = {name: value for name, value in os.environ.items() if name not in profile}
    environment["DATA_DIR"] = str(site.log.parent)
    for command in (
        ["user_create", EMAIL, "--superuser", "--password-stdin"],
        ["user_create", "eve@example.com", "--password-stdin"],
        ["apikeys_create", "eve@example.com", "render farm"],
    ):
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=environment,
            input=PASSWORD,
            text=True,
            capture_output=True,
            check=True,
        )


def enter(visit: Visit) -> Page:
    page = visit.open("/admin/")
    page.fill("[name=login]", EMAIL)
    page.fill("[name=password]", PASSWORD)
    page.locator("[name=password]").press("Enter")
    expect(page.locator(".panels")).to_be_visible()
    return page


def choose(visit: Visit, action: str, rows: str = "accounts/user") -> Page:
    page = visit.open(f"/admin/{rows}/")
    page.locator("#result_list .action-select").first.check()
    page.select_option("[name=action]", action)
    page.locator(".actions button").click()
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_keep_to_the_content_policy(new_visit: NewVisit, staff: None, scheme: str) -> None:
    visit = new_visit(color_scheme=scheme)
    page = enter(visit)
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 18, 22)"}[scheme]
    visit.photograph(f"admin-{scheme}")
    for path in LISTS:
        visit.open(f"/admin/{path}/")
        expect(page.locator("#content h1").first).to_be_visible()
        visit.photograph(f"admin-{path.replace('/', '-')}-{scheme}")
    for action in ("change_tier", "give_credits", "take_credits", "revoke_keys_of_users", "delete_selected"):
        choose(visit, action)
        expect(page.locator("#content form [type=submit]")).to_be_visible()
        visit.photograph(f"admin-{action}-{scheme}")
    choose(visit, "revoke_chosen_keys", "apikeys/apikey")
    expect(page.get_by_text("render farm")).to_be_visible()


def test_credits_are_given_with_the_keyboard_and_told(new_visit: NewVisit, staff: None) -> None:
    visit = new_visit()
    granted = enter(visit).locator(".panel tr", has_text="granted")
    # Other tests give some too.
    before = int(granted.locator("td").inner_text()) if granted.count() else 0
    page = choose(visit, "give_credits")
    expect(page.locator(".chosen")).to_contain_text("eve@example.com")
    page.fill("[name=amount]", "25")
    page.fill("[name=reason]", "a contest")
    page.keyboard.press("Enter")
    expect(page.locator(".messagelist")).to_have_text("Credits of 1 user were moved.")
    expect(page.locator("#result_list tr", has_text="eve@example.com")).to_contain_text("25")
    page.get_by_role("link", name="Home").click()
    expect(granted.locator("td")).to_have_text(str(before + 25))
    granted.locator("a").click()
    expect(page.locator("#result_list")).to_contain_text("a contest")


def test_action_page_can_be_left(new_visit: NewVisit, staff: None) -> None:
    visit = new_visit()
    enter(visit)
    page = choose(visit, "change_tier")
    page.get_by_role("link", name="No, take me back").click()
    expect(page.locator("#result_list")).to_be_visible()
