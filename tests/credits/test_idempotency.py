"""Requests with a name: worked on and charged once, whatever is sent again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from accounts.principal import Principal, PrincipalKind
from credits.errors import (
    IdempotencyKeyInvalid,
    IdempotencyKeyReused,
    InsufficientCredits,
    RequestRunning,
)
from credits.idempotency import KEPT_FOR, NamedRequest, named_once
from credits.models import Admission, AdmissionStatus
from credits.policies import Product
from credits.reconcile import differences
from credits.retention import purge_metering
from credits.services import Ticket, admit, admitted, refund, refund_expired, settle, snapshot
from tests.policies import set_policy

pytestmark = pytest.mark.django_db

SetClock = Callable[[datetime], None]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE = NamedRequest("one", "a" * 64)
OTHER = NamedRequest("one", "b" * 64)


@pytest.fixture(autouse=True)
def _reconciled() -> object:
    yield
    assert differences() == []


def ask(principal: Principal, request: NamedRequest = ONE, product: Product = Product.WHAT_ANIME) -> Ticket:
    return admit(principal=principal, product=product, request=request)


def answer(principal: Principal, request: NamedRequest = ONE, said: object = 1) -> None:
    with admitted(principal=principal, product=Product.WHAT_ANIME, request=request) as ticket:
        assert ticket.replay is None
        ticket.answer = {"said": said}


def used(principal: Principal) -> tuple[int, int]:
    state = snapshot(principal=principal, product=Product.WHAT_ANIME)
    assert state.free is not None
    assert state.limit is not None
    return state.free.used, state.limit.used


def test_request_that_was_answered_is_answered_again_and_costs_nothing(member: Principal) -> None:
    answer(member)
    for _ in range(5):
        with admitted(principal=member, product=Product.WHAT_ANIME, request=ONE) as ticket:
            assert ticket.replay == {"said": 1}
            assert ticket.admission_id is None
            ticket.answer = {"said": "something else"}
    assert used(member) == (1, 1)


def test_answer_is_given_again_when_nothing_is_left(member: Principal) -> None:
    answer(member)
    set_policy(Product.WHAT_ANIME, "free", free_credits=1, rate=1)
    assert ask(member).replay == {"said": 1}
    with pytest.raises(Exception, match="Too many"):
        ask(member, NamedRequest("two", "a" * 64))


def test_name_of_another_request_is_refused(member: Principal) -> None:
    for state in ("running", "done"):
        if state == "done":
            refund_all()
            answer(member)
        else:
            ask(member)
        with pytest.raises(IdempotencyKeyReused):
            ask(member, OTHER)
    assert used(member)[0] == 1


def refund_all() -> None:
    for row in Admission.objects.all():
        refund(admission_id=row.pk)


def test_request_that_is_running_is_to_be_asked_again(member: Principal) -> None:
    ticket = ask(member)
    with pytest.raises(RequestRunning) as refusal:
        ask(member)
    assert refusal.value.data["retry_after_s"] > 0
    ticket.answer = {"said": 2}
    settle(ticket=ticket)
    assert ask(member).replay == {"said": 2}
    assert used(member) == (1, 1)


def test_name_of_a_refunded_request_is_free_again(member: Principal) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        admitted(principal=member, product=Product.WHAT_ANIME, request=ONE),
    ):
        raise ZeroDivisionError
    answer(member, OTHER)
    assert used(member)[0] == 1


def test_name_of_a_request_whose_process_died_is_free_after_the_sweep(
    member: Principal, set_clock: SetClock
) -> None:
    set_clock(NOON)
    ask(member)
    set_clock(NOON + timedelta(minutes=4))
    with pytest.raises(RequestRunning):
        ask(member)
    refund_expired()
    answer(member)
    assert used(member)[0] == 1


def test_name_is_free_after_a_day(member: Principal, set_clock: SetClock) -> None:
    set_clock(NOON)
    answer(member)
    set_clock(NOON + KEPT_FOR)
    assert ask(member).replay == {"said": 1}
    set_clock(NOON + KEPT_FOR + timedelta(microseconds=1))
    answer(member, OTHER, said=3)
    assert ask(member, OTHER).replay == {"said": 3}
    assert Admission.objects.filter(answer__isnull=False).count() == 1


def test_answer_is_purged_with_its_name(member: Principal, set_clock: SetClock) -> None:
    set_clock(NOON)
    answer(member)
    set_clock(NOON + timedelta(days=1, seconds=1))
    purge_metering()
    row = Admission.objects.get()
    assert (row.answer, row.idempotency_key, row.status) == (None, "", AdmissionStatus.SETTLED)


def test_names_of_other_callers_and_products_are_apart(member: Principal) -> None:
    other = Principal(
        kind=PrincipalKind.USER, user_id=User.objects.create_user("b@example.com").pk, tier="free"
    )
    for principal in (member, other, Principal.guest("203.0.113.1"), Principal.guest("203.0.113.2")):
        answer(principal, said=principal.address)
        assert ask(principal).replay == {"said": principal.address}
    assert ask(member, product=Product.TRACE_MOE).replay is None


def test_key_and_session_of_one_user_share_names(member: Principal) -> None:
    answer(member)
    by_key = Principal(kind=PrincipalKind.API_KEY, user_id=member.user_id, key_id=3, tier="free")
    assert ask(by_key).replay == {"said": 1}


def test_request_without_credits_leaves_its_name_free(member: Principal) -> None:
    set_policy(Product.WHAT_ANIME, "free", free_credits=0)
    with pytest.raises(InsufficientCredits):
        ask(member)
    set_policy(Product.WHAT_ANIME, "free", free_credits=1)
    answer(member)


def test_second_of_two_that_came_at_once_is_running_also_when_the_first_took_the_last_credit(
    member: Principal,
) -> None:
    """What it would come to if the first had been written after the second had looked for its name."""
    ask(member)
    subject = f"user:{member.user_id}"
    with pytest.raises(RequestRunning), named_once(subject, Product.WHAT_ANIME, ONE):
        raise InsufficientCredits
    with pytest.raises(IdempotencyKeyReused), named_once(subject, Product.WHAT_ANIME, OTHER):
        raise InsufficientCredits
    for request in (None, NamedRequest("two", "a" * 64)):
        with pytest.raises(InsufficientCredits), named_once(subject, Product.WHAT_ANIME, request):
            raise InsufficientCredits


@pytest.mark.parametrize(
    "name", ["", "x" * 256, "é", "\x00", "\n", "a\tb", "\x7f", "\x80", "日本", "\ud800", "a\u200bb"]
)
def test_name_is_of_printable_ascii(name: str) -> None:
    with pytest.raises(IdempotencyKeyInvalid):
        NamedRequest.of(name, b"x")


@pytest.mark.parametrize("name", [" ", "~", "x" * 255, '"quoted"', "8e03978e-40d5-43e8-bc93-6894a57f9324"])
def test_names_that_are_taken(name: str) -> None:
    request = NamedRequest.of(name, b"x")
    assert request is not None
    assert request.key == name


def test_request_without_a_name_has_none(member: Principal) -> None:
    assert NamedRequest.of(None, b"x") is None


@given(st.lists(st.binary(max_size=9), max_size=4), st.lists(st.binary(max_size=9), max_size=4))
def test_digest_tells_requests_apart(one: list[bytes], other: list[bytes]) -> None:
    first, second = NamedRequest.of("k", *one), NamedRequest.of("k", *other)
    assert first is not None
    assert second is not None
    assert (first.sha256 == second.sha256) == (one == other)
