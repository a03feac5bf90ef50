"""Make the pictures of the README: ``.venv/bin/python docs/make_screenshots.py``.

The real server is started over the demo clip in a data directory of its own, with the detector that comes with the
project, and a real browser (chromium, or the one that ``CHROMIUM`` names) visits it, once in the light and once in the
dark: it searches a screenshot of the clip that was cropped, mirrored and made small, has the clip itself analysed, and
opens the documentation.

The clip is Big Buck Bunny, (c) 2008 Blender Foundation, CC BY 3.0 (https://peach.blender.org): frames of it may
be published with that credit, which belongs under every picture made here.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from anime_search.demo import demo_videos, take_screenshot  # noqa: E402
from tests.browser.chromium import FLAGS, chromium_path  # noqa: E402
from tests.browser.live_site import live_site  # noqa: E402
from tests.browser.visit import Visit  # noqa: E402

IMAGES = ROOT / "docs" / "images"
#: The README is read on slow lines too.
MOST_BYTES = 300 * 1024
#: An analysis of a few seconds of video takes some, longer where much else is going on.
VERDICT_MS = 300_000


def main() -> None:
    """Visit the pages, and take the pictures."""
    with tempfile.TemporaryDirectory(prefix="frameproof-pictures-") as folder:
        videos = demo_videos(Path(folder, "videos"))
        clip = next(videos.rglob("*.mp4"))
        screenshot = Path(folder, "screenshot.jpg")
        screenshot.write_bytes(take_screenshot(clip).jpeg)
        # What is shown, how high the window is, and how to get there.
        journeys: dict[str, tuple[int, Callable[[Visit], None]]] = {
            "search-result": (600, lambda visit: _search(visit, screenshot)),
            "detect-verdict": (960, lambda visit: _detect(visit, clip)),
            "docs": (600, _read),
        }
        with (
            live_site(data_dir=Path(folder, "data"), videos=videos, own_detector=True) as site,
            sync_playwright() as playwright,
            playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS) as browser,
        ):
            for name, (height, journey) in journeys.items():
                for scheme in ("light", "dark"):
                    _write(f"{name}-{scheme}", _taken(browser, site.url, scheme, height, journey))


def _taken(browser: Browser, url: str, scheme: str, height: int, journey: Callable[[Visit], None]) -> bytes:
    context = browser.new_context(
        viewport={"width": 1120, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    visit = Visit.begin(context, url)
    journey(visit)
    # The ring around a heading is for those who got there by keyboard.
    visit.page.evaluate("document.activeElement.blur()")
    visit.page.evaluate("scrollTo(0, 0)")
    picture = visit.page.screenshot()
    context.close()
    return picture


def _search(visit: Visit, screenshot: Path) -> None:
    visit.open()
    # The first search of a server also loads the index.
    for _ in range(2):
        visit.choose(screenshot)
        expect(visit.page.locator("#busy")).to_be_hidden()
        visit.answered("Match found")
    expect(visit.page.locator(".tags")).to_contain_text("mirrored")


def _detect(visit: Visit, clip: Path) -> None:
    page = visit.open("/detect")
    page.set_input_files("#video", clip)
    page.get_by_role("button", name="Analyse the video").click()
    expect(page.locator(".verdict-head")).to_be_visible(timeout=VERDICT_MS)


def _read(visit: Visit) -> None:
    page = visit.open("/docs")
    page.locator(".docs-surfaces a").first.click()
    expect(page.locator(".docs-page h1")).to_be_visible()


def _write(name: str, picture: bytes) -> None:
    if len(picture) > MOST_BYTES:
        raise SystemExit(f"the picture {name} has {len(picture)} bytes, more than {MOST_BYTES}")
    IMAGES.mkdir(exist_ok=True)
    target = IMAGES / f"{name}.png"
    target.write_bytes(picture)
    sys.stdout.write(f"{target.relative_to(ROOT)}: {len(picture)} bytes\n")


if __name__ == "__main__":
    main()
