"""Pages of credits."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.principal import Principal, PrincipalKind
from core.errors import DomainError
from credits.ledger import balance_of
from credits.payments import checkout
from credits.payments.offers import packs, subscriptions
from credits.payments.selectors import has_billing, is_selling, order_of, subscription_of
from credits.policies import Product
from credits.selectors import ledger_of, uses_by_day
from credits.web.chart import chart_of
from credits.web.errors import is_told, status_of
from credits.web.tiers import ProductWords, free_credits, product_limits, tier_columns
from credits.web.words import PRODUCT_NAMES, limits_in_words

#: Entries of the ledger on a page.
PAGE_SIZE = 20
#: Days of the chart.
CHART_DAYS = 30


@login_required
@never_cache
@require_safe
def credits_page(request: HttpRequest) -> HttpResponse:
    """The tab: what one has, may use, has used, and can buy."""
    return _page(request)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def buy(request: HttpRequest) -> HttpResponse:
    """Go to the checkout of the offer that the form names."""
    if request.method != "POST":
        # Whoever had to sign in first comes back without the form.
        return redirect("account-credits")
    try:
        url = checkout.open_checkout(
            principal=_principal(request),
            offer_name=request.POST.get("offer", ""),
            success_url=lambda order_id: _absolute(request, "account-credits-order", order_id),
            cancel_url=_absolute(request, "account-credits-cancelled"),
        )
    except DomainError as error:
        return _page(request, error)
    return _to_provider(url)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def billing(request: HttpRequest) -> HttpResponse:
    """Go to where the subscription is managed."""
    if request.method != "POST":
        # Whoever had to sign in first comes back without the form.
        return redirect("account-credits")
    try:
        url = checkout.open_billing(
            principal=_principal(request), return_url=_absolute(request, "account-credits")
        )
    except DomainError as error:
        return _page(request, error)
    return _to_provider(url)


@login_required
@never_cache
@require_safe
def order(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Where a buyer comes back to: how the order stands. Being here grants nothing."""
    found = order_of(user_id=_user(request).pk, order_id=order_id)
    if found is None:
        raise Http404
    page = {"order": found, "balance": balance_of(user_id=_user(request).pk)}
    return render(request, "credits/order.html", page)


@login_required
@never_cache
@require_safe
def cancelled(request: HttpRequest) -> HttpResponse:
    """Where a buyer comes back to who did not buy."""
    return render(request, "credits/cancelled.html")


@cache_control(private=True, max_age=0)
@require_safe
def pricing(request: HttpRequest) -> HttpResponse:
    """What every tier may use and costs, for everybody to read: where "Upgrade for more" leads."""
    user = request.user if isinstance(request.user, User) else None
    page = {
        "tiers": tier_columns(own_tier=user.tier if user else "guest"),
        "packs": packs(),
        "is_selling": is_selling(),
        "contact": _contact(),
    }
    return render(request, "credits/pricing.html", page)


def _page(request: HttpRequest, error: DomainError | None = None) -> HttpResponse:
    if error is not None and not is_told(error):
        raise error
    user, principal = _user(request), _principal(request)
    limits = product_limits(tier=user.tier)
    page: dict[str, Any] = {
        "error": error,
        "tier": user.get_tier_display(),
        "balance": balance_of(user_id=user.pk),
        "free": free_credits(principal=principal, limits=limits),
        "limits": [
            ProductWords(PRODUCT_NAMES[product], limits_in_words(limits[product])) for product in Product
        ],
        "chart": chart_of(uses_by_day(user_id=user.pk, days=CHART_DAYS)),
        "ledger": Paginator(ledger_of(user_id=user.pk), PAGE_SIZE).get_page(request.GET.get("page")),
        "packs": packs(),
        "plans": subscriptions(),
        "subscription": subscription_of(user_id=user.pk),
        "is_selling": is_selling(),
        "has_billing": has_billing(),
        "contact": _contact(),
    }
    response = render(request, "credits/account.html", page, status=status_of(error) if error else 200)
    if error is not None and (retry_after_s := error.data.get("retry_after_s")):
        response["Retry-After"] = str(retry_after_s)
    return response


def _contact() -> dict[str, str] | None:
    """How to reach the operator: a link and its words."""
    contact = settings.CREDITS_CONTACT
    if not contact:
        return None
    return {"href": contact if "://" in contact else f"mailto:{contact}", "text": contact}


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _principal(request: HttpRequest) -> Principal:
    user = _user(request)
    return Principal(kind=PrincipalKind.USER, user_id=user.pk, tier=user.tier)


def _absolute(request: HttpRequest, name: str, *arguments: object) -> str:
    """The address of a page of ours, with scheme and host."""
    path = reverse(name, args=arguments)
    return settings.SITE_URL + path if settings.SITE_URL else request.build_absolute_uri(path)


def _to_provider(url: str) -> HttpResponse:
    response = HttpResponseRedirect(url)
    # "See other": the form is not to be posted there.
    response.status_code = 303
    return response
