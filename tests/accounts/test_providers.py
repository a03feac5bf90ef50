"""Signing in with an account elsewhere: off, unless an operator has given a client's id and secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from config.env import BASE_DIR

_SCRIPT = """
import json, django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.test import Client
client = Client(HTTP_HOST="localhost")
page = client.get("/accounts/login/")
begun = client.get("/accounts/github/login/")
led = client.post("/accounts/github/login/")
forged = client.get("/accounts/github/login/callback/", {"code": "x", "state": "forged"})
print(json.dumps({
    "offered": "/accounts/github/login/" in page.content.decode(),
    "google": "/accounts/google/login/" in page.content.decode(),
    "policy": page["Content-Security-Policy"],
    "begun": [begun.status_code, 'class="brand"' in begun.content.decode()],
    "led": [led.status_code, led["Location"]],
    "forged": [forged.status_code, 'class="brand"' in forged.content.decode()],
    "tabs": [tab.name for tab in __import__("accounts.tabs").tabs.account_tabs()],
}))
"""


def test_provider_is_offered_once_its_settings_are_given(tmp_path: Path) -> None:
    environment = {
        **{
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "REDIS_URL", "HTTPS")
        },
        "DATA_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SOCIAL_GITHUB_CLIENT_ID": "our-id",
        "SOCIAL_GITHUB_CLIENT_SECRET": "our-secret",
        "SOCIAL_GOOGLE_CLIENT_ID": "only half of it",
        "DEBUG": "true",
    }
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["offered"], told["google"]) == (True, False)
    assert "form-action 'self' https://github.com" in told["policy"]
    assert told["begun"] == [200, True]
    assert told["led"][0] == 302
    assert told["led"][1].startswith("https://github.com/login/oauth/authorize?client_id=our-id&")
    assert "our-secret" not in told["led"][1]
    assert told["forged"] == [401, True]
    assert "connections" in told["tabs"]


@pytest.mark.django_db
def test_none_is_offered_by_default(client: Client) -> None:
    text = client.get("/accounts/login/").content.decode()
    assert "third-party" not in text
    assert "github" not in text
    assert client.get("/accounts/github/login/").status_code == 404
