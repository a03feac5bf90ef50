"""A visitor's tab, and the promise that nothing goes wrong in it unseen."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect

from tests.browser.live_site import ROOT

#: Ignored by version control.
ARTEFACTS = ROOT / "test-artefacts"

#: A breach of the content policy shows up in the console, whatever way Chromium would report it.
_REPORT_BREACHES = """addEventListener("securitypolicyviolation", (event) =>
  console.error(`content policy: ${event.violatedDirective} ${event.blockedURI}`));"""


@dataclass
class Visit:
    """A tab on the site.

    Attributes:
        complaints: what the console, the content policy and uncaught exceptions had to say.
        expected: parts of complaints that belong to the test, such as an answer's status of 400.
    """

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, context: BrowserContext, url: str) -> Visit:
        """Open a tab that listens, on no page yet."""
        context.add_init_script(_REPORT_BREACHES)
        visit = cls(context.new_page(), url)
        visit.page.on("console", visit._hear)
        visit.page.on("pageerror", lambda error: visit.complaints.append(f"uncaught: {error}"))
        return visit

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def unexpected(self) -> list[str]:
        """Complaints that no test asked for."""
        return [text for text in self.complaints if not any(expected in text for expected in self.expected)]

    def open(self, path: str = "/") -> Page:
        """Go to a page of the site."""
        self.page.goto(self.url + path)
        return self.page

    def choose(self, file: Path) -> None:
        """Choose a file with the form's own field."""
        self.page.set_input_files("#picture", file)

    def answered(self, heading: str) -> None:
        """Wait for an answer under this heading, with all of its pictures loaded."""
        expect(self.page.locator("#answer-heading")).to_have_text(heading)
        self.until(
            "[...document.querySelectorAll('.card img')].every((img) => img.complete && img.naturalWidth > 0)"
        )

    def until(self, condition: str) -> None:
        """Wait until an expression holds; the page's policy forbids the polling that Playwright brings."""
        deadline = time.monotonic() + 20
        while not self.page.evaluate(condition):
            assert time.monotonic() < deadline, f"still not so: {condition}"
            self.page.wait_for_timeout(20)

    def refused(self, title: str, status: int = 400) -> None:
        """Wait for an inline message; the browser itself complains of the answer's status."""
        self.expected.append(f"the server responded with a status of {status}")
        notice = self.page.locator("#results [role=alert]")
        expect(notice.locator("h2")).to_have_text(title)
        expect(notice).to_be_visible()

    def photograph(self, name: str) -> None:
        """Keep a picture of the whole page."""
        self.page.screenshot(path=self.artefact(name), full_page=True)

    def artefact(self, name: str) -> Path:
        """Where a picture is kept: a dialog, say, which is no part of the whole page."""
        ARTEFACTS.mkdir(exist_ok=True)
        return ARTEFACTS / f"{name}.png"

    def overflow(self) -> list[str]:
        """What sticks out of the page sideways."""
        found: list[str] = self.page.evaluate(
            """() => {
              const width = document.documentElement.clientWidth;
              const out = document.documentElement.scrollWidth > width ? ["the page"] : [];
              for (const element of document.querySelectorAll("main *, header *, footer *")) {
                if (element.closest(".visually-hidden, .skip, svg")) continue;
                const box = element.getBoundingClientRect();
                const clipped = element.closest(".card-picture, .card-others, .drop, .screen, .film-picture");
                if (box.width && !clipped && (box.right > width + 0.5 || box.left < -0.5))
                  out.push(element.outerHTML.slice(0, 80));
              }
              return out;
            }"""
        )
        return found
