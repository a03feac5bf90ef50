"""One server and one browser for all tests here; a fresh visitor for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import FLAGS, chromium_path
from tests.browser.collection import Collection, make_collection
from tests.browser.folder_host import folder_host
from tests.browser.live_site import LiveSite, live_site
from tests.browser.visit import Visit

NewVisit = Callable[..., Visit]


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    return make_collection(tmp_path_factory.mktemp("collection"))


@pytest.fixture(scope="session")
def site(collection: Collection, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    data_dir = tmp_path_factory.mktemp("data")
    with live_site(data_dir=data_dir, videos=collection.videos, titles=collection.titles) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def new_visit(site: LiveSite, browser: Browser) -> Iterator[NewVisit]:
    """Begin visits of any kind; whatever went wrong unseen in one of them fails the test."""
    visits: list[Visit] = []

    def begin(**options: Any) -> Visit:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 860}, **options})
        context.set_default_timeout(20_000)
        visits.append(Visit.begin(context, site.url))
        return visits[-1]

    yield begin
    complaints = [text for visit in visits for text in visit.unexpected()]
    for visit in visits:
        visit.page.context.close()
    assert not complaints


@pytest.fixture
def visit(new_visit: NewVisit) -> Visit:
    """An ordinary visitor on the first page."""
    begun = new_visit(permissions=["clipboard-read", "clipboard-write"])
    begun.open()
    return begun


@pytest.fixture(scope="session")
def picture_host(collection: Collection) -> Iterator[str]:
    """A web server on this machine that has the pictures of the collection."""
    with folder_host(collection.screenshot.parent) as address:
        yield address
