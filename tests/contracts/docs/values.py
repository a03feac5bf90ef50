"""What stands in the examples' place holders: each run of an example gets an account, a scene and an analysis of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Tier, User
from apikeys.services import create_key
from credits.ledger import grant_credits
from tests.contracts.auth.asking import COOKIE, PASSWORD, member, sign_in, with_second_factor

NEW_PASSWORD: Final = "quite another secret of 30 letters"


class Values:
    """Makes the replacements for one run of an operation's example.

    Args:
        screenshot: a picture whose scene is in the index.
        pictures: address of a web server that has it under ``/screenshot.png``.
    """

    def __init__(self, screenshot: bytes, pictures: str) -> None:
        self._numbers = itertools.count(1)
        self._screenshot = screenshot
        self._pictures = pictures

    def of(self, operation: str, source: str) -> dict[str, str]:
        """Texts by the place holders of ``source`` that they go in the place of."""
        user = self._user()
        key = create_key(user_id=user.pk, title="example")[1]
        made = {
            "YOUR_API_KEY": key,
            "YOUR_PASSWORD": PASSWORD,
            "NEW_PASSWORD": NEW_PASSWORD,
            "you@example.org": user.email,
            "new@example.org": f"new-{user.email}",
            "https://example.com/screenshot.png": f"{self._pictures}/screenshot.png",
        }
        special: Mapping[str, Callable[[User], dict[str, str]]] = {
            "revokeKey": self._key_to_revoke,
            "revokeLeakedKey": lambda user: {"LEAKED_KEY": create_key(user_id=user.pk, title="leaked")[1]},
            "verifyTotp": self._second_factor,
            "verifyBackupCode": self._second_factor,
            "resetPassword": lambda user: {
                "RESET_TOKEN": f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
            },
            "revokeSession": self._other_session,
            "getAnalysis": lambda user: self._analysis(key),
            "dismissAnalysis": lambda user: self._analysis(key),
            **dict.fromkeys(("getThumbnail", "getPreview", "getSceneByName"), self._legacy_scene),
            **dict.fromkeys(("getSceneImage", "getSceneVideo"), self._scene),
        }
        made |= special.get(operation, lambda user: {})(user)
        if "SESSION_COOKIE" in source and "SESSION_COOKIE" not in made:
            made["SESSION_COOKIE"] = _cookie(_signed_in(user))
        return made

    def _user(self) -> User:
        user = member(f"reader{next(self._numbers)}@example.org")
        User.objects.filter(pk=user.pk).update(tier=Tier.ENTERPRISE)
        grant_credits(user_id=user.pk, amount=5, reason="a test", actor="command")
        user.refresh_from_db()
        return user

    @staticmethod
    def _key_to_revoke(user: User) -> dict[str, str]:
        return {"KEY_ID": str(create_key(user_id=user.pk, title="old")[0].pk)}

    @staticmethod
    def _second_factor(user: User) -> dict[str, str]:
        _, codes = with_second_factor(user)
        client = Client()
        assert sign_in(client, email=user.email).json()["twoFactorRedirect"] is True
        return {"123456": codes[0], "SESSION_COOKIE": _cookie(client)}

    @staticmethod
    def _other_session(user: User) -> dict[str, str]:
        listed = _signed_in(user).get("/api/auth/list-sessions").json()
        return {"SESSION_TOKEN": listed[0]["token"]}

    @staticmethod
    def _analysis(key: str) -> dict[str, str]:
        body = Client().post(
            "/api/v1/analyze",
            {"file": SimpleUploadedFile("a.mp4", b"video", "video/mp4")},
            headers={"Authorization": f"Bearer {key}"},
        )
        return {"ANALYSIS_ID": body.json()["analysis_id"]}

    def _scene(self, user: User) -> dict[str, str]:
        found = self._search("/search")["result"][0]
        return {"SCENE_TOKEN": urlsplit(found["image"]).path.rpartition("/")[2]}

    def _legacy_scene(self, user: User) -> dict[str, str]:
        found = self._search("/api/search")["docs"][0]
        return {
            "ENCODED_FILE": quote(found["filename"], safe=""),
            "SCENE_FILE": found["filename"],
            "SCENE_AT": str(found["at"]),
            "TOKENTHUMB": found["tokenthumb"],
        }

    def _search(self, path: str) -> Any:
        return Client().post(path, {"image": SimpleUploadedFile("a.jpg", self._screenshot)}).json()


def filled(source: str, values: dict[str, str]) -> str:
    """An example with its place holders filled, longer ones first: one may be part of another."""
    for name in sorted(values, key=len, reverse=True):
        source = source.replace(name, values[name])
    return source


def _signed_in(user: User) -> Client:
    client = Client()
    assert sign_in(client, email=user.email).status_code == 200
    return client


def _cookie(client: Client) -> str:
    return f"{COOKIE}={client.cookies[COOKIE].value}"
