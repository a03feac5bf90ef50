"""Make the pictures of the README: ``.venv/bin/python docs/make_screenshots.py``.

The real server is started over the demo clip in a data directory of its own, and a screenshot of the clip that
was cropped, mirrored and made small is searched in a real browser (chromium, or the one that ``CHROMIUM`` names).

The clip is Big Buck Bunny, (c) 2008 Blender Foundation, CC BY 3.0 (https://peach.blender.org): frames of it may
be published with that credit, which belongs under every picture made here.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from anime_search.demo import demo_videos, take_screenshot  # noqa: E402
from tests.browser.chromium import FLAGS, chromium_path  # noqa: E402
from tests.browser.live_site import live_site  # noqa: E402
from tests.browser.visit import Visit  # noqa: E402

IMAGES = ROOT / "docs" / "images"
#: The README is read on slow lines too.
MOST_BYTES = 300 * 1024


def main() -> None:
    """Search, and take the picture."""
    with tempfile.TemporaryDirectory(prefix="frameproof-pictures-") as folder:
        videos = demo_videos(Path(folder, "videos"))
        screenshot = Path(folder, "screenshot.jpg")
        screenshot.write_bytes(take_screenshot(next(videos.rglob("*.mp4"))).jpeg)
        with (
            live_site(data_dir=Path(folder, "data"), videos=videos) as site,
            sync_playwright() as playwright,
            playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS) as browser,
        ):
            context = browser.new_context(
                viewport={"width": 1120, "height": 600}, color_scheme="light", reduced_motion="reduce"
            )
            visit = Visit.begin(context, site.url)
            visit.open()
            # The first search of a server also loads the index.
            for _ in range(2):
                visit.choose(screenshot)
                expect(visit.page.locator("#busy")).to_be_hidden()
                visit.answered("Match found")
            # The ring around the heading is for those who got there by keyboard.
            visit.page.evaluate("document.activeElement.blur()")
            expect(visit.page.locator(".tags")).to_contain_text("mirrored")
            picture = visit.page.screenshot()
            context.close()
    if len(picture) > MOST_BYTES:
        raise SystemExit(f"the picture has {len(picture)} bytes, more than {MOST_BYTES}")
    IMAGES.mkdir(exist_ok=True)
    target = IMAGES / "search-result.png"
    target.write_bytes(picture)
    sys.stdout.write(f"{target.relative_to(ROOT)}: {len(picture)} bytes\n")


if __name__ == "__main__":
    main()
