"""Analyses as staff see them: found, cancelled, done again; addresses stay their owners' affair."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from accounts.principal import Principal
from deepfake.models import Analysis
from deepfake.services import VideoAt, request_analysis
from tests.admin.conftest import answer, changelist, choose, messages_of, said
from tests.deepfake.conftest import MakeAnalysis
from tests.deepfake.seams import VERDICT

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_data_dir", "fresh_windows")]

LIST = changelist("deepfake_analysis")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    ids: list[int] = []
    monkeypatch.setattr("deepfake.tasks.analyze.delay", ids.append)
    return ids


def shown(client: Client, **query: str) -> set[str]:
    return {row.public_id for row in client.get(LIST, query).context["cl"].result_list}


def test_analyses_are_found_and_filtered(
    admin_client: Client, make_analysis: MakeAnalysis, owner: User
) -> None:
    done = make_analysis(status="done", model_version="v1", model_sha256="d" * 64)
    failed = make_analysis(status="failed", error_code="DOWNLOAD_FAILED", error_reason="private", owner=None)
    both = {done.public_id, failed.public_id}
    assert shown(admin_client) == both
    assert shown(admin_client, q=done.public_id) == {done.public_id}
    assert shown(admin_client, q=owner.email) == {done.public_id}
    assert shown(admin_client, q="d" * 64) == {done.public_id}
    assert shown(admin_client, status__exact="failed") == {failed.public_id}
    assert shown(admin_client, result__exact="real") == {done.public_id}
    assert shown(admin_client, error_reason__exact="private") == {failed.public_id}
    assert shown(admin_client, model_version="v1") == {done.public_id}


def test_list_is_as_many_queries_however_long(admin_client: Client, make_analysis: MakeAnalysis) -> None:
    make_analysis(status="done")
    with CaptureQueriesContext(connection) as one:
        admin_client.get(LIST)
    for number in range(10):
        user = User.objects.create_user(f"u{number}@example.com", "x")
        make_analysis(status="done", owner=user)
    with CaptureQueriesContext(connection) as many:
        admin_client.get(LIST)
    assert len(many) == len(one)
    rows = [query["sql"] for query in many if '"deepfake_analysis"."public_id"' in query["sql"]]
    assert rows
    assert not any('"deepfake_analysis"."evidence"' in sql for sql in rows)


def test_host_is_shown_and_neither_address_nor_title(
    admin_client: Client, make_analysis: MakeAnalysis
) -> None:
    row = make_analysis(
        status="done", source_url="https://videos.example/private/abc?id=7", title="My wedding",
        evidence=VERDICT.as_json() | {"said": "<script>"},
    )  # fmt: skip
    for page in (LIST, reverse("admin:deepfake_analysis_change", args=[row.pk])):
        text = admin_client.get(page).content.decode()
        assert "videos.example" in text
        assert "private/abc" not in text
        assert "My wedding" not in text
        assert "<script>&quot;" not in text
    assert "heavily_compressed" in text
    assert "&lt;script&gt;" in text


def test_staff_cancel_open_analyses_and_refund_them(
    admin_client: Client, principal: Principal, sent: list[int], make_analysis: MakeAnalysis,
    balance: Callable[[], int],
) -> None:  # fmt: skip
    waiting = request_analysis(principal=principal, source=VideoAt("https://videos.example/a"))
    done = make_analysis(status="done")
    page = choose(admin_client, "cancel_chosen", [waiting, done], where=LIST)
    assert balance() == 4
    answered = answer(admin_client, page, where=LIST)
    assert messages_of(answered) == ["1 analysis was cancelled."]
    waiting.refresh_from_db()
    done.refresh_from_db()
    assert (waiting.status, done.status, balance()) == ("cancelled", "done", 5)
    assert "staff" in waiting.error_message
    assert said() == [(f"{waiting.public_id} queued", "Status: queued → cancelled.")]
    again = answer(admin_client, page, where=LIST)
    assert messages_of(again) == ["0 analyses were cancelled."]
    assert balance() == 5


def test_staff_have_analyses_done_again(
    admin_client: Client, make_analysis: MakeAnalysis, sent: list[int], balance: Callable[[], int]
) -> None:
    failed = make_analysis(status="failed")
    file = make_analysis(status="done", source_type="file", source_url="")
    page = choose(admin_client, "repeat_chosen", [failed, file], where=LIST)
    assert sent == []
    told = messages_of(answer(admin_client, page, where=LIST))
    again = Analysis.objects.get(status="queued")
    assert told[0] == "1 analysis is done again."
    assert told[1].startswith(f"Not done again: {file.public_id} (")
    assert sent == [again.pk]
    assert said() == [(str(failed), f"Analysed again as {again.public_id}.")]
    assert balance() == 5


def test_who_may_only_look_has_no_actions(make_analysis: MakeAnalysis, sent: list[int]) -> None:
    row = make_analysis()
    user = User.objects.create_user("staff@example.com", "x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_analysis"))
    client = Client()
    client.force_login(user)
    assert "cancel_chosen" not in client.get(LIST).content.decode()
    choose(client, "cancel_chosen", [row], where=LIST)
    row.refresh_from_db()
    assert row.status == "queued"
    user.user_permissions.add(Permission.objects.get(codename="change_analysis"))
    assert "cancel_chosen" in client.get(LIST).content.decode()


def test_nobody_edits_or_deletes_an_analysis_here(admin_client: Client, make_analysis: MakeAnalysis) -> None:
    row = make_analysis()
    where = reverse("admin:deepfake_analysis_change", args=[row.pk])
    assert admin_client.post(where, {"status": "done"}).status_code == 403
    assert admin_client.get(reverse("admin:deepfake_analysis_delete", args=[row.pk])).status_code == 403
    assert admin_client.get(reverse("admin:deepfake_analysis_add")).status_code == 403
