"""``Idempotency-Key``: a search that is sent again is answered again, and charged once."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from anime_search.services import SearchAnswer
from tests.contracts.whatanime.asking import credits_of, refusal, search

pytestmark = pytest.mark.usefixtures("reconciled", "searched")


def named(client: Client, name: str, picture: bytes = b"picture", **more: Any) -> Any:
    return search(client, picture, headers={"Idempotency-Key": name}, **more)


def test_repeated_request_gets_the_same_answer_and_is_charged_once(
    signed_in: Client, searched: list[object]
) -> None:
    first = named(signed_in, "a")
    for _ in range(3):
        again = named(signed_in, "a")
        assert (again.status_code, again.content) == (200, first.content)
        assert '"free";r=9' in again["RateLimit"]
    assert len(searched) == 1
    assert credits_of(signed_in)["dailyUsed"] == 1
    assert named(signed_in, "b").content != first.content


def test_name_of_another_request_is_refused(signed_in: Client) -> None:
    assert named(signed_in, "a").status_code == 200
    assert refusal(named(signed_in, "a", b"another"), 422) == "IDEMPOTENCY_KEY_REUSED"
    assert credits_of(signed_in)["dailyUsed"] == 1


def test_request_that_is_running_is_to_be_asked_again(
    signed_in: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner: list[Any] = []

    def search_meanwhile(**_: object) -> SearchAnswer:
        inner.append(named(signed_in, "a"))
        return SearchAnswer([], False, 1, {})

    monkeypatch.setattr("anime_search.api.whatanime.views.search_media", search_meanwhile)
    assert named(signed_in, "a").status_code == 200
    assert refusal(inner[0], 409) == "REQUEST_IN_PROGRESS"
    assert int(inner[0]["Retry-After"]) > 0
    assert len(inner) == 1
    assert credits_of(signed_in)["dailyUsed"] == 1


def test_name_of_a_failed_request_is_free_again(signed_in: Client, searched: list[object]) -> None:
    for _ in range(2):
        assert named(signed_in, "a", b"slow").status_code == 503
    assert named(signed_in, "a").status_code == 200
    assert len(searched) == 3
    assert credits_of(signed_in)["dailyUsed"] == 1


def test_names_of_other_callers_are_theirs(client: Client, signed_in: Client, searched: list[object]) -> None:
    guest = Client()
    assert named(signed_in, "a").status_code == named(guest, "a", b"another").status_code == 200
    assert named(guest, "a", b"another", REMOTE_ADDR="203.0.113.3").status_code == 200
    assert len(searched) == 3


@pytest.mark.parametrize("name", ["", "x" * 256, "é", "a\tb", "\x00", "\x7f"])
def test_name_that_is_none_is_refused(signed_in: Client, name: str) -> None:
    assert refusal(named(signed_in, name), 400) == "INVALID_IDEMPOTENCY_KEY"
    assert credits_of(signed_in)["hourlyRemaining"] == 100


def test_longest_name_is_taken(signed_in: Client) -> None:
    assert named(signed_in, "~" * 255).status_code == named(signed_in, "~" * 255).status_code == 200
