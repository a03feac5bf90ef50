"""A Korean visitor reads Korean, also what scripts write into the page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.collection import Collection
from tests.browser.conftest import NewVisit
from tests.browser.models import Clips, make_clips
from tests.browser.visit import Visit

# The first of them also waits for the server and its index.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

#: Names, formats and units that Korean writes in Latin letters.
NAMES = {
    "Frameproof", "AniList", "MyAnimeList", "API", "AI", "UTC", "URL", "MB", "ms", "px", "fps",
    "JPEG", "PNG", "GIF", "BMP", "WebP", "MP4", "WebM", "MOV", "MKV", "Ctrl", "https",
    "JSON", "trace", "moe", "YouTube", "TikTok", "Instagram", "Twitter",
}  # fmt: skip
#: Titles and file names are in whatever language they are in; so are the languages to choose from.
DATA = (
    ".card h3, .card-others, .card-file, .scene, .rank-title h3, .other-title, .cover, [data-only-title], [translate=no], "
    "option[lang], code, kbd"
)
#: All that is read or read out, what a script will say when something happens, and the page's title.
TOLD = """(data) => {
  const found = [document.title];
  const look = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.matches("script, style") || element.closest(data)) continue;
      if (element.matches("template")) { look(element.content); continue; }
      for (const { name, value } of element.attributes)
        if (/^(aria-label|alt|title|placeholder|data-text.*)$/.test(name)) found.push(value);
      for (const node of element.childNodes)
        if (node.nodeType === Node.TEXT_NODE) found.push(node.data);
    }
  };
  look(document.body);
  return found;
}"""


def foreign(visit: Visit, *known: str) -> list[str]:
    """Texts with a Latin word that is no name; ``known`` are what the test itself put there."""
    found = []
    for text in visit.page.evaluate(TOLD, DATA):
        rest = text
        for each in known:
            rest = rest.replace(each, "")
        rest = re.sub(r"\{[a-z]+\}|https?://\S*|/api/\w+", "", rest)
        if set(re.findall(r"[A-Za-z]{2,}[0-9]?", rest)) - NAMES:
            found.append(text.strip())
    return found


@pytest.fixture
def korean(new_visit: NewVisit) -> Visit:
    return new_visit(locale="ko-KR", permissions=["clipboard-read", "clipboard-write"])


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    return make_clips(tmp_path_factory.mktemp("clips"))


@pytest.mark.parametrize(
    "path",
    ["/", "/detect", "/detect/history", "/rankings", "/recent", "/status", "/pricing", "/accounts/login/"],
)
def test_pages_are_korean_throughout(korean: Visit, path: str) -> None:
    korean.open(path)
    expect(korean.page.locator("html")).to_have_attribute("lang", "ko")
    assert foreign(korean) == []


def test_a_search_is_korean_from_the_first_click_to_the_last(korean: Visit, collection: Collection) -> None:
    page = korean.open("/")
    korean.choose(collection.text)
    korean.refused("읽을 수 없는 이미지입니다")
    assert foreign(korean) == []
    korean.choose(collection.screenshot)
    korean.answered("일치하는 장면을 찾았습니다")
    titles = page.locator(".card h3, .card-others span, .card-file").all_text_contents()
    assert foreign(korean, *sorted(titles, key=len, reverse=True)) == []
    button = page.locator("[data-copy]").first
    button.click()
    expect(page.locator("#status")).to_have_text(f"복사됨: {button.get_attribute('data-copy')}")
    page.locator(".judge button").first.click()
    expect(page.locator(".judged").first).to_be_visible()
    assert foreign(korean, *sorted(titles, key=len, reverse=True)) == []


def test_a_chosen_video_is_named_in_korean(korean: Visit, clips: Clips) -> None:
    page = korean.open("/detect")
    page.set_input_files("#video", clips.dark)
    expect(page.locator("#chosen")).to_contain_text("dark.mp4 (")
    assert foreign(korean, "dark.mp4") == []


def test_recent_searches_are_paused_in_korean(korean: Visit) -> None:
    page = korean.open("/recent")
    page.locator("#pause").click()
    expect(page.locator("#live-text")).to_have_text("일시 정지했습니다. 새 검색이 나타나지 않습니다.")
    assert foreign(korean) == []
