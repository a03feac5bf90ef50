"""Rankings, recent searches, titles and the status in a browser."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from time import monotonic

import pytest
from playwright.sync_api import Page, expect

from tests.browser.collection import ANILIST_ID
from tests.browser.conftest import NewVisit
from tests.browser.live_site import ROOT, LiveSite
from tests.browser.test_everybody import AXE, axe, violations

# The first of them also waits for the server and its index.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
__all__ = ["AXE", "axe"]

Shell = Callable[[str], None]
PAGES = ("/rankings", "/rankings?period=all&adult=1", "/recent", "/recent?adult=1", f"/anime/{ANILIST_ID}",
         "/anime/777000", "/status")  # fmt: skip

_SEED = f"""
from datetime import timedelta
from pathlib import Path
from django.conf import settings
from PIL import Image
from anime_search.covers import _name
from anime_search.models import Anime, Video
from core import clock
from rankings.models import SearchEvent, Tally
from rankings.periods import Period, previous_span, span_of
url = "https://img.example/cover.png"
clip = Video.objects.get(filename="Big Buck Bunny.mp4")
bunny = Anime.objects.create(anilist_id=777000, mal_id=5, title_romaji="Big Buck Bunny", title_native="でかいウサギ",
    season="SPRING", season_year=2008, format="MOVIE", episodes=1)
Anime.objects.filter(anilist_id={ANILIST_ID}).update(cover_url=url)
folder = Path(settings.DATA_DIR, "covers")
folder.mkdir(exist_ok=True)
Image.new("RGB", (340, 480), "#446633").save(folder / _name({ANILIST_ID}, url))
for period in Period:
    span = span_of(period, clock.today())
    Tally.objects.create(period=period, start=span.first, anime=bunny, count=7)
    Tally.objects.create(period=period, start=span.first, anime_id={ANILIST_ID}, count=12345)
    if before := previous_span(span):
        Tally.objects.create(period=period, start=before.first, anime=bunny, count=1)
for number in range(3):
    SearchEvent.objects.create(caller="a" * 64, day=clock.today(), anime=bunny, video=clip, at_ms=1000 * number,
        similarity=0.97, found_at=clock.now() - timedelta(hours=number + 1), bucket=number, shifted_bucket=number,
        confirmed=False)
long = Video.objects.get(anime__anilist_id={ANILIST_ID})
SearchEvent.objects.create(caller="a" * 64, day=clock.today(), anime=long.anime, video=long, at_ms=500,
    similarity=0.97, found_at=clock.now() - timedelta(hours=2), bucket=0, shifted_bucket=0, confirmed=True)
"""
_ANOTHER = """
from anime_search.models import Video
from core import clock
from rankings.models import SearchEvent
clip = Video.objects.get(filename="Big Buck Bunny.mp4")
SearchEvent.objects.create(caller="b" * 64, day=clock.today(), anime_id=777000, video=clip, at_ms=4000,
    similarity=0.97, found_at=clock.now(), bucket={number}, shifted_bucket={number}, confirmed=True)
"""


@pytest.fixture(scope="session")
def shell(site: LiveSite) -> Shell:
    """Run code in the site's own database."""
    profile = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
    environment = {name: value for name, value in os.environ.items() if name not in profile}
    environment |= {"DATA_DIR": str(site.log.parent)}

    def run(code: str) -> None:
        subprocess.run(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c", code],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            check=True,
        )

    return run


@pytest.fixture(scope="session", autouse=True)
def searched(shell: Shell) -> None:
    """Titles that were searched, one of them for adults."""
    shell(_SEED)


def pass_time(page: Page, condition: str) -> None:
    """Let the page's clock run until it has looked and something holds: it may be waiting for an answer just now."""
    deadline = monotonic() + 60
    while not page.evaluate(condition):
        assert monotonic() < deadline, f"still not so: {condition}"
        page.clock.run_for(16_000)
        page.wait_for_timeout(300)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility_rules_find_nothing(new_visit: NewVisit, axe: str, scheme: str) -> None:
    visit = new_visit(color_scheme=scheme, reduced_motion="reduce")
    for path in PAGES:
        page = visit.open(path)
        visit.photograph(f"{path.strip('/').replace('/', '-').partition('?')[0]}-{len(path)}-{scheme}")
        assert violations(page, axe) == [], path


@pytest.mark.parametrize("width", [320, 360])
def test_narrow_pages_never_scroll_sideways(new_visit: NewVisit, width: int) -> None:
    visit = new_visit(viewport={"width": width, "height": 740}, device_scale_factor=2, has_touch=True)
    for path in PAGES:
        visit.open(path)
        assert visit.overflow() == [], path
        visit.photograph(f"{path.strip('/').replace('/', '-').partition('?')[0]}-{len(path)}-{width}")


def test_periods_and_titles_are_reached_without_scripts_and_by_keyboard(new_visit: NewVisit) -> None:
    visit = new_visit(java_script_enabled=False)
    page = visit.open("/")
    page.get_by_label("More").get_by_role("link", name="Rankings").press("Enter")
    expect(page.locator("h1")).to_have_text("Rankings")
    page.get_by_role("link", name="All time").press("Enter")
    expect(page.locator("h2")).to_have_text("All time")
    expect(page.locator(".rank")).to_have_count(1)
    page.get_by_role("link", name="Show adult titles, too").press("Enter")
    expect(page.locator(".rank")).to_have_count(2)
    expect(page.locator(".rank").first).to_contain_text("12,345 searches")
    page.locator(".rank a", has_text="Big Buck Bunny").press("Enter")
    expect(page.locator("h1")).to_have_text("Big Buck Bunny")
    expect(page.get_by_role("link", name="MyAnimeList")).to_be_visible()
    expect(page.get_by_text("Nothing of this anime is indexed now")).to_be_visible()
    visit.open(f"/anime/{ANILIST_ID}")
    visit.until("document.querySelector('.cover img').naturalWidth === 340")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_recent_searches_are_a_plain_page_without_scripts(new_visit: NewVisit) -> None:
    visit = new_visit(java_script_enabled=False)
    page = visit.open("/recent")
    expect(page.locator(".scene")).to_have_count(3)
    expect(page.get_by_role("button", name="Pause")).to_be_hidden()
    page.get_by_role("link", name="Look again").click()
    expect(page.locator(".scene")).to_have_count(3)
    page = visit.open("/recent?adult=1")
    adult = page.locator(".scene", has=page.locator(".veil"))
    expect(adult).to_have_count(1)
    expect(adult.locator("img")).not_to_have_css("filter", "none")
    adult.get_by_role("checkbox").check()
    expect(adult.locator("img")).to_have_css("filter", "none")


def test_new_searches_appear_unless_paused(new_visit: NewVisit, shell: Shell) -> None:
    visit = new_visit()
    visit.page.clock.install()
    page = visit.open("/recent")
    expect(page.locator(".scene")).to_have_count(3)
    page.evaluate("document.querySelector('.scene img').dataset.kept = 'yes'")
    page.locator(".scene a").first.focus()
    shell(_ANOTHER.format(number=101))
    pass_time(page, "document.querySelectorAll('.scene').length === 4")
    expect(page.locator("#news")).to_have_text("The list has new searches.")
    expect(page.locator(".scene").nth(1).locator("img")).to_have_attribute("data-kept", "yes")
    expect(page.locator(".scene").nth(1).locator("a")).to_be_focused()

    pause = page.locator("#pause")
    pause.press("Enter")
    expect(pause).to_have_text("Go on")
    expect(page.locator("#live-text")).to_have_text("Paused. New ones do not appear.")
    shell(_ANOTHER.format(number=102))
    page.clock.run_for(120_000)
    page.wait_for_timeout(300)
    expect(page.locator(".scene")).to_have_count(4)
    pause.press("Enter")
    expect(page.locator(".scene")).to_have_count(5)
    expect(pause).to_have_text("Pause")


def test_lost_connection_is_told_and_found_again(new_visit: NewVisit) -> None:
    visit = new_visit()
    visit.expected.append("net::ERR_FAILED")
    visit.page.clock.install()
    page = visit.open("/recent")
    page.route("**/recent", lambda route: route.abort())
    pass_time(page, "document.getElementById('live-text').textContent.includes('cannot')")
    expect(page.locator("#live-text")).to_have_text("The server cannot be reached. Trying again.")
    expect(page.locator(".scene").first).to_be_visible()
    page.unroute("**/recent")
    pass_time(page, "!document.getElementById('live-text').textContent.includes('cannot')")
    expect(page.locator("#live-text")).to_have_text("New ones appear by themselves.")


def test_status_is_up_once_a_worker_has_looked(new_visit: NewVisit) -> None:
    page = new_visit().open("/status")
    expect(page.locator(".state")).to_have_text("Searches are answered.")
    expect(page.get_by_text("Uptime of the search")).to_be_visible()
