"""The documentation's examples work as they stand: taken off the pages, run in their languages, against a running site."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import requests
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from credits.policies import DOCUMENTED
from docs_site.document import operations
from docs_site.surfaces import SURFACES
from tests.contracts.conftest import Library
from tests.contracts.docs.examples import Example, examples_on, run_curl, run_javascript, run_python
from tests.contracts.docs.schemas import faults
from tests.contracts.docs.values import Values, filled
from tests.deepfake.seams import FakeDetector, FakeDownloader
from tests.policies import set_policy

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("own_data_dir", "workers"),
    pytest.mark.timeout(300),
]


SURFACE_NAMES = [surface.name for surface in SURFACES]


@pytest.fixture
def values(
    library: Library,
    screenshot: bytes,
    pictures: str,
    settings: Settings,
    detector: FakeDetector,
    downloader: FakeDownloader,
) -> Values:
    settings.FETCH_ALLOWED_NETWORKS = ("127.0.0.1/32",)
    # All examples come from one address within a minute.
    settings.ACCOUNT_RATE_LIMITS = False
    for product, tier in DOCUMENTED:
        set_policy(product, tier, rate=None, daily=None)
    return Values(screenshot, pictures)


def shown_on(page: str) -> list[Example]:
    response = requests.get(page, timeout=30)
    assert response.status_code == 200
    return examples_on(response.text)


def answer_faults(surface: str, example: Example, response: requests.Response) -> list[str]:
    """What of an answer is not as the document says."""
    operation = next(each for _, _, each in operations(surface) if each["operationId"] == example.operation)
    documented = operation["responses"].get(str(response.status_code))
    if documented is None:
        return [f"{response.status_code} is not documented"]
    media_type, content = next(iter(documented["content"].items()))
    if response.headers["Content-Type"] != media_type:
        return [f"{response.headers['Content-Type']} for {media_type}"]
    return faults(response.json(), content["schema"]) if media_type == "application/json" else []


@pytest.mark.parametrize("surface", SURFACE_NAMES)
def test_every_endpoint_of_a_page_has_an_example_in_every_language(
    surface: str, live_server: LiveServer
) -> None:
    shown = shown_on(f"{live_server.url}/docs/{surface}")
    names = [operation["operationId"] for _, _, operation in operations(surface)]
    assert [(each.operation, each.language) for each in shown] == [
        (name, language) for name in names for language in ("curl", "Python", "JavaScript")
    ]


@pytest.mark.parametrize("surface", SURFACE_NAMES)
def test_python_examples_are_answered_as_documented(
    surface: str, live_server: LiveServer, values: Values, folder: Path
) -> None:
    wrong = []
    for example in shown_on(f"{live_server.url}/docs/{surface}"):
        if example.language == "Python":
            source = filled(example.source, values.of(example.operation, example.source))
            try:
                found = answer_faults(surface, example, run_python(source, folder))
            except requests.HTTPError as error:
                found = [f"{error}: {error.response.text}"]
            wrong += [f"{example.operation}: {each}" for each in found]
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["curl", "JavaScript"])
@pytest.mark.parametrize("surface", SURFACE_NAMES)
def test_examples_of_other_languages_work(
    surface: str, language: str, live_server: LiveServer, values: Values, folder: Path
) -> None:
    if language == "JavaScript" and shutil.which("node") is None:
        pytest.skip("there is no node")
    run = run_curl if language == "curl" else run_javascript
    wrong = []
    for example in shown_on(f"{live_server.url}/docs/{surface}"):
        if example.language == language:
            source = filled(example.source, values.of(example.operation, example.source))
            if trouble := run(source, folder):
                wrong.append(f"{example.operation}: {trouble}")
    assert not wrong, "\n".join(wrong)


def test_first_search_of_the_overview_works(live_server: LiveServer, values: Values, folder: Path) -> None:
    (first,) = shown_on(f"{live_server.url}/docs")
    assert first.language == "curl"
    assert run_curl(first.source, folder) == ""


def test_an_example_that_is_refused_is_noticed(live_server: LiveServer, folder: Path) -> None:
    url = f"{live_server.url}/api/v1/me"
    assert "MISSING_AUTH" in run_curl(f"curl {url}", folder)
    if shutil.which("node"):
        assert "MISSING_AUTH" in run_javascript(
            f'const r = await fetch("{url}"); if (!r.ok) throw new Error(await r.text());', folder
        )
