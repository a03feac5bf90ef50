"""Every text of the documentation has its Korean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils.translation import gettext, override

from docs_site.document import document
from docs_site.surfaces import SURFACES

HANGUL = re.compile(r"[가-힣]")
#: Texts that are told by their translation's staying the same.
SAME = {"API"}
_TEMPLATE_TEXT = re.compile(r'{%\s*translate "([^"]+)"')


def texts(part: Any, name: str = "") -> Iterator[str]:
    """Everything in the document that is meant for readers, but for what no page shows."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("description", "summary", "meaning", "x-displayName") and isinstance(value, str):
                yield value
            elif key not in ("info", "servers", "securitySchemes", "example", "value"):
                yield from texts(value, key)
    elif isinstance(part, list):
        for value in part:
            yield from texts(value, name)


def reasons() -> set[str]:
    """Names of statuses, which pages do not show."""
    return {
        answer["description"]
        for methods in document()["paths"].values()
        for operation in methods.values()
        for status, answer in operation["responses"].items()
        if status >= "400"
    }


def test_texts_of_the_document_are_in_korean() -> None:
    found = set(texts(document())) - reasons() - {""}
    assert len(found) > 250
    with override("ko"):
        assert [text for text in sorted(found) if not HANGUL.search(gettext(text))] == []


def test_texts_of_the_templates_are_in_korean() -> None:
    folder = settings.BASE_DIR / "templates" / "docs_site"
    found = {text for path in folder.rglob("*.html") for text in _TEMPLATE_TEXT.findall(path.read_text())}
    assert len(found) > 60
    with override("ko"):
        assert [text for text in sorted(found - SAME) if not HANGUL.search(gettext(text))] == []


@pytest.mark.django_db
@pytest.mark.parametrize("surface", [surface.name for surface in SURFACES])
def test_korean_page_is_korean_throughout(surface: str, client: Client) -> None:
    html = client.get(f"/docs/{surface}?lang=ko").content.decode()
    main = html[html.index("<main") : html.index("</main>")]
    shown = re.sub(
        r"<(pre|code|script|svg)\b.*?</\1>|<span (?:class=\"kind\"|lang=\"en\").*?</span>",
        "",
        main,
        flags=re.DOTALL,
    )
    for element in ("h1", "h2", "h3", "dd", "label", "button", "summary", "th"):
        for content in re.findall(rf"<{element}\b[^>]*>(.*?)</{element}>", shown, re.DOTALL):
            words = re.sub(r"<[^>]+>|\W|\d", "", content)
            assert not words or HANGUL.search(content) or words in ("curl", "Python", "JavaScript"), content


def test_catalogue_was_compiled_from_its_texts() -> None:
    folder: Path = settings.BASE_DIR / "locale" / "ko" / "LC_MESSAGES"
    entries = re.findall(
        r'^msgid "(.+)"\n(?:msgid_plural .*\n)?msgstr(?:\[0\])? "(.+)"$',
        (folder / "django.po").read_text(),
        re.MULTILINE,
    )
    compiled = (folder / "django.mo").read_bytes()
    assert len(entries) > 300
    for _, korean in entries:
        assert korean.replace('\\"', '"').encode() in compiled
