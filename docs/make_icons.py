"""Make the icons and the card of the site anew: ``.venv/bin/python docs/make_icons.py``.

Everything is drawn from ``static/icons/favicon.svg`` by a real browser (chromium, or the one that ``CHROMIUM`` names):
the icons of an installed site, whole and with room to be cut to any shape (*maskable*), the one for Apple's home
screen, and the card that other sites show beside a link.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.chromium import FLAGS, chromium_path  # noqa: E402

ICONS = ROOT / "static" / "icons"
CARD = (1200, 630)
#: Of a maskable icon, what lies within 80 % of its width is never cut off.
MASKABLE_SHARE = 0.84
APPLE_SHARE = 0.95
#: Each of them is fetched before anything of use is.
MOST_BYTES = 60 * 1024

_SVG = "{http://www.w3.org/2000/svg}"


def main() -> None:
    """Draw, shrink and write all of them."""
    ET.register_namespace("", _SVG[1:-1])
    whole = (ICONS / "favicon.svg").read_text()
    drawings = {
        "icon-192.png": (whole, (192, 192)),
        "icon-512.png": (whole, (512, 512)),
        "maskable-192.png": (_bled(whole, MASKABLE_SHARE), (192, 192)),
        "maskable-512.png": (_bled(whole, MASKABLE_SHARE), (512, 512)),
        "apple-touch-icon.png": (_bled(whole, APPLE_SHARE), (180, 180)),
        "card.png": (_card(whole), CARD),
    }
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS) as browser,
    ):
        for name, (svg, size) in drawings.items():
            _write(ICONS / name, _drawn(browser, svg, size))


def _bled(svg: str, share: float) -> str:
    """The icon to the very edge of its square, its mark as wide as ``share`` of the room it had."""
    root = ET.fromstring(svg)  # noqa: S314 - our own file
    ground, *marks = list(root)
    side = float(ground.attrib["width"])
    for mark in marks:
        root.remove(mark)
    del ground.attrib["rx"]
    inset = side * (1 - share) / 2
    group = ET.SubElement(root, f"{_SVG}g", transform=f"translate({inset} {inset}) scale({share})")
    group.extend(marks)
    return ET.tostring(root, encoding="unicode")


def _card(svg: str) -> str:
    """A wide card: the corners of the page's own viewfinder, the mark, and what the site answers."""
    width, height = CARD
    mark = svg.replace("<svg ", '<svg x="104" y="150" width="132" height="132" ', 1)
    corners = " ".join(
        f"M{x} {y + dy * 62}V{y}H{x + dx * 62}"
        for x, dx in ((52, 1), (width - 52, -1))
        for y, dy in ((52, 1), (height - 52, -1))
    )
    text = 'font-family="Liberation Sans, Arial, Helvetica, sans-serif"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
        f'<rect width="{width}" height="{height}" fill="#111216"/>'
        f'<path d="{corners}" fill="none" stroke="#a3b4ff" stroke-width="6" stroke-linecap="square"/>{mark}'
        f'<text x="272" y="250" {text} font-size="96" font-weight="700" letter-spacing="-3" fill="#eceef3">Frameproof</text>'
        f'<text x="106" y="386" {text} font-size="50" fill="#eceef3">Which anime, which episode, which second?</text>'
        f'<text x="106" y="464" {text} font-size="50" fill="#a6abb8">And is this video real?</text></svg>'
    )


def _drawn(browser: Browser, svg: str, size: tuple[int, int]) -> bytes:
    width, height = size
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_content(
        f"<style>*{{margin:0}}svg{{display:block;width:100%}}svg svg{{width:132px}}</style>{svg}"
    )
    picture = page.screenshot(omit_background=True)
    page.close()
    return picture


def _write(target: Path, picture: bytes) -> None:
    image = Image.open(io.BytesIO(picture)).quantize(colors=128, method=Image.Quantize.FASTOCTREE)
    image.save(target, optimize=True)
    size = target.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"{target.name} has {size} bytes, more than {MOST_BYTES}")
    sys.stdout.write(f"{target.relative_to(ROOT)}: {size} bytes\n")


if __name__ == "__main__":
    main()
