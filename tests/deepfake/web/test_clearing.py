"""All of a caller's analyses go at once: verdicts, pictures, files, and what is being worked on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from deepfake import keepsakes
from deepfake.engine.verdict import FramePicture
from deepfake.models import Analysis
from tests.deepfake.conftest import MakeAnalysis
from tests.deepfake.web.asking import ask, made, text_of

pytestmark = pytest.mark.django_db

CLEAR = "/detect/history/delete"


def test_all_analyses_are_deleted_and_open_ones_refunded(
    visitor: Client,
    make_analysis: MakeAnalysis,
    sent: list[int],
    balance: Callable[[], int],
    own_data_dir: Path,
) -> None:
    done = make_analysis(status="done")
    keepsakes.keep_pictures(public_id=done.public_id, pictures=(FramePicture(b"plain 0"),))
    make_analysis(status="failed", error_code="INTERNAL_ERROR")
    made(ask(visitor))
    assert balance() == 4
    page = visitor.post(CLEAR, follow=True)
    said = text_of(page)
    assert "3 analyses were deleted." in said
    assert "Nothing was analysed yet." in said
    assert "Delete all analyses" not in said
    assert not Analysis.objects.exists()
    assert balance() == 5
    assert not list(own_data_dir.rglob("*.jpg"))


def test_analyses_of_others_stay(visitor: Client, guest: Client, owner: User, sent: list[int]) -> None:
    theirs = made(ask(guest))
    mine = made(ask(visitor))
    assert mine.owner == owner
    visitor.post(CLEAR)
    assert list(Analysis.objects.all()) == [theirs]
    guest.post(CLEAR)
    assert not Analysis.objects.exists()


def test_list_is_cleared_by_a_form_of_its_own_page_only(visitor: Client, make_analysis: MakeAnalysis) -> None:
    make_analysis(status="done")
    assert visitor.get(CLEAR).status_code == 405
    foreign = Client(enforce_csrf_checks=True)
    foreign.cookies = visitor.cookies
    assert foreign.post(CLEAR).status_code == 403
    assert Analysis.objects.count() == 1
