"""The documentation's pages: limits as the database has them, the language of the reader, and nothing that the content policy forbids."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from pytest_django import Settings

from credits.policies import PolicyTier
from docs_site.document import document
from docs_site.surfaces import SURFACES, Surface
from tests.policies import set_policy

pytestmark = pytest.mark.django_db

PAGES = ["/docs", *(f"/docs/{surface.name}" for surface in SURFACES)]
HANGUL = re.compile(r"[가-힣]")


def page(client: Client, path: str, **more: Any) -> str:
    response = client.get(path, **more)
    assert response.status_code == 200
    return response.content.decode()


def limits_of(html: str, tier: PolicyTier) -> str:
    """The words of a tier's row in the table of limits."""
    table = html[html.index('class="docs-table limits"') :]
    row = table[table.index(f'<th scope="row">{tier.label}</th>') :]
    return row[: row.index("</tr>")]


@pytest.mark.parametrize("path", ["/docs", "/docs/whatanime"])
def test_limits_are_those_that_the_database_has_now(path: str, client: Client) -> None:
    set_policy("whatanime", "guest", daily=4321, rate=17)
    assert "4,321 a day" in limits_of(page(client, path), PolicyTier.GUEST)
    set_policy("whatanime", "guest", daily=1234)
    words = limits_of(page(client, path), PolicyTier.GUEST)
    assert "1,234 a day" in words
    assert "17 an hour" in words
    assert "1,234 a day" not in limits_of(page(client, path), PolicyTier.FREE)


def test_limits_are_of_the_page_s_own_products(client: Client) -> None:
    set_policy("tracemoe", "pro", daily=7777)
    set_policy("api_v1", "pro", daily=8888)
    trace, aividect = page(client, "/docs/tracemoe"), page(client, "/docs/aividect")
    assert "7,777 a day" in limits_of(trace, PolicyTier.PRO)
    assert "8,888" not in trace
    assert "8,888 a day" in limits_of(aividect, PolicyTier.PRO)
    assert "docs-table limits" not in page(client, "/docs/accounts")


@pytest.mark.parametrize("path", PAGES)
def test_page_keeps_to_the_content_policy(path: str, client: Client) -> None:
    html = page(client, path)
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert "<style" not in html
    assert not re.search(r"\s(?:style|on[a-z]+)=", html)


@pytest.mark.parametrize("path", PAGES)
def test_page_has_no_id_twice_and_leads_nowhere_that_is_not_there(path: str, client: Client) -> None:
    html = page(client, path)
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    for target in re.findall(r'href="#([^"]+)"', html):
        assert target in ids
    for link in set(re.findall(r'href="(/docs[^"#]*|/openapi\.json|/llms\.txt|/pricing)"', html)):
        assert client.get(link).status_code == 200, link


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.name)
def test_page_has_every_endpoint_of_its_surface(surface: Surface, client: Client) -> None:
    html = page(client, f"/docs/{surface.name}")
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            if operation["tags"] == [surface.name]:
                shown = html[html.index(f'id="{operation["operationId"]}"') :]
                assert f'>{method.upper()}</span> <code translate="no">{path}</code>' in shown[:1500]


@pytest.mark.parametrize(
    ("chosen", "header", "language"),
    [
        ("", "", "en"),
        ("", "ko-KR,ko;q=0.9,en;q=0.5", "ko"),
        ("", "de,en;q=0.5,ko;q=0.1", "en"),
        ("", "fr", "en"),
        ("ko", "en", "ko"),
        ("en", "ko", "en"),
        ("xx", "ko", "ko"),
    ],
)
def test_language_is_chosen_or_the_browser_s(chosen: str, header: str, language: str, client: Client) -> None:
    response = client.get(
        "/docs", {"lang": chosen} if chosen else {}, headers={"Accept-Language": header} if header else {}
    )
    assert f'<html lang="{language}"' in response.content.decode()
    assert response["Content-Language"] == language
    assert "Accept-Language" in response["Vary"]
    assert bool(HANGUL.search(response.content.decode().replace("한국어", ""))) == (language == "ko")


def test_choice_of_a_language_goes_along(client: Client) -> None:
    assert 'href="/docs/whatanime?lang=ko"' in page(client, "/docs?lang=ko")
    assert 'href="/docs/whatanime"' in page(client, "/docs")


def test_the_language_of_an_address_is_that_of_its_page_alone(client: Client) -> None:
    page(client, "/docs?lang=ko")
    assert '<html lang="en"' in page(client, "/pricing")


@pytest.mark.parametrize("code", [code for code, _name in django_settings.LANGUAGES])
def test_the_chooser_below_a_page_wins_over_the_language_of_its_address(code: str, client: Client) -> None:
    html = page(client, "/docs/aividect?lang=ko")
    assert html.count("日本語") == 1
    following = re.search(r'name="next" value="([^"]*)"', html)
    assert following
    chosen = client.post("/i18n/setlang/", {"language": code, "next": following[1]}, follow=True)
    assert chosen.request["PATH_INFO"] == "/docs/aividect"
    assert f'<html lang="{code}"' in chosen.content.decode()


def test_examples_ask_this_very_site(client: Client, settings: Settings) -> None:
    assert "curl http://testserver/api/anime/search" in page(client, "/docs")
    settings.SITE_URL = "https://frames.example"
    html = page(client, "/docs/aividect")
    assert "curl https://frames.example/api/v1/me" in html
    assert "127.0.0.1:8000" not in html


def test_unknown_surface_is_not_found(client: Client) -> None:
    assert client.get("/docs/nothing").status_code == 404


def test_every_page_leads_to_the_documentation(client: Client) -> None:
    assert 'href="/docs"' in page(client, "/")


def test_llms_text_lists_every_endpoint_and_page(client: Client) -> None:
    response = client.get("/llms.txt", headers={"Accept-Language": "ko"})
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    text = response.content.decode()
    assert text.startswith("# Frameproof\n\n> ")
    assert not HANGUL.search(text)
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            assert f"- `{method.upper()} {path}`: {operation['summary']}" in text
    for link in ("docs", "openapi.json", *(f"docs/{surface.name}" for surface in SURFACES)):
        assert f"(http://testserver/{link})" in text
