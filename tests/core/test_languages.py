"""The pages follow the browser's language or the visitor's choice, catalogues are whole, and programs are told English."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client, override_settings

ROOT = Path(__file__).resolve().parent.parent.parent
#: What stands in ``locale/``, by the code that browsers send.
FOLDERS = {"ko": "ko", "ja": "ja", "zh-hant": "zh_Hant", "zh-hans": "zh_Hans"}
#: "Find a scene", as the navigation has it, in a letter that only this language would have.
MARKS = {"ko": "장면", "ja": "シーン", "zh-hant": "場景", "zh-hans": "场景"}
PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sdf]|%[sd]|\{[a-z_]*\}|<[^>]+>")
DATE_FILTER = re.compile(r'\|(?:date|time):"([^"]+)"')

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("code", FOLDERS)
def test_a_page_follows_the_browsers_language(client: Client, code: str) -> None:
    page = client.get("/", headers={"accept-language": f"{code},en;q=0.5"})
    text = page.content.decode()
    assert f'<html lang="{code}"' in text
    assert MARKS[code] in text
    assert "Accept-Language" in page["Vary"]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [("zh-TW", "zh-hant"), ("zh-CN", "zh-hans"), ("ko-KR", "ko"), ("fr", "en"), ("", "en"), ("x;q=z", "en")],
)
def test_relatives_of_a_language_get_it_and_strangers_english(
    client: Client, asked: str, answered: str
) -> None:
    page = client.get("/", headers={"accept-language": asked})
    assert f'<html lang="{answered}"' in page.content.decode()


def test_a_visitor_chooses_a_language_and_comes_back_to_the_page(client: Client) -> None:
    chosen = client.post("/i18n/setlang/", {"language": "ja", "next": "/rankings"})
    assert (chosen.status_code, chosen["Location"]) == (302, "/rankings")
    cookie = chosen.cookies[settings.LANGUAGE_COOKIE_NAME]
    assert cookie["httponly"]
    assert int(cookie["max-age"]) == 365 * 86400
    page = client.get("/rankings", headers={"accept-language": "ko"})
    assert '<html lang="ja"' in page.content.decode()
    assert '<option value="ja" lang="ja" selected>日本語</option>' in page.content.decode()


@pytest.mark.parametrize("target", ["https://example.org/", "//example.org/", "javascript:alert(1)"])
def test_choosing_a_language_leads_nowhere_else(client: Client, target: str) -> None:
    chosen = client.post("/i18n/setlang/", {"language": "ko", "next": target})
    assert chosen["Location"] == "/"


def test_a_language_that_there_is_not_is_not_chosen(client: Client) -> None:
    chosen = client.post("/i18n/setlang/", {"language": "xx", "next": "/"})
    assert settings.LANGUAGE_COOKIE_NAME not in chosen.cookies


@pytest.mark.parametrize(
    "path", ["/api/anime/search", "/api/search", "/search", "/api/v1/me", "/api/v1/nothing", "/api/auth/get"]
)
def test_programs_are_answered_in_english(client: Client, path: str) -> None:
    english = client.get(path, headers={"accept-language": "en"})
    japanese = client.get(path, headers={"accept-language": "ja"})
    assert japanese.status_code == english.status_code
    assert japanese.content.decode().isascii()


def test_dates_are_in_each_languages_own_order() -> None:
    formats = [
        (path.name, asked)
        for path in sorted((ROOT / "templates").rglob("*.*"))
        for asked in DATE_FILTER.findall(path.read_text())
    ]
    assert len(formats) > 10
    # For programs, and a time of day, which all of them write alike.
    assert [each for each in formats if each[1] not in ("c", "H:i") and not each[1].endswith("_FORMAT")] == []


@pytest.mark.parametrize("folder", FOLDERS.values())
def test_catalogues_are_whole(folder: str) -> None:
    catalogue = ROOT / "locale" / folder / "LC_MESSAGES"
    entries = [entry for entry in polib.pofile(str(catalogue / "django.po")) if not entry.obsolete]
    assert len(entries) > 1000
    for entry in entries:
        texts = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
        assert all(texts), entry.msgid
        assert "fuzzy" not in entry.flags, entry.msgid
        source = entry.msgid_plural or entry.msgid
        for text in texts:
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(source)), entry.msgid
    compiled = {(entry.msgctxt, entry.msgid): entry for entry in polib.mofile(str(catalogue / "django.mo"))}
    for entry in entries:
        found = compiled[entry.msgctxt, entry.msgid]
        assert (found.msgstr, found.msgstr_plural) == (entry.msgstr, entry.msgstr_plural), (
            "make messages has to be run"
        )


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("xgettext"), reason="needs gettext's tools")
def test_catalogues_have_every_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # In a copy: the command writes into the folder that it reads.
    texts = ("*.py", "*.html", "*.txt")
    apart = {"tests", "benchmarks", "clients", "docs", "data", "training", "locale", "static"}
    for path in sorted(each for pattern in texts for each in ROOT.rglob(pattern)):
        place = path.relative_to(ROOT)
        if not apart.intersection(place.parts) and not any(part.startswith(".") for part in place.parts):
            (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, tmp_path / place)
    (tmp_path / "locale").mkdir()
    monkeypatch.chdir(tmp_path)
    with override_settings(LOCALE_PATHS=[tmp_path / "locale"]):
        call_command("makemessages", locale=["ja"], no_location=True, verbosity=0)
    found = polib.pofile(str(tmp_path / "locale/ja/LC_MESSAGES/django.po"), encoding="utf-8")
    wanted = {(entry.msgctxt, entry.msgid) for entry in found}
    assert len(wanted) > 1000
    for folder in FOLDERS.values():
        catalogue = polib.pofile(str(ROOT / "locale" / folder / "LC_MESSAGES" / "django.po"))
        missing = wanted - {(entry.msgctxt, entry.msgid) for entry in catalogue}
        assert not missing, f"make messages, and translate: {sorted(text for _, text in missing)[:5]}"
