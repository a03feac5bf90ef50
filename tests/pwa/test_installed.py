"""What a browser needs to install the site, what it shows without a connection, and what links to pages look like elsewhere."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from PIL import Image
from pytest_django import Settings

pytestmark = pytest.mark.django_db


def manifest(client: Client, **headers: str) -> dict[str, Any]:
    response = client.get("/manifest.webmanifest", headers=headers)
    assert response["Content-Type"] == "application/manifest+json"
    said: dict[str, Any] = response.json()
    return said


def static_file(address: str) -> Path:
    found = finders.find(address.removeprefix("/static/"))
    assert isinstance(found, str), address
    return Path(found)


def test_manifest_has_what_installing_takes(client: Client) -> None:
    said = manifest(client)
    assert (said["id"], said["start_url"], said["scope"], said["display"]) == ("/", "/", "/", "standalone")
    purposes = {(icon["sizes"], icon.get("purpose")) for icon in said["icons"] if icon["type"] == "image/png"}
    assert purposes == {(f"{n}x{n}", purpose) for n in (192, 512) for purpose in ("any", "maskable")}
    for icon in said["icons"]:
        file = static_file(icon["src"])
        if file.suffix == ".png":
            assert "{}x{}".format(*Image.open(file).size) == icon["sizes"]
    assert [client.get(shortcut["url"]).status_code for shortcut in said["shortcuts"]] != []


def test_maskable_icon_reaches_the_edge_and_the_other_does_not(client: Client) -> None:
    corners = {
        icon["purpose"]: Image.open(static_file(icon["src"])).convert("RGBA").getpixel((0, 0))[3]
        for icon in manifest(client)["icons"]
        if icon["type"] == "image/png"
    }
    assert corners == {"any": 0, "maskable": 255}


@pytest.mark.parametrize("code", ["ko", "ja", "zh-hant", "zh-hans", "en"])
def test_manifest_speaks_the_visitors_language(client: Client, code: str) -> None:
    said = manifest(client, **{"accept-language": code})
    assert said["lang"] == code
    assert (said["shortcuts"][0]["name"] == "Find a scene") == (code == "en")


def test_chosen_language_reaches_the_manifest(client: Client) -> None:
    client.post("/i18n/setlang/", {"language": "ja", "next": "/"})
    assert manifest(client)["lang"] == "ja"
    # Browsers send no cookie for it unless they are told to.
    assert 'rel="manifest" href="/manifest.webmanifest" crossorigin="use-credentials"' in body(client, "/")


def body(client: Client, where: str) -> str:
    return client.get(where).content.decode()


def test_worker_keeps_the_offline_page_and_what_it_is_drawn_with_alone(client: Client) -> None:
    response = client.get("/sw.js")
    assert response["Content-Type"].startswith("text/javascript")
    assert "no-cache" in response["Cache-Control"]
    text = response.content.decode()
    assert json.loads(re.findall(r"const OFFLINE = (.*);", text)[0]) == "/offline"
    kept = json.loads(re.findall(r"const KEPT = (.*);", text)[0])
    page = body(client, "/offline")
    assert set(kept) <= set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
    assert set(re.findall(r'(?:href|src)="(/static/[^"]+\.(?:css|js))"', page)) <= set(kept)


def test_worker_is_another_one_when_a_file_changes(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    before = body(client, "/sw.js")
    assert body(client, "/sw.js") == before
    monkeypatch.setattr("pwa.views.static", lambda name: f"/static/{name}?changed")
    after = body(client, "/sw.js")
    shelves = [re.findall(r'const SHELF = "(.*)";', text)[0] for text in (before, after)]
    assert shelves[0] != shelves[1]


def test_offline_page_is_of_nobody(client: Client, django_user_model: Any) -> None:
    client.force_login(django_user_model.objects.create_user("reader@example.com", "x"))
    page = client.get("/offline", headers={"accept-language": "ko"})
    text = page.content.decode()
    assert page["Content-Language"] == "ko"
    assert '<html lang="ko"' in text
    assert 'href="/account"' not in text
    assert "csrfmiddlewaretoken" not in text
    assert not page.cookies


def card(text: str) -> dict[str, str]:
    return {
        name: unescape(said) for name, said in re.findall(r'<meta (?:property|name)="([\w:]+)" content="([^"]*)"', text)
    }  # fmt: skip


@pytest.mark.parametrize("where", ["/", "/detect", "/rankings", "/recent", "/status", "/docs", "/pricing"])
def test_public_page_has_a_card(client: Client, where: str) -> None:
    response = client.get(where, follow=True)
    assert response.status_code in (200, 503)
    text = response.content.decode()
    said = card(text)
    title = re.search(r"<title>(.*?)</title>", text)
    assert title
    assert said["og:title"] == unescape(title[1])
    assert said["og:description"] == said["description"]
    assert said["og:url"] == f"http://testserver{response.request['PATH_INFO']}"
    assert said["twitter:card"] == "summary_large_image"
    image = Image.open(static_file(said["og:image"].removeprefix("http://testserver")))
    assert image.size == (1200, 630) == (int(said["og:image:width"]), int(said["og:image:height"]))


def test_cards_addresses_are_those_of_the_site(client: Client, settings: Settings) -> None:
    settings.SITE_URL = "https://scenes.example"
    said = card(body(client, "/detect"))
    assert said["og:url"] == "https://scenes.example/detect"
    assert said["og:image"].startswith("https://scenes.example/static/")


def test_private_page_has_no_card(client: Client, django_user_model: Any) -> None:
    client.force_login(django_user_model.objects.create_user("reader@example.com", "x"))
    for where in ("/account", "/account/keys", "/account/credits", "/detect/history", "/no/such/page"):
        text = body(client, where)
        assert "og:" not in text, where
        assert 'content="noindex"' in text, where
