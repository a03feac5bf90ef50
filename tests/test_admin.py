"""Every page of the admin opens: index, lists, forms to add and to change, histories, deletions, searches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Tier, User
from anime_search.engine.search import Scene
from anime_search.models import (
    Anime,
    FrameTrackFile,
    IngestJob,
    JobOutcome,
    JobStatus,
    SharedResult,
    Video,
    VideoFile,
)
from anime_search.selectors import Candidate
from anime_search.services import SearchAnswer
from anime_search.shared_answers import plain_answer
from apikeys.models import ApiKey
from credits.ledger import grant_credits
from credits.models import (
    Admission,
    Counted,
    CreditAccount,
    DayCount,
    LedgerEntry,
    Order,
    PaidTier,
    Payment,
    PaymentEvent,
    Policy,
    Subscription,
)
from credits.policies import Product
from deepfake.models import Analysis
from rankings.models import MatchFeedback, SearchEvent, Tally, UnsureMatch
from tests.policies import set_policy

REGISTERED: list[tuple[type[Model], ModelAdmin[Any]]] = sorted(
    admin.site._registry.items(), key=lambda item: item[0]._meta.label
)
MODELS = [model for model, _ in REGISTERED]
#: Rows that come from use alone, or are what was done: nobody deletes one.
KEPT = [
    SearchEvent, UnsureMatch, Tally, MatchFeedback, Policy, CreditAccount, LedgerEntry, DayCount, Admission, ApiKey, LogEntry,
    Order, Payment, Subscription, PaidTier, PaymentEvent, Analysis, SharedResult,
]  # fmt: skip
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NAME = "ゆるキャン△ <b>#1</b> & 'co'"


def scene_of(video: Video) -> Scene:
    return Scene(video.sha256, 1.0, 2.0, 3.0, similarity=0.98, probability=0.97, view="full", is_match=True)


def make_video(number: int, anime: Anime | None) -> Video:
    video = Video.objects.create(
        sha256=f"{number:064x}", size=1, anime=anime, filename=f"{NAME} {number}.mp4", title=NAME, kind="episode",
        episode=float(number), duration_ms=1_440_000, width=1280, height=720, fps=23.976, codec="h264",
    )  # fmt: skip
    VideoFile.objects.create(
        video=video,
        path=f"/videos/{number}.mp4",
        path_sha256=f"{number:064x}",
        size=1,
        mtime_ns=1,
        inode="1:1",
        seen_at=NOW,
    )
    FrameTrackFile.objects.create(video=video, descriptor="d", frames=10, sha256=f"{number:064x}")
    return video


@pytest.fixture
def rows(db: None) -> dict[type[Model], Model]:
    """One row of every model that the admin knows, with names that would break a careless page."""
    anime = Anime.objects.create(anilist_id=1, title_romaji=NAME, synonyms=[NAME], season_year=2018)
    bare = Anime.objects.create(anilist_id=2)
    video = make_video(1, anime)
    make_video(2, bare)
    make_video(3, None)
    job = IngestJob.objects.create(
        path=f"/videos/{NAME}.mp4", path_sha256="0" * 64, root="/videos", size=1, mtime_ns=1, inode="1:1",
        status=JobStatus.FAILED, outcome=JobOutcome.BROKEN, message=NAME, video=video,
    )  # fmt: skip
    # Of a title and a video that were deleted: what was searched outlives both.
    scene = {
        "caller": "c" * 64, "day": NOW.date(), "anime_id": 99, "video_id": 99, "at_ms": 1, "similarity": 0.9,
        "found_at": NOW,
    }  # fmt: skip
    user = User.objects.create_user("someone@example.com", "x", name=NAME, date_joined=NOW)
    entry = grant_credits(user_id=user.pk, amount=5, reason=NAME, actor="staff:1")
    assert entry is not None
    day = DayCount.objects.create(
        product=Product.WHAT_ANIME, subject=f"user:{user.pk}", counts=Counted.FREE_CREDITS, serial=1,
        starts_at=NOW, ends_at=NOW, used=1,
    )  # fmt: skip
    set_policy(Product.TRACE_MOE)
    order = Order.objects.create(
        account=entry.account, offer=NAME[:40], credits=5, amount=500, currency="eur", created_at=NOW
    )
    analysis = Analysis.objects.create(
        owner=user, source_type="url", source_url=f"https://videos.example/{NAME}", title=NAME, status="done",
        result="real", prob_fake=0.1, evidence={"said": NAME}, processing_time_ms=5, created_at=NOW, ended_at=NOW,
    )  # fmt: skip
    found = SearchAnswer([Candidate(scene_of(video), video, anime)], True, 1, {})
    return {
        SharedResult: SharedResult.objects.create(
            owner=user, digest="e" * 64, result=plain_answer(found), created_at=NOW, expires_at=NOW
        ),
        Analysis: analysis,
        Order: order,
        Payment: Payment.objects.create(payment_id=NAME, order=order),
        Subscription: Subscription.objects.create(
            subscription_id=NAME, account=entry.account, tier="pro", status="active", read_at=NOW
        ),
        PaidTier: PaidTier.objects.create(account=entry.account, tier="pro", given=True),
        PaymentEvent: PaymentEvent.objects.create(
            event_id=NAME, kind=NAME, outcome="kept", note=NAME, created_at=NOW, received_at=NOW
        ),
        CreditAccount: entry.account,
        LedgerEntry: entry,
        DayCount: day,
        Admission: Admission.objects.create(
            product=Product.WHAT_ANIME,
            subject=day.subject,
            account=entry.account,
            free_day=day,
            free=1,
            idempotency_key=NAME,
            answer={"said": NAME},
            created_at=NOW,
            expires_at=NOW,
        ),
        Policy: Policy.objects.get(product=Product.TRACE_MOE, tier="guest"),
        ApiKey: ApiKey.objects.create(
            user=user, title=NAME, prefix="ak_12345678", digest="d" * 64, created_at=NOW
        ),
        LogEntry: LogEntry.objects.create(
            user=user, object_id="1", object_repr=NAME, action_flag=CHANGE, change_message=f"Tier: {NAME}"
        ),
        SearchEvent: SearchEvent.objects.create(**scene, bucket=0, shifted_bucket=0, confirmed=True),
        UnsureMatch: UnsureMatch.objects.create(**scene, search_id="x", position=0),
        MatchFeedback: MatchFeedback.objects.create(
            **{name: value for name, value in scene.items() if name not in ("caller", "day")},
            search_id="x",
            position=0,
            is_right=True,
            judged_at=NOW,
            probability=0.5,
            view="full",
            confident=True,
            asked_frames=0,
            vector=b"",
        ),
        Tally: Tally.objects.create(period="daily", start=NOW.date(), anime_id=99, count=3),
        Anime: anime,
        Video: video,
        IngestJob: job,
        User: user,
        Group: Group.objects.create(name=NAME),
    }


def address(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def opened(client: Client, path: str, **query: str) -> str:
    response = client.get(path, query)
    assert response.status_code == 200, f"{path}: {response.status_code}"
    text = response.content.decode()
    assert "<b>#1</b>" not in text
    return text


def test_rows_of_every_registered_model_are_tried(rows: dict[type[Model], Model]) -> None:
    assert set(rows) == set(MODELS)


def test_index_and_app_lists_open(admin_client: Client) -> None:
    text = opened(admin_client, reverse("admin:index"))
    for model in MODELS:
        assert address(model, "changelist") in text
        opened(admin_client, reverse("admin:app_list", args=[model._meta.app_label]))
    opened(admin_client, reverse("admin:password_change"))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_list_opens_and_can_be_searched_sorted_and_filtered(
    admin_client: Client, rows: dict[type[Model], Model], model: type[Model]
) -> None:
    model_admin = admin.site._registry[model]
    where = address(model, "changelist")
    opened(admin_client, where)
    opened(admin_client, where, q="a" if not model_admin.search_fields else "1")
    opened(admin_client, where, q="'\" % _ \\ ゆる")
    for number in range(1, len(model_admin.list_display) + 1):
        opened(admin_client, where, o=f"-{number}")
    text = opened(admin_client, where)
    for query in {part.split('"')[0] for part in text.split('href="?')[1:]}:
        opened(admin_client, f"{where}?{query.replace('&amp;', '&')}")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_form_to_add_opens_where_rows_may_be_added(
    admin_client: Client, admin_user: User, rows: dict[type[Model], Model], model: type[Model]
) -> None:
    request = RequestFactory().get("/")
    request.user = admin_user
    allowed = admin.site._registry[model].has_add_permission(request)
    response = admin_client.get(address(model, "add"))
    assert response.status_code == (200 if allowed else 403)
    assert allowed == (model in (Anime, User, Group))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_pages_of_one_row_open(
    admin_client: Client, rows: dict[type[Model], Model], model: type[Model]
) -> None:
    for row in model._default_manager.all():
        opened(admin_client, address(model, "change", row.pk))
        opened(admin_client, address(model, "history", row.pk))
        if model in KEPT:
            assert admin_client.get(address(model, "delete", row.pk)).status_code == 403
        else:
            opened(admin_client, address(model, "delete", row.pk))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_page_of_a_row_that_is_not_there_leads_back(admin_client: Client, model: type[Model]) -> None:
    response = admin_client.get(address(model, "change", 10**6))
    assert (response.status_code, response["Location"]) == (302, reverse("admin:index"))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_form_that_is_saved_unchanged_changes_nothing(
    admin_client: Client, rows: dict[type[Model], Model], model: type[Model]
) -> None:
    where = address(model, "change", rows[model].pk)
    page = admin_client.get(where)
    form = page.context["adminform"].form
    if not form.fields:
        assert admin_client.post(where).status_code == 403
        return
    fields = {
        bound.html_name: value
        for each in [form, *(inline.formset.management_form for inline in page.context["inline_admin_formsets"]),
                     *(row for inline in page.context["inline_admin_formsets"] for row in inline.formset.forms)]
        for bound in each
        if (value := bound.value()) is not None and value is not False
    }  # fmt: skip
    for name, value in list(fields.items()):
        if isinstance(value, datetime):
            del fields[name]
            fields |= {f"{name}_0": value.date().isoformat(), f"{name}_1": value.time().isoformat()}
    before = model._default_manager.filter(pk=rows[model].pk).values().get()
    response = admin_client.post(where, fields)
    assert response.status_code == 302, response.context["errors"]
    assert model._default_manager.filter(pk=rows[model].pk).values().get() == before


def test_user_can_be_added_and_signs_in(admin_client: Client) -> None:
    response = admin_client.post(
        address(User, "add"),
        {
            "email": "New@Example.com",
            "tier": Tier.PRO,
            "usable_password": "true",
            "password1": "a long enough secret 17",
            "password2": "a long enough secret 17",
        },
    )
    assert response.status_code == 302, response.context["errors"]
    user = User.objects.get(email="new@example.com")
    assert (user.tier, user.is_staff) == (Tier.PRO, False)
    assert Client().login(email="new@example.com", password="a long enough secret 17")


@pytest.mark.parametrize("email", ["someone@example.com", "SOMEONE@example.com", "", "no address"])
def test_second_user_of_an_address_is_refused_in_words(
    admin_client: Client, rows: dict[type[Model], Model], email: str
) -> None:
    response = admin_client.post(
        address(User, "add"),
        {
            "email": email,
            "tier": Tier.FREE,
            "usable_password": "true",
            "password1": "a long enough secret 17",
            "password2": "a long enough secret 17",
        },
    )
    assert response.status_code == 200
    assert response.context["errors"]


def test_tier_of_a_user_can_be_changed_in_the_list_of_fields(
    admin_client: Client, rows: dict[type[Model], Model]
) -> None:
    text = opened(admin_client, address(User, "change", rows[User].pk))
    for field in ("email", "tier", "is_active", "is_staff", "groups"):
        assert f'name="{field}"' in text
    opened(admin_client, f"{address(User, 'changelist')}{rows[User].pk}/password/")


@pytest.mark.parametrize("model", [Anime, Video, IngestJob])
def test_list_needs_as_many_queries_for_many_rows_as_for_few(
    admin_client: Client,
    rows: dict[type[Model], Model],
    model: type[Model],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(10, 40):
        video = make_video(number, Anime.objects.create(anilist_id=number, title_romaji=str(number)))
        IngestJob.objects.create(
            path=f"/v/{number}",
            path_sha256=f"{number:064x}",
            root="/v",
            size=1,
            mtime_ns=1,
            inode="1:1",
            video=video,
        )
    with django_assert_max_num_queries(10):
        opened(admin_client, address(model, "changelist"))


def test_autocompletion_of_titles_answers(admin_client: Client, rows: dict[type[Model], Model]) -> None:
    query = {"app_label": "anime_search", "model_name": "video", "field_name": "anime", "term": "ゆる"}
    found = admin_client.get(reverse("admin:autocomplete"), query).json()["results"]
    assert [result["text"] for result in found] == [NAME]


@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
@pytest.mark.django_db
def test_nobody_but_staff_gets_in(client: Client, model: type[Model], signed_in: bool) -> None:
    if signed_in:
        client.force_login(User.objects.create_user("someone@example.com", "x"))
    for page in ("changelist", "add"):
        response = client.get(address(model, page))
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("admin:login"))
