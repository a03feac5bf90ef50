"""Shared results as staff see them: whose they are and of what; withdrawn, but never looked into."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from accounts.principal import Principal, PrincipalKind
from anime_search.engine.search import Scene
from anime_search.models import SharedResult, Video
from anime_search.selectors import candidates_of
from anime_search.services import SearchAnswer
from anime_search.sharing import offer_share, share_result
from tests.admin.conftest import MakeStaff, answer, changelist, choose, messages_of, said

pytestmark = pytest.mark.django_db

LIST = changelist("anime_search_sharedresult")


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("eve@example.com", "x")


@pytest.fixture
def shared(owner: User, settings: Settings, tmp_path: Path) -> tuple[SharedResult, str]:
    settings.DATA_DIR = tmp_path
    Video.objects.create(
        sha256="a" * 64, size=1, filename="a.mkv", title="Laid-Back Camp", kind="episode",
        duration_ms=60_000, width=1920, height=1080, fps=24, codec="h264",
    )  # fmt: skip
    scenes = [Scene("a" * 64, 1.0, 2.0, 3.0, 0.98, 0.97, "full", True)]
    found = SearchAnswer(candidates_of(scenes), True, 9, {})
    principal = Principal(kind=PrincipalKind.USER, user_id=owner.pk, tier="free")
    offer = offer_share(principal=principal, answer=found, picture=b"a picture")
    return share_result(principal=principal, offer=offer, picture=b"a picture")


def test_results_are_found_by_id_and_owner(
    admin_client: Client, shared: tuple[SharedResult, str], owner: User
) -> None:
    row, token = shared
    for query in ({}, {"q": row.public_id}, {"q": owner.email}):
        page = admin_client.get(LIST, query).content.decode()
        assert row.public_id in page
        assert "Laid-Back Camp" in page
        assert row.digest not in page
        assert token not in page
    assert row.public_id not in admin_client.get(LIST, {"q": "other@example.com"}).content.decode()
    page = admin_client.get(reverse("admin:anime_search_sharedresult_change", args=[row.pk])).content.decode()
    assert "Laid-Back Camp" in page
    assert row.digest not in page


def test_staff_withdraw_results_and_the_trail_says_so(
    make_staff: MakeStaff,
    shared: tuple[SharedResult, str],
    tmp_path: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    row, token = shared
    staff = make_staff("anime_search.view_sharedresult", "anime_search.delete_sharedresult")
    page = choose(staff, "withdraw_chosen", [row], where=LIST)
    assert SharedResult.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        done = answer(staff, page, where=LIST)
    assert messages_of(done) == ["1 result was withdrawn."]
    assert said() == [(row.public_id, "Withdrawn.")]
    assert not SharedResult.objects.exists()
    assert not list(tmp_path.rglob("*.jpg"))
    assert Client().get(f"/s/{token}").status_code == 404


def test_whoever_may_only_look_withdraws_nothing(
    make_staff: MakeStaff, shared: tuple[SharedResult, str]
) -> None:
    staff = make_staff("anime_search.view_sharedresult")
    choose(staff, "withdraw_chosen", [shared[0]], where=LIST)
    assert SharedResult.objects.exists()
    assert "Withdraw the chosen" not in staff.get(LIST).content.decode()
