"""The page for those without a mouse, without scripts, on a phone, in the dark, or listening to it."""

from __future__ import annotations

import subprocess
import tarfile
from time import monotonic

import pytest
from playwright.sync_api import FileChooser, Page, expect

from tests.browser.collection import LONG_NAME, Collection
from tests.browser.conftest import NewVisit
from tests.browser.visit import Visit

# The first of them also waits for the server and its index.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
AXE = "axe-core@4.14.1"


def focused(page: Page) -> str:
    """What has the focus: its id, else its words."""
    name: str = page.evaluate(
        "document.activeElement.id || document.activeElement.innerText.trim().replace(/\\s+/g, ' ')"
    )
    return name


def test_keyboard_alone_is_enough(visit: Visit, collection: Collection) -> None:
    page = visit.page
    # From now on, and not from the key press on: the browser may open its dialog before it hears of the wish.
    choosers: list[FileChooser] = []
    page.on("filechooser", lambda chooser: choosers.append(chooser))
    order = []
    expected = [
        "Skip to the content",
        "Frameproof",
        "Find a scene",
        "Is it real?",
        "Rankings",
        "Sign in",
        "picture",
        "url",
        "Find the scene",
    ]
    for _ in expected:
        page.keyboard.press("Tab")
        order.append(focused(page))
    assert order == expected
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    assert page.locator("#drop").evaluate("(drop) => getComputedStyle(drop).outlineStyle") == "solid"
    page.keyboard.press("Space")
    deadline = monotonic() + 20
    while not choosers:
        assert monotonic() < deadline, "no file dialog"
        page.wait_for_timeout(20)
    choosers[0].set_files(collection.screenshot)
    visit.answered("Match found")
    expect(page.locator("#answer-heading")).to_be_focused()

    reached = []
    for _ in range(page.locator(".card :is(a, button, input:not([type=hidden]))").count()):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('.card') !== null")
        reached.append(focused(page))
        if reached[-1].startswith("veil"):
            page.keyboard.press("Space")
            veiled = page.locator(".card", has_text=LONG_NAME).locator("img")
            expect(veiled.first).to_have_css("filter", "none")
        elif reached[-1].startswith("Copy time"):
            time = page.evaluate("document.activeElement.dataset.copy")
            page.keyboard.press("Enter")
            expect(page.locator("#status")).to_have_text(f"Copied: {time}")
            assert page.evaluate("navigator.clipboard.readText()") == time
    assert any(name.startswith("veil") for name in reached)
    assert any(name.startswith("AniList") for name in reached)
    assert len([name for name in reached if name.startswith("Copy time")]) == page.locator(".card").count()


def test_skip_link_leads_to_the_content(visit: Visit) -> None:
    visit.page.keyboard.press("Tab")
    expect(visit.page.locator(".skip")).to_be_in_viewport()
    visit.page.keyboard.press("Enter")
    visit.page.keyboard.press("Tab")
    expect(visit.page.locator("#picture")).to_be_focused()


def test_page_works_without_scripts(new_visit: NewVisit, collection: Collection) -> None:
    visit = new_visit(java_script_enabled=False)
    page = visit.open()
    expect(page.locator("#picture")).to_be_visible()
    expect(page.get_by_text("paste it")).to_be_hidden()
    visit.photograph("no-script")
    visit.choose(collection.screenshot)
    page.get_by_role("button", name="Find the scene").click()
    expect(page.locator("#answer-heading")).to_have_text("Match found")
    expect(page.locator("#preview")).to_be_visible()
    expect(page.locator("[data-copy]").first).to_be_hidden()
    card = page.locator(".card", has_text=LONG_NAME)
    card.get_by_role("checkbox").click()
    expect(card.locator("img")).to_have_css("filter", "none")
    visit.photograph("no-script-match")


def test_errors_are_told_without_scripts(
    new_visit: NewVisit, collection: Collection, picture_host: str
) -> None:
    visit = new_visit(java_script_enabled=False)
    page = visit.open()
    visit.choose(collection.text)
    page.get_by_role("button", name="Find the scene").click()
    visit.refused("This is not a picture that can be read")
    assert page.title().startswith("This is not a picture that can be read")
    page.fill("#url", f"{picture_host}/missing.jpg")
    page.keyboard.press("Enter")
    visit.refused("The picture could not be fetched from that address")
    expect(page.locator("#url")).to_have_value(f"{picture_host}/missing.jpg")
    page.fill("#url", f"{picture_host}/screenshot.jpg")
    page.keyboard.press("Enter")
    expect(page.locator("#answer-heading")).to_have_text("Match found")


@pytest.mark.parametrize("width", [320, 360, 768])
def test_narrow_page_never_scrolls_sideways(new_visit: NewVisit, collection: Collection, width: int) -> None:
    visit = new_visit(viewport={"width": width, "height": 740}, device_scale_factor=2, has_touch=width < 700)
    visit.open()
    assert visit.overflow() == []
    visit.photograph(f"home-{width}")
    visit.choose(collection.text)
    visit.refused("This is not a picture that can be read")
    assert visit.overflow() == []
    visit.choose(collection.noise)
    visit.answered("No confident match")
    assert visit.overflow() == []
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    assert visit.overflow() == []
    expect(visit.page.locator("#answer-heading")).to_be_in_viewport()
    visit.photograph(f"match-{width}")


def test_page_is_dark_where_the_system_is(new_visit: NewVisit, collection: Collection) -> None:
    brightness = """() => {
      const [red, green, blue] = getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g);
      return (Number(red) + Number(green) + Number(blue)) / 765;
    }"""
    light, dark = new_visit(color_scheme="light"), new_visit(color_scheme="dark")
    assert light.open().evaluate(brightness) > 0.9
    assert dark.open().evaluate(brightness) < 0.1
    dark.photograph("home-dark")
    dark.choose(collection.screenshot)
    dark.answered("Match found")
    dark.photograph("match-dark")


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Deque's accessibility rules, from the npm registry: they are under the MPL and not part of this project."""
    folder = tmp_path_factory.mktemp("axe")
    try:
        packed = subprocess.run(
            ["npm", "pack", AXE, "--silent"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=90,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"{AXE} cannot be had from the npm registry: {error}")
    with tarfile.open(folder / packed.stdout.split()[-1]) as archive:
        script = archive.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


def violations(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)
    found: list[str] = page.evaluate(
        """async () => (await axe.run(document, {
          runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
        })).violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`)"""
    )
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility_rules_find_nothing(
    new_visit: NewVisit, collection: Collection, axe: str, scheme: str
) -> None:
    visit = new_visit(color_scheme=scheme, reduced_motion="reduce")
    page = visit.open()
    assert violations(page, axe) == []
    visit.choose(collection.text)
    visit.refused("This is not a picture that can be read")
    assert violations(page, axe) == []
    visit.choose(collection.noise)
    visit.answered("No confident match")
    assert violations(page, axe) == []
    visit.choose(collection.screenshot)
    visit.answered("Match found")
    assert violations(page, axe) == []
    visit.expected.append("the server responded with a status of 404")
    visit.open("/no/such/page")
    assert violations(page, axe) == []
