"""The documentation is held against the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent
OUR_APPS = {
    "core",
    "accounts",
    "apikeys",
    "credits",
    "anime_search",
    "deepfake",
    "rankings",
    "status",
    "docs_site",
    "mcp_server",
}


def _settings_read() -> set[str]:
    """Names of the environment's variables that the settings read."""
    sources = [*ROOT.glob("config/**/*.py")]
    pattern = re.compile(r"(?:env\.\w+|directory|networks)\(\s*\"([A-Z][A-Z0-9_]+)\"")
    return {name for source in sources for name in pattern.findall(source.read_text())}


@pytest.mark.parametrize("name", sorted(_settings_read()))
def test_every_setting_is_in_the_example_environment(name: str) -> None:
    assert re.search(rf"^# {name}=", (ROOT / ".env.example").read_text(), re.MULTILINE)


def test_the_example_environment_names_no_setting_that_nothing_reads() -> None:
    named = set(re.findall(r"^# ([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert named == _settings_read()


@pytest.mark.parametrize("name", sorted(name for name, app in get_commands().items() if app in OUR_APPS))
def test_every_command_is_documented(name: str) -> None:
    pages = [ROOT / "README.md", *ROOT.glob("docs/*.md"), ROOT / "CONTRIBUTING.md"]
    assert any(name in page.read_text() for page in pages)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/operators.md"])
def test_links_lead_to_files_that_exist(page: str) -> None:
    source = ROOT / page
    links = re.findall(r"\]\((?!https?:)([^)#]+)", source.read_text())
    assert [link for link in links if not (source.parent / link).exists()] == []


def test_pictures_of_the_readme_are_there_in_the_light_and_in_the_dark_and_small() -> None:
    named = set(re.findall(r'(?:src|srcset)="([^"]+)"', (ROOT / "README.md").read_text()))
    shown = {ROOT / name for name in named}
    assert shown == set((ROOT / "docs" / "images").iterdir())
    assert {path.name.replace("-dark.", "-light.") for path in shown} == {
        path.name for path in shown if "-light." in path.name
    }
    assert all(path.stat().st_size < 300 * 1024 for path in shown)
