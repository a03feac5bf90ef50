"""How long a visitor who comes for the first time waits until something is drawn, and what a page's style and scripts weigh.

The embedded profile serves the demo clip on this machine, and a real browser (chromium, or the one that ``CHROMIUM``
names) opens each page with an empty cache. Drawn is what browsers call the first contentful paint; the weight is that of the
files as they are run, before compression.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from anime_search.demo import demo_videos
from benchmarks.report import Report, options_parser, say
from tests.browser.chromium import FLAGS, chromium_path
from tests.browser.live_site import live_site

PAGES = (
    "/",
    "/detect",
    "/rankings",
    "/recent",
    "/status",
    "/pricing",
    "/shared",
    "/docs",
    "/accounts/login/",
    "/accounts/signup/",
)
MOST_MS, MOST_BYTES = 1000.0, 150_000
#: When something was first drawn, and the bytes of what was loaded to draw and to run the page.
_SEEN = """() => new Promise((tell) => {
  const told = (paint) => tell({
    paint: paint.startTime,
    bytes: performance.getEntriesByType("resource")
      .filter((each) => /\\.(css|js)$/.test(new URL(each.name).pathname))
      .reduce((sum, each) => sum + each.decodedBodySize, 0),
  });
  const look = () => {
    const [paint] = performance.getEntriesByName("first-contentful-paint");
    paint ? told(paint) : setTimeout(look, 20);
  };
  look();
})"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one visit."""

    paint_ms: float
    bytes: int


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("--visits", type=int, default=10, help="of each page")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="frameproof-pages-") as folder,
        live_site(
            data_dir=Path(folder, "data"), videos=demo_videos(Path(folder, "videos")), own_detector=True
        ) as site,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS) as browser,
    ):
        seen = {path: visits(browser, site.url + path, options.visits) for path in PAGES}
    publish(seen, options.visits, as_json=options.json)


def visits(browser: Browser, address: str, count: int) -> list[Seen]:
    """Open a page so many times, each time as somebody who was never there."""
    say(address)
    found = []
    for _ in range(count):
        context = browser.new_context(service_workers="block")
        page = context.new_page()
        response = page.goto(address, wait_until="load")
        if response is None or not response.ok:
            sys.exit(f"{address} is not there")
        told = page.evaluate(_SEEN)
        found.append(Seen(told["paint"], int(told["bytes"])))
        context.close()
    return found


def publish(seen: dict[str, list[Seen]], count: int, *, as_json: bool) -> None:
    """Say what was measured."""
    report = Report("pages")
    report.notes.append(
        f"{count} visits a page with an empty cache, one at a time, on the machine that serves."
    )
    waits = {path: [each.paint_ms for each in found] for path, found in seen.items()}
    weights = {path: max(each.bytes for each in found) for path, found in seen.items()}
    medians = {path: statistics.median(found) for path, found in waits.items()}
    report.table(
        "Milliseconds until the first contentful paint, and the weight of style and scripts",
        [
            {
                "page": path,
                "median": f"{medians[path]:.0f}",
                "range": f"{min(waits[path]):.0f} to {max(waits[path]):.0f}",
                "kB": f"{weights[path] / 1000:.0f}",
            }
            for path in seen
        ],
    )
    slowest, heaviest = max(medians.values()), max(weights.values())
    report.target("first contentful paint under 1 s", f"{slowest:.0f} ms at most", met=slowest < MOST_MS)
    report.target(
        "at most 150 kB of style and script", f"{heaviest / 1000:.0f} kB at most", met=heaviest <= MOST_BYTES
    )
    report.figures = {
        path.strip("/") or "home": {"median_ms": medians[path], "bytes": weights[path]} for path in seen
    }
    report.publish(as_json=as_json)


if __name__ == "__main__":
    main()
